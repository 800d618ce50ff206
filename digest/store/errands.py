"""Queries on errands: what was asked of a source beside its plan, how far it has come, and how it ended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlmodel import Session

from digest.core.errands import LEASE, RUN_LEASE, ErrandKind, Outcome
from digest.core.merge import storable
from digest.store.dialects import changed, insert_into, table_of
from digest.store.tables import SourceErrand

_errand = table_of(SourceErrand)


@dataclass(frozen=True, slots=True)
class Errand:
    """An errand as it stands; the columns of SourceErrand say what each field is."""

    source: str
    scope: str
    kind: str
    since: date | None
    position: str
    expected: int
    asked_by: str
    asked_at: datetime
    next_at: datetime
    held_until: datetime | None
    requests: int
    listings: int
    papers_new: int
    failures: int
    words: str
    ended_at: datetime | None
    outcome: str


_COLUMNS = [_errand.c[one.name] for one in fields(Errand)]
_KEY = (_errand.c.source, _errand.c.scope, _errand.c.kind)
_BLANK: dict[str, Any] = {
    "since": None,
    "position": "",
    "expected": 0,
    "held_until": None,
    "requests": 0,
    "listings": 0,
    "papers_new": 0,
    "failures": 0,
    "words": "",
    "ended_at": None,
    "outcome": "",
}


def ask(
    session: Session,
    source: str,
    scope: str,
    kind: ErrandKind,
    *,
    actor: str,
    now: datetime,
    next_at: datetime,
    since: date | None = None,
    position: str = "",
    expected: int = 0,
) -> bool:
    """Note an errand; False where one of its kind is open already, which then stays as it is."""
    values = _BLANK | {
        "since": since,
        "position": position,
        "expected": expected,
        "asked_by": actor,
        "asked_at": now,
        "next_at": next_at,
    }
    row = {"source": source, "scope": scope, "kind": kind.value} | values
    asked = (
        insert_into(session, _errand)
        .values(row)
        .on_conflict_do_update(index_elements=list(_KEY), set_=values, where=_errand.c.ended_at.is_not(None))
        .returning(_errand.c.source)
    )
    return session.connection().execute(asked).one_or_none() is not None


def errands(session: Session, source: str = "", scope: str = "") -> list[Errand]:
    """List the errands, newest first: all of them, or those of one source in one scope."""
    chosen = select(*_COLUMNS).order_by(_errand.c.asked_at.desc(), *_KEY)
    if source:
        chosen = chosen.where(_errand.c.source == source, _errand.c.scope == scope)
    return [Errand(*row) for row in session.connection().execute(chosen)]


def due_errands(session: Session, now: datetime) -> list[tuple[str, str]]:
    """Return the (source, scope) pairs of which something is to be done now, those that wait longest first."""
    rows = session.connection().execute(
        select(_errand.c.source, _errand.c.scope).where(_due(now)).order_by(_errand.c.next_at)
    )
    return list(dict.fromkeys((row.source, row.scope) for row in rows))


_LEASES = {ErrandKind.RUN: RUN_LEASE, ErrandKind.BACKFILL: LEASE}


def take(session: Session, source: str, scope: str, now: datetime) -> Errand | None:
    """Take what is due of a source and scope, for a lease from its newest sign of life; None if nothing is."""
    for kind in ErrandKind:  # a run now before a back-fill, which takes long
        its = (_errand.c.source == source, _errand.c.scope == scope, _errand.c.kind == kind.value)
        taking = update(_errand).where(*its, _due(now)).values(held_until=now + _LEASES[kind]).returning(*_COLUMNS)
        taken = session.connection().execute(taking).one_or_none()
        if taken is not None:
            return Errand(*taken)
    return None


def advance(
    session: Session,
    errand: Errand,
    position: str,
    *,
    requests: int,
    listings: int,
    papers_new: int,
    now: datetime,
) -> bool:
    """Note how far an errand has come, with what came since the last note; False where it was ended meanwhile."""
    step = {
        "position": position,
        "requests": _errand.c.requests + requests,
        "listings": _errand.c.listings + listings,
        "papers_new": _errand.c.papers_new + papers_new,
        "failures": 0,
        "held_until": now + LEASE,
    }
    return _write(session, errand, step)


def put_off(session: Session, errand: Errand, next_at: datetime, words: str, *, failures: int) -> bool:
    """Give an errand back, to be gone on with from an instant on."""
    later = {"next_at": next_at, "words": storable(words)[:500], "failures": failures, "held_until": None}
    return _write(session, errand, later)


def end(session: Session, errand: Errand, outcome: Outcome, words: str, now: datetime) -> bool:
    """End an errand; False where it was ended already."""
    ended = {"ended_at": now, "outcome": outcome.value, "words": storable(words)[:500], "held_until": None}
    return _write(session, errand, ended)


def open_errand(session: Session, source: str, scope: str, kinds: Collection[ErrandKind]) -> Errand | None:
    """Return the errand of one of these kinds that is open, or None."""
    wanted = [kind.value for kind in kinds]
    found = session.connection().execute(
        select(*_COLUMNS).where(
            _errand.c.source == source,
            _errand.c.scope == scope,
            _errand.c.kind.in_(wanted),
            _errand.c.ended_at.is_(None),
        )
    )
    row = found.first()
    return Errand(*row) if row else None


def _due(now: datetime) -> ColumnElement[bool]:
    free = or_(_errand.c.held_until.is_(None), _errand.c.held_until <= now)
    return _errand.c.ended_at.is_(None) & (_errand.c.next_at <= now) & free


def _write(session: Session, errand: Errand, values: dict[str, Any]) -> bool:
    # One that was stopped and asked anew is another errand, which the worker of the old one must not write to.
    its = (_errand.c.source == errand.source, _errand.c.scope == errand.scope, _errand.c.kind == errand.kind)
    same = (_errand.c.asked_at == errand.asked_at, _errand.c.ended_at.is_(None))
    return changed(session, update(_errand).where(*its, *same).values(**values)) == 1
