"""Queries on the bounce mailbox: how far it was read, and what was set aside there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, select, update
from sqlmodel import Session

from digest.store.dialects import changed, insert_row, table_of
from digest.store.tables import MailboxAside, MailboxCursor

_cursor = table_of(MailboxCursor)
_aside = table_of(MailboxAside)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a mailbox was read, when, and what was wrong then (empty: nothing)."""

    uid_validity: int
    last_uid: int
    polled_at: datetime
    trouble: str


def place_in(session: Session, mailbox: str) -> Place | None:
    """Return how far a mailbox was read, or None before the first time."""
    row = session.connection().execute(select(_cursor).where(_cursor.c.mailbox == mailbox)).one_or_none()
    return Place(row.uid_validity, row.last_uid, row.polled_at, row.trouble) if row else None


def advance(session: Session, mailbox: str, uid_validity: int, uid: int, now: datetime) -> None:
    """Note that everything up to a UID was read; another reader that is further on is not set back."""
    its = _cursor.c.mailbox == mailbox
    first = {"mailbox": mailbox, "uid_validity": uid_validity, "last_uid": uid, "polled_at": now, "trouble": ""}
    if insert_row(session, _cursor, first, literal(True)):
        return
    behind = (_cursor.c.uid_validity != uid_validity) | (_cursor.c.last_uid < uid)
    changed(session, update(_cursor).where(its, behind).values(uid_validity=uid_validity, last_uid=uid))
    changed(session, update(_cursor).where(its).values(polled_at=now, trouble=""))


def note_trouble(session: Session, mailbox: str, trouble: str, now: datetime) -> None:
    """Note that a mailbox could not be read."""
    first = {"mailbox": mailbox, "uid_validity": 0, "last_uid": 0, "polled_at": now, "trouble": trouble}
    if not insert_row(session, _cursor, first, literal(True)):
        its = _cursor.c.mailbox == mailbox
        changed(session, update(_cursor).where(its).values(polled_at=now, trouble=trouble))


def set_aside(session: Session, mailbox: str, uid_validity: int, uid: int, *, reason: str, now: datetime) -> None:
    """Note that a message could not be read, and why."""
    row = {"mailbox": mailbox, "uid_validity": uid_validity, "uid": uid, "at": now, "reason": reason}
    insert_row(session, _aside, row, literal(True))


def count_aside(session: Session, since: datetime) -> int:
    """Count the messages set aside since an instant."""
    counted: int = (
        session.connection().execute(select(func.count()).select_from(_aside).where(_aside.c.at >= since)).scalar_one()
    )
    return counted
