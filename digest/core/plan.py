"""What is due at an instant: which sources to read, whether to freeze, what to send. Decides, and does nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from digest.core.capture import RunStatus
from digest.core.refresh import SCOPE

_INTERVALS = {
    "hf": timedelta(hours=3),  # a day's list grows, and its page places are a signal
    "arxiv-rss": timedelta(hours=1),  # the feed changes once a day, not long before the cut-off; asking is cheap
    "arxiv-api": timedelta(hours=24),  # catches up the days that the feed was missed
    # The services that are asked about papers we know; core/refresh.py says about which.
    "github": timedelta(minutes=30),
    "hacker-news": timedelta(minutes=30),
    "semantic-scholar": timedelta(hours=1),
    "openalex": timedelta(hours=6),
}
_RETRY_FIRST = timedelta(minutes=15)
_RETRY_MOST = timedelta(hours=3)
POLL_MAILBOX = timedelta(minutes=5)
RETAIN_EVERY = timedelta(hours=6)
WATCH_EVERY = timedelta(minutes=5)
STALE_AFTER = timedelta(hours=12)  # the misfire grace: a slot missed by more is not made up for by a late issue


class Task(StrEnum):
    """The kinds of work the scheduler starts."""

    INGEST = "ingest"
    ERRAND = "errand"  # what somebody asked of a source beside its plan
    REFRESH = "refresh"
    WORDS = "words"
    SCORE = "score"
    COMPOSE = "compose"
    DELIVER = "deliver"
    SWEEP = "sweep"
    INBOUND = "inbound"
    PRUNE = "prune"
    RETAIN = "retain"
    WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of due work: a source and scope to read, a date to compose, or neither."""

    task: Task
    source: str = ""
    scope: str = ""
    issued_on: date | None = None

    @property
    def key(self) -> str:
        """The same words for the same work, as they are kept in the database; `work_of` reads them."""
        return json.dumps([self.task, self.source, self.scope, self.issued_on.isoformat() if self.issued_on else ""])

    @property
    def name(self) -> str:
        """What people call it: the task and what it is called with."""
        return " ".join([self.task, *self.arguments])

    @property
    def arguments(self) -> list[str]:
        """What the task is called with, all plain words."""
        match self.task:
            case Task.INGEST | Task.ERRAND:
                return [self.source, self.scope]
            case Task.REFRESH:
                return [self.source]
            case Task.COMPOSE:
                return [self.issued_on.isoformat()] if self.issued_on else []
            case _:
                return []


def work_of(key: str) -> Work:
    """Read the key of a piece of work."""
    task, source, scope, on = json.loads(key)
    return Work(Task(task), source=source, scope=scope, issued_on=date.fromisoformat(on) if on else None)


def called(task: Task, arguments: Sequence[str]) -> Work:
    """Say which work a task does that is called with these: the other way round than `Work.arguments`."""
    match task, arguments:
        case ((Task.INGEST | Task.ERRAND), [source, scope]):
            return Work(task, source=source, scope=scope)
        case Task.REFRESH, [service]:
            return Work(task, source=service, scope=SCOPE)
        case Task.COMPOSE, [on]:
            return Work(task, issued_on=date.fromisoformat(on))
        case _:
            return Work(task)


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the newest run of a source in a scope ended, and how many before it failed in a row."""

    finished_at: datetime
    status: RunStatus
    failures: int = 0


def sources_due(
    scopes: Iterable[tuple[str, str]],
    last_runs: Mapping[tuple[str, str], LastRun],
    now: datetime,
    task: Task = Task.INGEST,
    held: Mapping[str, datetime] = MappingProxyType({}),
) -> list[Work]:
    """Name the (source, scope) pairs to read now: at their interval, sooner after a failure, backing off.

    `held` are the sources that asked to be left alone, each with the instant until which.
    """
    due = []
    for source, scope in scopes:
        at = next_run_at(source, last_runs.get((source, scope)), held.get(source))
        if at is None or now >= at:
            due.append(Work(task, source=source, scope=scope))
    return due


def next_run_at(source: str, last: LastRun | None, held_until: datetime | None = None) -> datetime | None:
    """Return when a source is read next: None for at once, as it never was."""
    if last is None:
        return held_until
    planned = last.finished_at + _wait(source, last)
    return planned if held_until is None else max(planned, held_until)


def _wait(source: str, last: LastRun) -> timedelta:
    if last.status is RunStatus.FAILED:
        doublings = min(max(last.failures - 1, 0), 10)
        return min(_RETRY_FIRST * (1 << doublings), _RETRY_MOST)
    if last.status is RunStatus.LATE:
        return timedelta(hours=1)
    return _INTERVALS.get(source, timedelta(hours=24))
