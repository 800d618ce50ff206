"""Delete what is past its time, some rows in a transaction, so that mail goes out between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import sleep
from typing import Any

from sqlalchemy import Engine

from digest.core.retention import Retention
from digest.store.engine import reading, writing
from digest.store.prune import count_past, delete_past, kinds, note_chore

CHORE = "prune"
_AT_ONCE = 2_000
_REST = 0.01  # seconds in which others may write; SQLite hands its lock to whoever asks next, and that would be us


@dataclass(slots=True)
class Pruned:
    """How many rows of each kind went, or would; `finished` says that none is left that could have gone."""

    counts: dict[str, int] = field(default_factory=dict)
    finished: bool = True

    @property
    def total(self) -> int:
        """How many rows in all."""
        return sum(self.counts.values())


def past_its_time(engine: Engine, keep: Retention, *, now: datetime) -> Pruned:
    """Count what would be deleted; deletes nothing."""
    with reading(engine) as session:
        return Pruned({kind.name: count_past(session, kind) for kind in kinds(keep, now)})


def prune(
    engine: Engine,
    keep: Retention,
    *,
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[str, int], None] = lambda _kind, _number: None,
    at_once: int = _AT_ONCE,
) -> Pruned:
    """Delete what is past its time, and note it once all is done; `progress` is told after each transaction.

    Asked to stop, it ends with the transaction it is in: the next call goes on from there.
    """
    done = Pruned()
    for kind in kinds(keep, now):
        done.counts[kind.name] = 0
        after: Any = None
        more = True
        while more:
            if stopping():
                done.finished = False
                return done
            with writing(engine) as session:
                gone, after = delete_past(session, kind, after=after, limit=at_once)
            done.counts[kind.name] += gone
            progress(kind.name, gone)
            more = after is not None
            if more:
                sleep(_REST)
    with writing(engine) as session:
        note_chore(session, CHORE, now, f"{done.total} rows deleted")
    return done
