"""How an issue is going out, for the desk to show again and again without counting a million rows each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Lock
from time import perf_counter

from sqlalchemy import Engine

from digest.core.brake import COMPLAINTS, HARD_BOUNCES, Limit
from digest.core.delivery import UNSETTLED, DeliveryState
from digest.core.issue import IssueState
from digest.store import today as store
from digest.store.engine import reading
from digest.store.today import CameBack, Delay, Doubt, Running, Share

_LIVE, _IDLE = 5, 60  # seconds until the page is to be shown anew: mail is due now, or within the hour
_SOON = timedelta(hours=1)
_REST = 20  # a count is not made again for so many times what it took
_GOING = (IssueState.FROZEN, IssueState.SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How an issue stands; `refresh` is in how many seconds it is worth another look, 0 for never."""

    issue: Running
    counts: dict[DeliveryState, int]
    shares: list[Share]
    deferrals: list[Delay]
    put_back: list[Delay]
    failures: list[Delay]
    doubts: list[Doubt]
    came_back: CameBack
    next_due: datetime | None
    refresh: int

    @property
    def total(self) -> int:
        """The audience: how many digests there are."""
        return sum(self.counts.values())

    @property
    def settled(self) -> int:
        """How many of them are in a final state."""
        return sum(number for state, number in self.counts.items() if state not in UNSETTLED)

    @property
    def measured(self) -> list[tuple[str, int, float, Limit]]:
        """What came back beside the limits that providers set: name, number, share of what was taken, limit."""
        taken = max(self.counts.get(DeliveryState.ACCEPTED, 0) + self.counts.get(DeliveryState.FAILED, 0), 1)
        back = self.came_back
        named = (
            ("Complaints", back.complaints, COMPLAINTS),
            ("Hard bounces", back.hard, HARD_BOUNCES),
            ("Unsubscribed", back.left, _LEAVING),
        )
        return [(name, number, number / taken, limit) for name, number, limit in named]


_LEAVING = Limit(0.005, 0.02)  # nobody sets one; more than this is unusual for a list that people asked for


@dataclass
class ProgressWatch:
    """Remembers the counts by domain, which read every delivery of the issue, for some times as long as they took."""

    clock: Callable[[], float] = perf_counter
    _kept: dict[int, tuple[float, float, list[Share]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def look(self, engine: Engine, now: datetime, on: date | None = None) -> Progress | None:
        """Say how the issue of a day, or the one that is going out, stands; None where there is none."""
        with reading(engine) as session:
            issue = store.running_issue(session, on)
            if issue is None:
                return None
            shares = self._shares(issue.id, lambda: store.shares_of(session, issue.id))
            counts: dict[DeliveryState, int] = {}
            for share in shares:
                for state, number in share.counts.items():
                    counts[state] = counts.get(state, 0) + number
            next_due = store.next_due(session, issue.id)
            return Progress(
                issue=issue,
                counts={state: counts[state] for state in DeliveryState if counts.get(state)},
                shares=shares,
                deferrals=store.deferrals_of(session, issue.id),
                put_back=store.put_back_of(session, issue.id),
                failures=store.failures_of(session, issue.id),
                doubts=store.doubts_of(session, issue.id),
                came_back=store.came_back(session, issue),
                next_due=next_due,
                refresh=_refresh(issue, next_due, now),
            )

    def _shares(self, issue_id: int, count: Callable[[], list[Share]]) -> list[Share]:
        began = self.clock()
        with self._lock:
            kept = self._kept.get(issue_id)
        if kept is not None and began - kept[0] < _REST * kept[1]:
            return kept[2]
        shares = count()
        ended = self.clock()
        with self._lock:
            self._kept = {issue_id: (ended, ended - began, shares)}
        return shares


def _refresh(issue: Running, next_due: datetime | None, now: datetime) -> int:
    if issue.state not in _GOING:
        return 0
    if not issue.queued:
        return _LIVE
    if next_due is None or next_due - now > _SOON:
        return 0
    return _LIVE if next_due <= now else _IDLE
