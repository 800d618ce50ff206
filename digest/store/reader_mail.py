"""Queries on the mail of one reader: what became of each delivery, and a confirmation that is asked for again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, literal, select
from sqlmodel import Session

from digest.core.delivery import UNSETTLED, DeliveryKind, DeliveryState
from digest.core.subscription import SubscriptionState
from digest.store.deliveries import DAY, NEW_DELIVERY
from digest.store.dialects import insert_row, table_of
from digest.store.tables import Delivery, IssueRow, Subscription

_delivery = table_of(Delivery)
_issue = table_of(IssueRow)
_subscription = table_of(Subscription)
_READABLE = (DeliveryKind.DIGEST, DeliveryKind.WELCOME)
_WENT_OUT = (DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN)
_NAMES = ("id", "kind", "state", "reason", "reply", "attempts", "due_at", "sent_at", "settled_at", "issued_on")
_MOST_A_DAY = 3
_NOT_BEFORE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Mailed:
    """A delivery as the desk tells of it; `papers` is how many it brought, or would have."""

    id: int
    kind: str
    state: str
    reason: str
    reply: str
    attempts: int
    due_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    issued_on: date | None
    papers: int

    @property
    def on_the_web(self) -> bool:
        """Whether what went out can be read on the web."""
        return self.kind in _READABLE and self.state in _WENT_OUT and self.papers > 0


def mailed(session: Session, subscriber_id: int, *, before: int | None = None, limit: int) -> list[Mailed]:
    """List a reader's deliveries, newest first, those behind the number `before`."""
    statement = (
        select(*(_delivery.c[name] for name in _NAMES[:-1]), _issue.c.issued_on, _delivery.c.paper_ids)
        .outerjoin(_issue, _issue.c.id == _delivery.c.issue_id)
        .where(_delivery.c.subscriber_id == subscriber_id)
        .order_by(_delivery.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(_delivery.c.id < before)
    return [_mailed(row) for row in session.connection().execute(statement)]


def _mailed(row: Any) -> Mailed:
    known = tuple[Any, ...](row)
    columns, paper_ids = known[:-1], known[-1]
    return Mailed(**dict(zip(_NAMES, columns, strict=True)), papers=len(paper_ids))


class Again(StrEnum):
    """What came of asking for another confirmation mail."""

    QUEUED = "queued"
    NOT_PENDING = "the reader is not waiting for a confirmation"
    ON_ITS_WAY = "one is on its way"
    TOO_MANY = "there were several within a day"


def confirm_again(session: Session, subscriber_id: int, now: datetime) -> Again:
    """Queue another confirmation mail for somebody who asked and has not confirmed; at most three within a day.

    It has no date of its own, so that it stands beside the one of the request; its link confirms that same request.
    """
    state = session.connection().scalar(
        select(_subscription.c.state).where(_subscription.c.subscriber_id == subscriber_id).with_for_update()
    )
    if state != SubscriptionState.PENDING:
        return Again.NOT_PENDING
    theirs = (_delivery.c.subscriber_id == subscriber_id, _delivery.c.kind == DeliveryKind.CONFIRMATION)
    waiting = select(func.count()).where(*theirs, _delivery.c.state.in_(list(UNSETTLED)))
    lately = select(func.count(), func.max(_delivery.c.created_at)).where(*theirs, _delivery.c.created_at > now - DAY)
    number, newest = session.connection().execute(lately).one()
    if session.connection().scalar(waiting) or (newest is not None and newest > now - _NOT_BEFORE):
        return Again.ON_ITS_WAY
    if number >= _MOST_A_DAY:
        return Again.TOO_MANY
    row = NEW_DELIVERY | {
        "kind": DeliveryKind.CONFIRMATION.value,
        "subscriber_id": subscriber_id,
        "due_at": now,
        "expires_at": now + DAY,
        "created_at": now,
    }
    insert_row(session, _delivery, row, literal(True))
    return Again.QUEUED
