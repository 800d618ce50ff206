"""What a tick asks: how each source stands, whether the issue is made, whether mail waits; all by an index."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlmodel import Session

from digest.core.capture import RunStatus
from digest.core.delivery import DeliveryKind, DeliveryState
from digest.core.plan import LastRun
from digest.store.dialects import table_of
from digest.store.tables import Delivery, IngestRun, IssueRow, Score

_LOOK_BACK = 12  # runs of a scope; enough to count failures until the back-off is at its longest

_delivery = table_of(Delivery)
_issue = table_of(IssueRow)
_run = table_of(IngestRun)
_score = table_of(Score)


def last_runs(session: Session, scopes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], LastRun]:
    """Return how each (source, scope) stands: its newest finished run, and the failures in a row up to it."""
    found = {}
    for source, scope in scopes:
        newest = session.connection().execute(
            select(_run.c.finished_at, _run.c.status)
            .where(_run.c.source == source, _run.c.scope == scope, _run.c.finished_at.is_not(None))
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


def mail_waits(session: Session, now: datetime) -> bool:
    """Tell whether a delivery is due now."""
    return _any(session, and_(_waiting(), _delivery.c.due_at <= now, _delivery.c.expires_at > now))


def sweep_waits(session: Session, now: datetime) -> bool:
    """Tell whether a lease has run out, a delivery has outlived its time, or an issue may be complete."""
    held = _delivery.c.state.in_((DeliveryState.CLAIMED, DeliveryState.SENDING))
    return _any(
        session,
        or_(and_(held, _delivery.c.lease_until <= now), and_(_waiting(), _delivery.c.expires_at <= now)),
    ) or _any(session, or_(_issue.c.state == "sending", and_(_issue.c.state == "frozen", _issue.c.queued_at <= now)))


def _waiting() -> ColumnElement[bool]:
    # The kinds are named, all of them, so that an index on state, kind and instant leads to the instant.
    waits = _delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.DEFERRED))
    return and_(waits, _delivery.c.kind.in_(tuple(DeliveryKind)))


def _any(session: Session, condition: ColumnElement[bool]) -> bool:
    return bool(session.connection().scalar(select(exists().where(condition))))
