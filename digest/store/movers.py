"""Queries on changes of address: ask, confirm, object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, insert, literal, or_, select, update
from sqlmodel import Session

from digest.core.delivery import DeliveryKind, DeliveryState
from digest.core.subscription import SubscriptionState
from digest.store.deliveries import DAY, NEW_DELIVERY
from digest.store.dialects import changed, insert_row, table_of
from digest.store.subscribers import suppressed
from digest.store.tables import AddressChange, Delivery, Subscriber, Subscription
from digest.tokens import address_key

_change = table_of(AddressChange)
_delivery = table_of(Delivery)
_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of address that was asked for."""

    id: int
    subscriber_id: int
    old_address: str
    new_address: str
    confirmed_at: datetime | None
    objected_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is known by an address now."""

    subscriber_id: int
    state: SubscriptionState


def ask(
    session: Session, subscriber_id: int, new_address: str, hashes: Sequence[str], *, ip: str, now: datetime
) -> bool:
    """Record that a reader wants to move, and queue a letter to the new address; say whether one was queued.

    None is queued to a banned address, to the one they have, to one that had such a letter within a day, and for
    a reader whose last move was objected to within 30 days.
    """
    old = session.connection().scalar(select(_subscriber.c.address).where(_subscriber.c.id == subscriber_id)) or ""
    lately = exists().where(
        _delivery.c.state.in_(list(DeliveryState)),  # names every state, so that the index serves
        _delivery.c.kind == DeliveryKind.NEW_ADDRESS,
        _delivery.c.address == new_address,
        _delivery.c.created_at > now - DAY,
    )
    objected = exists().where(_change.c.subscriber_id == subscriber_id, _change.c.objected_at > now - timedelta(30))
    fits = not suppressed(session, hashes) and address_key(old) != address_key(new_address)
    row = _letter(DeliveryKind.NEW_ADDRESS, subscriber_id, new_address, now)
    if not insert_row(session, _delivery, row, literal(fits), ~lately, ~objected):
        return False
    letter = _newest(session, DeliveryKind.NEW_ADDRESS, subscriber_id)
    asked = {
        "subscriber_id": subscriber_id,
        "old_address": old,
        "new_address": new_address,
        "ip": ip,
        "asked_at": now,
        "letter_id": letter,
    }
    session.connection().execute(insert(_change).values(**asked))
    return True


def behind_letter(session: Session, letter_id: int) -> Change | None:
    """Return the change that a letter to the new address would confirm, locked until the transaction ends."""
    return _change_where(session, _change.c.letter_id == letter_id)


def behind_notice(session: Session, notice_id: int) -> Change | None:
    """Return the change that a notice to the old address tells of, locked until the transaction ends."""
    return _change_where(session, _change.c.notice_id == notice_id)


def _change_where(session: Session, condition: ColumnElement[bool]) -> Change | None:
    columns = [_change.c[name] for name in Change.__dataclass_fields__]
    found = session.connection().execute(select(*columns).where(condition).with_for_update()).mappings()
    row = found.one_or_none()
    return Change(**row) if row else None


def holder_of(session: Session, address: str) -> Holder | None:
    """Return who is known by an address, or None."""
    row = (
        session.connection()
        .execute(
            select(_subscriber.c.id, _subscription.c.state)
            .outerjoin(_subscription, _subscription.c.subscriber_id == _subscriber.c.id)
            .where(_subscriber.c.address_key == address_key(address))
        )
        .one_or_none()
    )
    return Holder(row.id, SubscriptionState(row.state or SubscriptionState.PENDING)) if row else None


def readdress(session: Session, subscriber_id: int, address: str) -> None:
    """Give a reader another address; everything else of theirs stays, but links mailed to the one before."""
    wanted = {"address": address, "address_key": address_key(address)}
    older = _subscriber.c.link_generation + 1
    changed(
        session,
        update(_subscriber).where(_subscriber.c.id == subscriber_id).values(**wanted, link_generation=older),
    )


def conclude(session: Session, change_id: int, now: datetime) -> None:
    """Note that a change was confirmed."""
    changed(session, update(_change).where(_change.c.id == change_id).values(confirmed_at=now))


def notify(session: Session, change: Change, now: datetime, *, lasts: timedelta) -> None:
    """Queue the notice to the old address, worth sending for as long as the change can be undone."""
    row = _letter(DeliveryKind.MOVED, change.subscriber_id, change.old_address, now, lasts)
    insert_row(session, _delivery, row, literal(True))
    notice = _newest(session, DeliveryKind.MOVED, change.subscriber_id)
    changed(session, update(_change).where(_change.c.id == change.id).values(notice_id=notice))


def object_to(session: Session, change: Change, now: datetime) -> None:
    """Note that a change was objected to, and with it all that came of it: later ones, and those not confirmed yet."""
    came_of_it = or_(_change.c.confirmed_at.is_(None), _change.c.confirmed_at >= change.confirmed_at)
    theirs = (_change.c.subscriber_id == change.subscriber_id, _change.c.objected_at.is_(None))
    changed(session, update(_change).where(*theirs, came_of_it).values(objected_at=now))


def _letter(
    kind: DeliveryKind, subscriber_id: int, address: str, now: datetime, lasts: timedelta = DAY
) -> dict[str, object]:
    # Without a local date: a reader who mistyped the new address may ask again on the same day.
    return NEW_DELIVERY | {
        "kind": kind.value,
        "subscriber_id": subscriber_id,
        "address": address,
        "due_at": now,
        "expires_at": now + lasts,
        "created_at": now,
    }


def _newest(session: Session, kind: DeliveryKind, subscriber_id: int) -> int:
    own = (_delivery.c.kind == kind, _delivery.c.subscriber_id == subscriber_id)
    newest: int = (
        session.connection()
        .execute(select(_delivery.c.id).where(*own).order_by(_delivery.c.id.desc()).limit(1))
        .scalar_one()
    )
    return newest
