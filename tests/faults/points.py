"""What befalls a process at a named point: the checkpoints of the flows, struck by a signal the nth time.

No production code reads a switch for this. The flows tell a `checkpoint` that they are given where they are; what
they tell it to, and what strikes there, exists under tests/ only.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable

from sqlalchemy import Engine, event

MORNING = ("frozen", "queued", "materialised")
SENDING = ("claimed", "intended", "dot", "answered", "settled")


def strike(
    point: str,
    nth: int = 1,
    number: signal.Signals = signal.SIGKILL,
    *,
    before: Callable[[], None] = lambda: None,
) -> Callable[[str], None]:
    """Return a checkpoint that sends this process a signal when `point` is reached for the nth time.

    `before` is called first.
    """
    seen: Counter[str] = Counter()

    def reach(name: str) -> None:
        seen[name] += 1
        if name == point and seen[name] == nth:
            before()
            os.kill(os.getpid(), number)

    return reach


def strike_at_statement(engine: Engine, nth: int) -> None:
    """Kill this process before its nth SQL statement, which may be in the middle of a transaction."""
    left = nth

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", count)
