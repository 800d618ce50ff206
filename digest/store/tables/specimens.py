"""Previewed digests on their way to whoever looked at them."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import SQLModel

from digest.store.tables.columns import instant, reference


class SpecimenLetter(SQLModel, table=True):
    """A digest as it was previewed, kept for the delivery that brings it to an editor, and for a day.

    `subscriber_id` is the reader whose mail it shows, if it is one's: it is forgotten with them.
    """

    __tablename__ = "specimen_letter"

    delivery_id: int = reference("delivery.id", primary_key=True)
    subscriber_id: int | None = reference("subscriber.id", nullable=True, index=True)
    subject: str
    html: str
    text: str
    made_at: datetime = instant(nullable=False)
