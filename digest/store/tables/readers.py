"""Subscribers, what they asked for and agreed to, and whom never to mail."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_list, key, reference


class Subscriber(SQLModel, table=True):
    """An address; `address_key` is its normalised form, `link_generation` how often it has changed.

    The links in mail to an address that the reader has left bear an earlier generation, and lead nowhere any more.
    """

    # The id stands in unsubscribe links, which never expire: it must never come back as another reader's.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = key()
    address: str
    address_key: str = Field(unique=True)
    link_generation: int = 0
    created_at: datetime = instant(nullable=False)


class Subscription(SQLModel, table=True):
    """A subscriber's consent state and what they asked for.

    `language` is a BCP 47 tag, or empty for the site's own. `when_empty` asks for a line where there is nothing new,
    `outside` for one paper from outside the usual.
    """

    __table_args__ = (Index("ix_subscription_slot", "state", "timezone", "hour", "cadence", "weekday"),)

    subscriber_id: int = reference("subscriber.id", primary_key=True)
    state: str
    cadence: str = "daily"
    weekday: int = 0
    hour: int = 8
    timezone: str = "UTC"
    paper_count: int = 10
    categories: list[str] = json_list()
    language: str = ""
    plain_text: bool = False
    when_empty: bool = False
    outside: bool = True
    confirmed_at: datetime | None = instant()
    unsubscribed_at: datetime | None = instant()
    paused_until: date | None = None
    last_digest_at: datetime | None = instant()


class Consent(SQLModel, table=True):
    """What a subscriber agreed to or withdrew: when, from where, under which wording, read in which language.

    `language` is a BCP 47 tag; empty where no page was read, or it is not known.
    """

    id: int | None = key()
    subscriber_id: int = reference("subscriber.id", index=True)
    action: str
    at: datetime = instant(nullable=False)
    ip: str = ""
    source: str = ""
    wording: str = ""
    language: str = ""


class AddressChange(SQLModel, table=True):
    """That a reader asked to move to another address; what is confirmed there and objected to here.

    `letter_id` and `notice_id` are the deliveries whose links confirm and object; no foreign keys, as they only name.
    """

    __tablename__ = "address_change"

    id: int | None = key()
    subscriber_id: int = reference("subscriber.id", index=True)
    old_address: str
    new_address: str = Field(index=True)
    ip: str = ""
    asked_at: datetime = instant(nullable=False)
    letter_id: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    notice_id: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    confirmed_at: datetime | None = instant()
    objected_at: datetime | None = instant()


class Suppression(SQLModel, table=True):
    """A ban on an address that outlives the subscriber; erasure leaves only the keyed hash."""

    __table_args__ = (Index("ix_suppression_address", text("lower(address)")),)

    address_hash: str = Field(primary_key=True)
    address: str | None = None
    reason: str
    created_at: datetime = instant(nullable=False)


class SpentToken(SQLModel, table=True):
    """The hash of a one-time token that has been used; its primary key makes the use unique."""

    __tablename__ = "spent_token"

    token_hash: str = Field(primary_key=True)
    purpose: str
    spent_at: datetime = instant(nullable=False)
