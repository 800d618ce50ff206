"""Queries on what an alarm is judged by and nothing else keeps: outages, and how long a source has been in trouble."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import delete, exists, func, select
from sqlmodel import Session

from digest.core.capture import RunStatus
from digest.core.delivery import DeliveryState, NotSent
from digest.store.dialects import insert_into, table_of
from digest.store.tables import Delivery, IngestRun, IssueRow, Outage, Score

_outage, _run, _issue = table_of(Outage), table_of(IngestRun), table_of(IssueRow)
_delivery, _score = table_of(Delivery), table_of(Score)
_WELL = (RunStatus.OK, RunStatus.QUIET)


class Away(NamedTuple):
    """Since when something could not be used, and what it said last."""

    since: datetime
    words: str


class Trouble(NamedTuple):
    """Since when every run of a source in a scope has failed or been late, how the newest ended, and its words."""

    since: datetime
    status: str
    reason: str


class Newest(NamedTuple):
    """The newest issue."""

    issued_on: date
    state: str
    queued_at: datetime | None


def note_outage(session: Session, name: str, words: str, now: datetime) -> None:
    """Note that something cannot be used; since when it could not stays as it was noted first."""
    row = {"name": name, "since": now, "seen_at": now, "words": words[:500]}
    made = insert_into(session, _outage).values(row)
    session.connection().execute(
        made.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now, "words": words[:500]})
    )


def outage(session: Session, name: str, *, seen_since: datetime) -> Away | None:
    """Return since when something cannot be used, and what it said last; None where it can, or nobody tried lately."""
    mine = (_outage.c.name == name, _outage.c.seen_at > seen_since)
    row = session.connection().execute(select(_outage.c.since, _outage.c.words).where(*mine)).first()
    return Away(*row) if row else None


def end_outage(session: Session, name: str) -> None:
    """Note that something can be used."""
    session.connection().execute(delete(_outage).where(_outage.c.name == name))


def troubles(session: Session, scopes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Trouble]:
    """Return, by (source, scope), those whose newest run that ended failed or was late."""
    found = {}
    for source, scope in scopes:
        ended = (_run.c.source == source, _run.c.scope == scope, _run.c.finished_at.is_not(None))
        newest = (
            session.connection()
            .execute(select(_run.c.status, _run.c.reason).where(*ended).order_by(_run.c.id.desc()).limit(1))
            .first()
        )
        if newest is None or newest.status in _WELL:
            continue
        well = select(func.coalesce(func.max(_run.c.id), 0)).where(*ended, _run.c.status.in_(_WELL)).scalar_subquery()
        since = session.connection().scalar(select(func.min(_run.c.finished_at)).where(*ended, _run.c.id > well))
        if since is not None:
            found[source, scope] = Trouble(since, newest.status, newest.reason)
    return found


def unknown_since(session: Session, since: datetime) -> int:
    """Count the deliveries that became unknown after an instant; those of erased readers are nobody's question."""
    lately = (_delivery.c.state == DeliveryState.UNKNOWN, _delivery.c.settled_at > since)
    counted = select(func.count()).where(*lately, _delivery.c.reason != NotSent.ERASED)
    return session.connection().scalar(counted) or 0


def newest_issue(session: Session) -> Newest | None:
    """Return how the newest issue stands, or None."""
    columns = [_issue.c[name] for name in Newest._fields]
    row = session.connection().execute(select(*columns).order_by(_issue.c.issued_on.desc()).limit(1)).first()
    return Newest(*row) if row else None


def anything_to_show(session: Session, since: datetime) -> bool:
    """Tell whether papers were scored since an instant: then a day has an issue."""
    return bool(session.connection().scalar(select(exists().where(_score.c.as_of > since))))
