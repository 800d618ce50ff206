"""Erase readers: everything that names them goes; of their deliveries the counts stay, of their bans a keyed hash."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, delete, func, or_, select, update
from sqlmodel import Session, SQLModel

from digest.core.delivery import DeliveryKind, DeliveryState, NotSent
from digest.store.deliveries import WAITING
from digest.store.dialects import changed, keep_writers_out, table_of
from digest.store.tables import AddressChange, BounceEvent, Delivery, Subscriber, Suppression

_subscriber = table_of(Subscriber)
_delivery = table_of(Delivery)
_change = table_of(AddressChange)
_event = table_of(BounceEvent)
_suppression = table_of(Suppression)

# What an anonymous delivery holds; the fence rises beside it, so that a worker which comes back late with the relay's
# words, and the address in them, is not believed.
_NOBODY: dict[str, Any] = {
    "subscriber_id": None,
    "address": "",
    "message_id": "",
    "paper_ids": [],
    "reply": "",
    "claimed_by": "",
}


@dataclass(frozen=True, slots=True)
class Erased:
    """What went: readers, and the deliveries that are nobody's now."""

    readers: int = 0
    deliveries: int = 0


def addresses_of(session: Session, ids: Collection[int]) -> list[str]:
    """Return every address by which readers are known here, or were, or wanted to be."""
    kept = select(_subscriber.c.address).where(_subscriber.c.id.in_(ids))
    old = select(_change.c.old_address).where(_change.c.subscriber_id.in_(ids))
    new = select(_change.c.new_address).where(_change.c.subscriber_id.in_(ids))
    return sorted(session.connection().scalars(kept.union(old, new)))


def keep_deliveries(session: Session) -> None:
    """Let nobody make or change a delivery until the transaction ends, or one made now would still name the erased."""
    keep_writers_out(session, _delivery)


def erase(
    session: Session, ids: Sequence[int], addresses: Sequence[str], hashes: Sequence[str], now: datetime
) -> Erased:
    """Erase readers, with all their `addresses` and the `hashes` of these, in the caller's transaction.

    What waits for them is settled, what is being sent becomes unknown: it is on its way, and nobody's. A table that
    refers to readers is found by its foreign key, so that a new one is not forgotten.
    """
    keep_deliveries(session)
    theirs = _delivery.c.subscriber_id.in_(ids)
    # Letters of others to these addresses, found by the index of states and kinds.
    to_them = (
        _delivery.c.state.in_(list(DeliveryState))
        & (_delivery.c.kind.in_((DeliveryKind.NEW_ADDRESS, DeliveryKind.SPECIMEN)))
        & _delivery.c.address.in_(addresses)
    )
    deliveries = _forget_deliveries(session, theirs, now) + _forget_deliveries(session, to_them, now)
    unproven = _change.c.new_address.in_(addresses) & _change.c.confirmed_at.is_(None)
    changed(session, delete(_change).where(unproven))
    # Folded by the database itself, as its index is: SQLite knows no capital letters but those of ASCII.
    folded = [func.lower(one) for one in addresses]
    reported = or_(_event.c.subscriber_id.in_(ids), func.lower(_event.c.recipient).in_(folded))
    changed(session, update(_event).where(reported).values(subscriber_id=None, recipient="", reason=""))
    banned = or_(_suppression.c.address_hash.in_(hashes), func.lower(_suppression.c.address).in_(folded))
    changed(session, update(_suppression).where(banned).values(address=None))
    for table, column in references():
        if table is not _delivery:
            changed(session, delete(table).where(column.in_(ids)))
    readers = changed(session, delete(_subscriber).where(_subscriber.c.id.in_(ids)))
    return Erased(readers, deliveries)


def _forget_deliveries(session: Session, whose: ColumnElement[bool], now: datetime) -> int:
    settled = {"reason": NotSent.ERASED, "settled_at": now}
    waiting = update(_delivery).where(whose, _delivery.c.state.in_(WAITING))
    changed(session, waiting.values(state=DeliveryState.SKIPPED, **settled))
    under_way = update(_delivery).where(whose, _delivery.c.state == DeliveryState.SENDING)
    changed(session, under_way.values(state=DeliveryState.UNKNOWN, **settled))
    nobodys = {**_NOBODY, "lease_until": None, "fence": _delivery.c.fence + 1}
    return changed(session, update(_delivery).where(whose).values(nobodys))


def references() -> list[tuple[Table, Column[int]]]:
    """List the tables that refer to readers, each with the column that does, children before their parents."""
    return [
        (table, column)
        for table in reversed(SQLModel.metadata.sorted_tables)
        for column in table.columns
        if any(key.column is _subscriber.c.id for key in column.foreign_keys)
    ]
