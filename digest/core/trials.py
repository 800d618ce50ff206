"""When a task that takes its worker with it is set aside: how a lost run is told, and how many there may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.core.plan import Task

TRIES = 3
FORGOTTEN_FOR = timedelta(days=1)  # what somebody forgot is left alone so long, and then tried anew if it is due
# What a sender that died had claimed comes back after five minutes. A run that ends well before that has not met it,
# and proves nothing.
_PROVEN_AFTER = {Task.DELIVER: timedelta(minutes=10), Task.SWEEP: timedelta(minutes=10)}
# Without these no mail goes out: they may be tried again, and never be forgotten.
_NEEDED = frozenset({Task.DELIVER, Task.SWEEP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run takes place: a host, and a process there that no later one is taken for."""

    host: str
    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that began and has not come to its end; `words` say why, once it is known to be lost.

    `message` is the broker's name of the message that it was started by; `ends_by` the instant by which its time
    limit has ended it. `tries` counts this one and those that were lost before it.
    """

    id: int
    message: str
    place: Place
    began_at: datetime
    ends_by: datetime
    tries: int
    words: str = ""


def why_lost(run: Run, *, message: str, host: str, process_is_there: bool, now: datetime) -> str:
    """Say how it is known that a run is lost; empty while it may be alive.

    `message` is that of the run that begins now, on `host`; `process_is_there` counts only for a run on the same one.
    """
    if run.words:
        return run.words
    if run.place.host == host:
        return "" if process_is_there else "its process is gone"
    if run.message == message:
        return "the broker gave its message back"
    return "its time is over, and nothing was heard of it" if now > run.ends_by else ""


def tries_so_far(lost: Iterable[Run]) -> int:
    """Count the tries that were lost one after another.

    Runs that were lost side by side, as all are in a power cut, are one try.
    """
    return max((run.tries for run in lost), default=0)


def cleared_up_to(task: Task, began_at: datetime) -> datetime:
    """Return until when lost runs are forgiven by one that began then and ended well."""
    return began_at - _PROVEN_AFTER.get(task, timedelta(0))


def may_be_forgotten(task: Task) -> bool:
    """Tell whether a task may be left undone."""
    return task not in _NEEDED
