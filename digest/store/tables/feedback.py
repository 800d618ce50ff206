"""How far the bounce mailbox has been read, what was set aside there, and when sending was stopped."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_list, key


class MailboxCursor(SQLModel, table=True):
    """How far a mailbox has been read: UIDs grow as long as UIDVALIDITY stays (RFC 3501 section 2.3.1.1)."""

    __tablename__ = "mailbox_cursor"

    mailbox: str = Field(primary_key=True)
    uid_validity: int = Field(default=0, sa_type=BigInteger)
    last_uid: int = Field(default=0, sa_type=BigInteger)
    polled_at: datetime = instant(nullable=False)
    trouble: str = ""


class MailboxAside(SQLModel, table=True):
    """A message of the mailbox that could not be read; it stays there, and is not tried again."""

    __tablename__ = "mailbox_aside"

    id: int | None = key()
    mailbox: str
    uid_validity: int = Field(sa_type=BigInteger)
    uid: int = Field(sa_type=BigInteger)
    at: datetime = instant(nullable=False)
    reason: str


class BrakeEvent(SQLModel, table=True):
    """That the brake stopped the sending of issues, or that somebody let it go on."""

    __tablename__ = "brake_event"

    id: int | None = key()
    at: datetime = instant(nullable=False, index=True)
    released: bool
    actor: str
    words: str = ""
    issue_ids: list[int] = json_list()
