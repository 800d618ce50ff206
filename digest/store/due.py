"""What a tick asks: how each source stands, whether the issue is made, whether mail waits; all by an index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import Column, ColumnElement, and_, exists, func, or_, select
from sqlmodel import Session

from digest.core.capture import RunStatus
from digest.core.delivery import DeliveryKind, DeliveryState
from digest.core.plan import LastRun
from digest.store.dialects import table_of
from digest.store.runs import planned
from digest.store.tables import Delivery, IngestRun, IssueRow, Paper, PaperText, Score

_LOOK_BACK = 12  # runs of a scope; enough to count failures until the back-off is at its longest

_WAITING = (DeliveryState.PENDING, DeliveryState.DEFERRED)
_HELD = (DeliveryState.CLAIMED, DeliveryState.SENDING)

_delivery = table_of(Delivery)
_issue = table_of(IssueRow)
_paper = table_of(Paper)
_run = table_of(IngestRun)
_score = table_of(Score)
_text = table_of(PaperText)


def last_runs(session: Session, scopes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], LastRun]:
    """Return how each (source, scope) stands: its newest finished run, and the failures in a row up to it."""
    found = {}
    for source, scope in scopes:
        newest = session.connection().execute(
            select(_run.c.finished_at, _run.c.status)
            .where(_run.c.source == source, _run.c.scope == scope, _run.c.finished_at.is_not(None), planned(_run))
            .order_by(_run.c.id.desc())
            .limit(_LOOK_BACK)
        )
        runs = newest.all()
        if not runs:
            continue
        failures = 0
        for run in runs:
            if run.status != RunStatus.FAILED:
                break
            failures += 1
        found[source, scope] = LastRun(runs[0].finished_at, RunStatus(runs[0].status), failures)
    return found


def issue_queued(session: Session, issued_on: date) -> bool:
    """Tell whether the issue of a date is frozen and all its deliveries were made."""
    return _any(session, and_(_issue.c.issued_on == issued_on, _issue.c.queued_at.is_not(None)))


def newest_score(session: Session) -> datetime | None:
    """Return the instant of the newest scores."""
    newest: datetime | None = session.connection().scalar(select(func.max(_score.c.as_of)))
    return newest


def words_wait(session: Session) -> bool:
    """Tell whether papers came after the newest one whose words were read; an abstract that came late is not seen."""
    newest = select(func.coalesce(func.max(_text.c.paper_id), 0)).scalar_subquery()
    return _any(session, and_(_paper.c.id > newest, _paper.c.abstract != ""))


def mail_waits(session: Session, now: datetime) -> bool:
    """Tell whether a delivery is due now."""
    kinds = [(_delivery.c.state == state, _delivery.c.kind == kind) for state in _WAITING for kind in DeliveryKind]
    return _passed(session, [(_delivery.c.due_at, its) for its in kinds], now)


def sweep_waits(session: Session, now: datetime) -> bool:
    """Tell whether a lease has run out, a delivery has outlived its time, or an issue may be complete."""
    held = [(_delivery.c.lease_until, (_delivery.c.state == state,)) for state in _HELD]
    late = [(_delivery.c.expires_at, (_delivery.c.state == state,)) for state in _WAITING]
    if _passed(session, held + late, now):
        return True
    return _any(session, or_(_issue.c.state == "sending", and_(_issue.c.state == "frozen", _issue.c.queued_at <= now)))


def _passed(
    session: Session, earliest: Sequence[tuple[Column[datetime], tuple[ColumnElement[bool], ...]]], now: datetime
) -> bool:
    """Tell whether the earliest of some instants has passed; each is the first entry of an index.

    Asked whether a row exists, PostgreSQL guesses that many do and reads the table; the minimum it looks up.
    """
    firsts = [
        select(func.min(instant)).where(instant.is_not(None), *its).scalar_subquery() for instant, its in earliest
    ]
    found = session.connection().execute(select(*firsts)).one()
    return any(first is not None and first <= now for first in found)


def _any(session: Session, condition: ColumnElement[bool]) -> bool:
    return bool(session.connection().scalar(select(exists().where(condition))))
