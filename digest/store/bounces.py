"""Queries on what came back: whose message it was, what came back before, and the record of each report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, literal, select, update
from sqlmodel import Session

from digest.core.bounce import BounceAction, PastBounce, ReportKind
from digest.store.dialects import changed, insert_row, table_of
from digest.store.tables import AddressChange, BounceEvent, Delivery, Subscriber, Subscription
from digest.tokens import address_key

_event = table_of(BounceEvent)
_delivery = table_of(Delivery)
_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)


_change = table_of(AddressChange)
# A report speaks of the address that a message went to. Where that is not the one the reader has now, because it was a
# letter to another address or they moved since, it says nothing of them.
_TO_THEM = (_delivery.c.address == "") & ~exists().where(
    _change.c.subscriber_id == _delivery.c.subscriber_id,
    _change.c.confirmed_at >= _delivery.c.created_at,
    _change.c.objected_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class Addressee:
    """A reader to whom a delivery went, at the address they have now."""

    delivery_id: int
    subscriber_id: int
    address: str


def addressee_of(session: Session, delivery_id: int) -> Addressee | None:
    """Return who a delivery went to; None if the reader is gone or has another address now, or it went to an admin."""
    return _addressee(session, _delivery.c.id == delivery_id)


def addressee_by_message(session: Session, message_ids: Sequence[str]) -> Addressee | None:
    """Return who the newest delivery with one of these Message-IDs went to, or None."""
    return _addressee(session, _delivery.c.message_id.in_(message_ids)) if message_ids else None


def addressee_at(session: Session, address: str) -> Addressee | None:
    """Return the reader at an address, with no delivery named, or None."""
    statement = select(_subscriber.c.id, _subscriber.c.address).where(_subscriber.c.address_key == address_key(address))
    row = session.connection().execute(statement).one_or_none()
    return Addressee(0, row.id, row.address) if row else None


def addressees_of(session: Session, delivery_ids: Sequence[int]) -> dict[int, Addressee]:
    """Return who deliveries went to, by the delivery; those to admins and to erased readers are left out."""
    rows = session.connection().execute(
        select(_delivery.c.id, _subscriber.c.id.label("subscriber_id"), _subscriber.c.address)
        .join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
        .where(_delivery.c.id.in_(delivery_ids), _TO_THEM)
    )
    return {row.id: Addressee(row.id, row.subscriber_id, row.address) for row in rows}


def confirmed_after(session: Session, subscriber_id: int, at: datetime) -> bool:
    """Say whether a reader confirmed a subscription later than an instant."""
    confirmed_at: datetime | None = session.connection().scalar(
        select(_subscription.c.confirmed_at).where(_subscription.c.subscriber_id == subscriber_id)
    )
    return confirmed_at is not None and confirmed_at > at


def _addressee(session: Session, condition: ColumnElement[bool]) -> Addressee | None:
    row = (
        session.connection()
        .execute(
            select(_delivery.c.id, _subscriber.c.id.label("subscriber_id"), _subscriber.c.address)
            .join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
            .where(condition, _TO_THEM)
            .order_by(_delivery.c.id.desc())
            .limit(1)
        )
        .one_or_none()
    )
    return Addressee(row.id, row.subscriber_id, row.address) if row else None


def scored_before(session: Session, subscriber_id: int, since: datetime) -> list[PastBounce]:
    """Return a reader's bounces that count towards their score."""
    rows = session.connection().execute(
        select(_event.c.received_at, _event.c.kind).where(
            _event.c.subscriber_id == subscriber_id,
            _event.c.received_at >= since,
            _event.c.action.in_((BounceAction.SCORE, BounceAction.SUPPRESS)),
            _event.c.kind.in_((ReportKind.HARD, ReportKind.SOFT)),
        )
    )
    return [PastBounce(row.received_at, ReportKind(row.kind)) for row in rows]


def record(session: Session, event_key: str, values: Mapping[str, Any]) -> bool:
    """Record a report; False if it has been recorded before, also at this very moment."""
    return insert_row(session, _event, {"event_key": event_key, **values}, literal(True))


def conclude(session: Session, event_key: str, action: BounceAction) -> None:
    """Write down what was done about a report."""
    changed(session, update(_event).where(_event.c.event_key == event_key).values(action=action))
