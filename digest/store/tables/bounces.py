"""What came back: one row for each report on a recipient, acted on or not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, key


class BounceEvent(SQLModel, table=True):
    """A report on one recipient; `event_key` makes it unique, so that the same report counts once.

    `delivery_id` and `subscriber_id` are no foreign keys: an event outlives the erasure of what it was about.
    """

    __tablename__ = "bounce_event"
    __table_args__ = (
        Index("ix_bounce_event_subscriber", "subscriber_id", "received_at"),
        Index("ix_bounce_event_recipient", text("lower(recipient)")),
    )

    id: int | None = key()
    event_key: str = Field(unique=True)
    kind: str
    action: str
    recipient: str = ""
    status: str = ""
    reason: str = ""
    delivery_id: int | None = Field(default=None, sa_type=BigInteger)
    subscriber_id: int | None = Field(default=None, sa_type=BigInteger)
    received_at: datetime = instant(nullable=False, index=True)
