"""The `digest` command as a service of a composition runs it, on a clock that tests turn, and asking nobody outside.

Run as `python -m tests.compose.entry web --port 8000`. CLOCK_FILE names the clock's file, HOST_NAME the container;
SABOTAGE breaks the engine on purpose.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from tests.compose.clock import RunningClock


def main() -> None:
    """Run one command of ours."""
    clock = RunningClock(Path(os.environ["CLOCK_FILE"]))
    name = os.environ["HOST_NAME"]
    socket.gethostname = lambda: name
    from digest.cli.main import main as digest
    from digest.wiring import Services

    assert Services.__init__.__kwdefaults__ is not None
    Services.__init__.__kwdefaults__["clock"] = clock
    if sys.argv[1:2] == ["scheduler"]:
        from workers import scheduler

        scheduler.POLLED_SOURCES = scheduler.SIGNAL_SERVICES = ()
        scheduler.BEAT /= clock.speed  # the only interval that is counted by the wall's clock
    from tests.faults.sabotage import Sabotage, applied

    with applied(Sabotage(os.environ["SABOTAGE"]) if os.environ.get("SABOTAGE") else None):
        digest()


if __name__ == "__main__":
    main()
