"""What a tick asks: how each source stands, which issue is newest, whether mail waits. A query each, all indexed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import and_, exists, func, or_
from sqlmodel import Session, col, select

from digest.core.capture import RunStatus
from digest.core.delivery import DeliveryState
from digest.core.plan import LastRun
from digest.store.tables import Delivery, IngestRun, IssueRow, Score

_LOOK_BACK = 12  # runs of a scope; enough to count failures until the back-off is at its longest


def last_runs(session: Session, scopes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], LastRun]:
    """Return how each (source, scope) stands: its newest finished run, and the failures in a row up to it."""
    found = {}
    for source, scope in scopes:
        newest = session.exec(
            select(IngestRun.finished_at, IngestRun.status)
            .where(IngestRun.source == source, IngestRun.scope == scope, col(IngestRun.finished_at).is_not(None))
            .order_by(col(IngestRun.id).desc())
            .limit(_LOOK_BACK)
        ).all()
        if not newest:
            continue
        finished_at, status = newest[0]
        failures = 0
        for _, earlier in newest:
            if earlier != RunStatus.FAILED:
                break
            failures += 1
        if finished_at is not None:
            found[source, scope] = LastRun(finished_at, RunStatus(status), failures)
    return found


def newest_issue(session: Session) -> date | None:
    """Return the date of the newest issue."""
    return session.exec(select(func.max(IssueRow.issued_on))).one()


def unqueued_issues(session: Session, since: datetime) -> list[date]:
    """Return the dates of issues frozen since an instant whose deliveries were not all made."""
    rows = session.exec(
        select(IssueRow.issued_on).where(col(IssueRow.queued_at).is_(None), IssueRow.frozen_at >= since)
    )
    return list(rows)


def newest_score(session: Session) -> datetime | None:
    """Return the instant of the newest scores."""
    return session.exec(select(func.max(Score.as_of))).one()


def mail_waits(session: Session, now: datetime) -> bool:
    """Tell whether a delivery is due now."""
    due = and_(
        col(Delivery.state).in_((DeliveryState.PENDING, DeliveryState.DEFERRED)),
        Delivery.due_at <= now,
        Delivery.expires_at > now,
    )
    return bool(session.exec(select(exists().where(due))).one())


def sweep_waits(session: Session, now: datetime) -> bool:
    """Tell whether a lease has run out or a delivery has outlived its time."""
    left_behind = or_(
        and_(
            col(Delivery.state).in_((DeliveryState.CLAIMED, DeliveryState.SENDING)),
            col(Delivery.lease_until) <= now,
        ),
        and_(
            col(Delivery.state).in_((DeliveryState.PENDING, DeliveryState.DEFERRED)),
            Delivery.expires_at <= now,
        ),
    )
    return bool(session.exec(select(exists().where(left_behind))).one())


def issues_in_progress(session: Session) -> bool:
    """Tell whether an issue is being sent, so that the sweep can complete it."""
    return bool(session.exec(select(exists().where(col(IssueRow.state) == "sending"))).one())
