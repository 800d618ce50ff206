"""The issues that a process shows at the desk, laid out for cutting: a page, its frame and the next look share one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.issue import Issue
from digest.errors import NotFound
from digest.flows.compose import draft, foresee, rests_on
from digest.flows.editions import index_of
from digest.flows.score import ISSUE_SIZE
from digest.flows.shelf import week_of
from digest.store.engine import reading
from digest.store.issues import by_date, hash_on

if TYPE_CHECKING:
    from digest.core.issue_index import IssueIndex

_MOST = 4  # issues kept; one of 1,000 cards with its words is some megabytes
_FRESH = timedelta(minutes=1)  # so long a draft does not hear of new titles, abstracts and wishes; of edits it does


@dataclass(frozen=True, slots=True)
class LaidOut:
    """An issue and its index; `issue_id` is None for a draft. Of a week, `of` is the issue that it ends with."""

    issue: Issue
    index: IssueIndex
    issue_id: int | None = None
    made_at: datetime | None = None
    of: Issue | None = None


def lay_out(engine: Engine, issued_on: date, at: datetime, size: int = ISSUE_SIZE) -> LaidOut:
    """Take the frozen issue of a date, or draft it with `at` as its cut-off; forgets it at once."""
    with reading(engine) as session:
        stored = by_date(session, issued_on)
    issue = stored.issue if stored else draft(engine, issued_on, at, size=size)
    with reading(engine) as session:
        return LaidOut(issue, index_of(session, issue), stored.id if stored else None)


def lay_out_week(session: Session, laid: LaidOut, at: datetime) -> LaidOut:
    """Lay out the week that ends with an issue."""
    shown = week_of(session, laid.issue)
    return LaidOut(shown, index_of(session, shown), laid.issue_id, at, laid.issue)


@dataclass
class Drafts:
    """Keeps the newest few. A draft rests on the newest scores; edits show at once, all else within a minute."""

    size: int = ISSUE_SIZE
    _kept: OrderedDict[Hashable, LaidOut] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def lay_out(self, engine: Engine, issued_on: date, at: datetime) -> LaidOut:
        """Return the issue of a date as it is frozen, or as the desk foresees it."""
        with reading(engine) as session:
            known = hash_on(session, issued_on)
            key: Hashable = known if known else rests_on(session, issued_on, at)
        if key is None:  # nothing was scored lately: everything counts that is known this instant
            return lay_out(engine, issued_on, at, self.size)
        with self._lock:
            found = self._kept.get(key)
        if found is not None and (known or _is_fresh(found, at)):
            return found
        with reading(engine) as session:
            made = self._stored(session, issued_on, at) if known else None
        if made is None:
            issue = foresee(engine, issued_on, at, size=self.size)
            with reading(engine) as session:
                made = LaidOut(issue, index_of(session, issue), made_at=at)
        return self._keep(key, made)

    def week(self, session: Session, laid: LaidOut, at: datetime) -> LaidOut:
        """Return the week that ends with an issue laid out here, for readers who get one mail for it."""
        key: Hashable = "week", id(laid.issue)
        with self._lock:
            found = self._kept.get(key)
        if found is not None and found.of is laid.issue and _is_fresh(found, at):
            return found
        return self._keep(key, lay_out_week(session, laid, at))

    def _keep(self, key: Hashable, made: LaidOut) -> LaidOut:
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return made

    def _stored(self, session: Session, issued_on: date, at: datetime) -> LaidOut:
        stored = by_date(session, issued_on)
        if stored is None:
            raise NotFound(f"the issue of {issued_on} is gone; look again")
        return LaidOut(stored.issue, index_of(session, stored.issue), stored.id, at)


def _is_fresh(found: LaidOut, at: datetime) -> bool:
    return found.made_at is not None and timedelta(0) <= at - found.made_at < _FRESH
