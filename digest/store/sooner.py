"""Queries on digests that wait for their hour, or past it: how many could go at once, and to let them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlmodel import Session

from digest.core.cadence import MINIMUM_GAP
from digest.core.delivery import UNSETTLED, DeliveryKind, DeliveryState
from digest.store.dialects import changed, table_of
from digest.store.tables import Delivery, IssueRow, Subscription

_delivery = table_of(Delivery)
_other = _delivery.alias("other")
_subscription = table_of(Subscription)
_issue = table_of(IssueRow)


class Waiting(NamedTuple):
    """How many digests of an issue, for readers of one time zone and one local date, are not due yet.

    `planned` wait for their hour and `late` for another try. Of the planned, `rested` are for readers whose last
    digest is twelve hours ago, with no other under way.
    """

    timezone: str
    local_date: date
    planned: int
    rested: int
    late: int


def waiting(session: Session, issue_id: int, now: datetime) -> list[Waiting]:
    """Count what of an issue is not due yet, by time zone and local date."""
    rows = session.connection().execute(
        select(
            _subscription.c.timezone,
            _delivery.c.local_date,
            func.count().filter(_planned()),
            func.count().filter(_planned(), _rested(now)),
            func.count().filter(~_planned()),
        )
        .select_from(_delivery.join(_subscription, _delivery.c.subscriber_id == _subscription.c.subscriber_id))
        .where(*_not_due(issue_id, now))
        .group_by(_subscription.c.timezone, _delivery.c.local_date)
        .order_by(_subscription.c.timezone, _delivery.c.local_date)
    )
    return [Waiting(*row) for row in rows]


def make_due(session: Session, issue_id: int, timezone: str, on: date, now: datetime) -> int:
    """Make the planned digests of a zone's readers for a local date due now; return how many.

    Neither the reader nor the date of a delivery changes, so that nobody can have a second one for it. Readers who had
    a digest within twelve hours, or are about to, keep their hour; so do rows that a worker holds.
    """
    zone = select(_subscription.c.subscriber_id).where(_subscription.c.timezone == timezone)
    rested = exists().where(_subscription.c.subscriber_id == _delivery.c.subscriber_id, _rested(now))
    return changed(
        session,
        update(_delivery)
        .where(
            *_not_due(issue_id, now),
            _planned(),
            _delivery.c.local_date == on,
            _delivery.c.subscriber_id.in_(zone),
            rested,
        )
        .values(due_at=now),
    )


def make_late_due(session: Session, issue_id: int, now: datetime) -> int:
    """Make those due now that were due before and wait for another try; return how many."""
    return changed(session, update(_delivery).where(*_not_due(issue_id, now), ~_planned()).values(due_at=now))


def is_queued(session: Session, issue_id: int) -> bool:
    """Tell whether all deliveries of an issue were made."""
    return session.connection().scalar(select(_issue.c.queued_at).where(_issue.c.id == issue_id)) is not None


def _not_due(issue_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        _delivery.c.issue_id == issue_id,
        _delivery.c.kind == DeliveryKind.DIGEST,
        _delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.DEFERRED)),
        _delivery.c.due_at > now,
    )


def _planned() -> ColumnElement[bool]:
    # No worker ever held it: its hour is the one that was planned.
    return and_(_delivery.c.state == DeliveryState.PENDING, _delivery.c.fence == 0)


def _rested(now: datetime) -> ColumnElement[bool]:
    """Whether a reader's last digest is long ago, and none of another issue is under way to them."""
    last = _subscription.c.last_digest_at
    about_to_be = exists().where(
        _other.c.subscriber_id == _delivery.c.subscriber_id,
        _other.c.kind == DeliveryKind.DIGEST,
        # Behind its local date no digest is worth sending for longer than this.
        _other.c.local_date > (now - timedelta(days=3)).date(),
        _other.c.id != _delivery.c.id,
        _other.c.state.in_(UNSETTLED),
    )
    return and_(or_(last.is_(None), last <= now - MINIMUM_GAP), ~about_to_be)
