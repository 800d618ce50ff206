"""Queries on test letters: queued with their deliveries, read by whoever sends them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, insert, select
from sqlmodel import Session

from digest.core.delivery import DeliveryKind, DeliveryState
from digest.store.deliveries import NEW_DELIVERY
from digest.store.dialects import table_of
from digest.store.tables import Delivery, SpecimenLetter

_delivery = table_of(Delivery)
_specimen = table_of(SpecimenLetter)
WORTH_TESTING = timedelta(hours=1)


class Kept(NamedTuple):
    """A mail as it was shown: its subject and its two parts."""

    subject: str
    html: str
    text: str


def queue_specimen(session: Session, address: str, letter: Kept, now: datetime, *, subscriber_id: int | None) -> int:
    """Queue a letter for an address, due at once; return the delivery's id. `subscriber_id`: whose mail it shows."""
    row = NEW_DELIVERY | {
        "kind": DeliveryKind.SPECIMEN.value,
        "address": address,
        "due_at": now,
        "expires_at": now + WORTH_TESTING,
        "created_at": now,
    }
    delivery_id: int = (
        session.connection().execute(insert(_delivery).values(**row).returning(_delivery.c.id)).scalar_one()
    )
    kept = {"delivery_id": delivery_id, "subscriber_id": subscriber_id, "made_at": now}
    session.connection().execute(insert(_specimen).values(**kept, **letter._asdict()))
    return delivery_id


def specimens_since(session: Session, address: str, since: datetime) -> int:
    """Count the test letters that an address was sent since an instant."""
    return (
        session.connection().scalar(
            select(func.count())
            .select_from(_delivery)
            .where(
                _delivery.c.kind == DeliveryKind.SPECIMEN,
                _delivery.c.state.in_(list(DeliveryState)),  # names every state, so that the index serves
                _delivery.c.address == address,
                _delivery.c.created_at > since,
            )
        )
        or 0
    )


def specimen_letters(session: Session, delivery_ids: Collection[int]) -> dict[int, Kept]:
    """Return the letters of deliveries, by the deliveries' ids; one that was forgotten is missing."""
    if not delivery_ids:
        return {}
    rows = session.connection().execute(select(_specimen).where(_specimen.c.delivery_id.in_(delivery_ids)))
    return {row.delivery_id: Kept(row.subject, row.html, row.text) for row in rows}
