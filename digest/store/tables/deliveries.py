"""Deliveries: one message to one address, from due to settled."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_list, key, reference

_RUNNING = text("lease_until IS NOT NULL")


class Delivery(SQLModel, table=True):
    """One message to one address, and everything known of its way there."""

    __table_args__ = (
        UniqueConstraint("kind", "issue_id", "subscriber_id", name="uq_delivery_issue"),
        UniqueConstraint("kind", "subscriber_id", "local_date", name="uq_delivery_local_date"),
        # With the id: where a million are due at one instant, a claim must not sort them all.
        Index("ix_delivery_work", "state", "kind", "due_at", "id"),
        # Every change of state is written to each index that knows the row: this one forgets it with its lease.
        Index("ix_delivery_lease", "state", "lease_until", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
        Index("ix_delivery_expiry", "state", "expires_at"),
        Index("ix_delivery_issue", "issue_id", "state"),
        Index("ix_delivery_subscriber", "subscriber_id", "kind", "local_date"),
        # The id stands in signed links: it must never come back as another delivery's.
        {"sqlite_autoincrement": True},
    )

    id: int | None = key()
    kind: str
    state: str
    reason: str = ""
    issue_id: int | None = reference("issue.id", nullable=True)
    subscriber_id: int | None = reference("subscriber.id", nullable=True)
    address: str = ""
    local_date: date | None = None
    due_at: datetime = instant(nullable=False)
    expires_at: datetime = instant(nullable=False)
    attempts: int = 0
    claimed_by: str = ""
    lease_until: datetime | None = instant()
    fence: int = 0
    message_id: str = ""
    paper_ids: list[int] = json_list()
    reply: str = ""
    created_at: datetime = instant(nullable=False)
    sent_at: datetime | None = instant()
    settled_at: datetime | None = instant()


class WarmUpCount(SQLModel, table=True):
    """How many mails a day has had at most, in one row: counted now and then, and added to by each claim between."""

    __tablename__ = "warm_up_count"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    day: date
    mails: int
    counted_at: datetime = instant(nullable=False)
