"""Queries on what is told: notices, the mails that tell them, and whose turn it is to post one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_hex
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlmodel import Session

from digest.core.delivery import DeliveryKind
from digest.store.deliveries import NEW_DELIVERY
from digest.store.dialects import changed, table_of
from digest.store.tables import AlertMail, AlertNotice, Delivery

_notice, _mail, _delivery = table_of(AlertNotice), table_of(AlertMail), table_of(Delivery)
WORTH_TELLING = timedelta(days=1)  # how long a notice is mailed and posted
_LEASE = timedelta(minutes=10)  # longer than all attempts of one post take
_LONGEST_WORDS = 300


class Post(StrEnum):
    """How the posting of a notice stands."""

    NONE = "none"  # there was no address to post it to
    WAITING = "waiting"
    POSTED = "posted"
    REFUSED = "refused"  # by an answer that asking again would not change
    GIVEN_UP = "given up"  # its time is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What was told at once, and how its posting stands."""

    id: int
    uid: str
    body: Mapping[str, Any]
    created_at: datetime
    post_state: str
    post_attempts: int
    post_words: str


def add_notice(
    session: Session, body: Mapping[str, Any], addresses: Sequence[str], *, posted: bool, now: datetime
) -> tuple[int, list[int]]:
    """Store a notice with a delivery to each address, in the session's transaction; return its id, and theirs.

    `posted` says that it is to be posted as well.
    """
    row = {
        "uid": token_hex(8),
        "body": dict(body),
        "created_at": now,
        "post_state": (Post.WAITING if posted else Post.NONE).value,
        "post_attempts": 0,
        "post_words": "",
    }
    notice_id: int = session.connection().execute(insert(_notice).values(row).returning(_notice.c.id)).scalar_one()
    mails = []
    for address in addresses:
        mail = NEW_DELIVERY | {
            "kind": DeliveryKind.ALERT.value,
            "address": address,
            "due_at": now,
            "expires_at": now + WORTH_TELLING,
            "created_at": now,
        }
        delivery_id: int = (
            session.connection().execute(insert(_delivery).values(mail).returning(_delivery.c.id)).scalar_one()
        )
        session.connection().execute(insert(_mail).values(delivery_id=delivery_id, notice_id=notice_id))
        mails.append(delivery_id)
    return notice_id, mails


def notices_of(session: Session, deliveries: Collection[int]) -> dict[int, Notice]:
    """Return, by delivery id, the notices that deliveries of kind alert tell."""
    rows = session.connection().execute(
        select(_mail.c.delivery_id, _notice)
        .join(_notice, _notice.c.id == _mail.c.notice_id)
        .where(_mail.c.delivery_id.in_(deliveries))
    )
    return {row.delivery_id: _read(row) for row in rows}


def newest_notices(session: Session, number: int) -> list[Notice]:
    """Return the newest notices, the newest first."""
    rows = session.connection().execute(select(_notice).order_by(_notice.c.id.desc()).limit(number))
    return [_read(row) for row in rows]


def mail_states(session: Session, notice_id: int) -> list[tuple[int, str, str]]:
    """Return id, state and reason of the deliveries that tell a notice; those that are deleted are left out."""
    rows = session.connection().execute(
        select(_delivery.c.id, _delivery.c.state, _delivery.c.reason)
        .join(_mail, _mail.c.delivery_id == _delivery.c.id)
        .where(_mail.c.notice_id == notice_id)
        .order_by(_delivery.c.id)
    )
    return [(row.id, row.state, row.reason) for row in rows]


def take_post(session: Session, now: datetime, only: int | None = None) -> Notice | None:
    """Take on posting the oldest notice that nobody else is posting; None where there is none.

    Of several who ask at once one gets it. One whose time is over is given up.
    """
    waiting = _notice.c.post_state == Post.WAITING
    over = update(_notice).where(waiting, _notice.c.created_at <= now - WORTH_TELLING)
    changed(session, over.values(post_state=Post.GIVEN_UP.value, post_until=None))
    free = or_(_notice.c.post_until.is_(None), _notice.c.post_until <= now)
    wanted = [waiting, free] + ([] if only is None else [_notice.c.id == only])
    first = session.connection().scalar(select(_notice.c.id).where(*wanted).order_by(_notice.c.id).limit(1))
    if first is None:
        return None
    taken = session.connection().execute(
        update(_notice)
        .where(_notice.c.id == first, waiting, free)
        .values(post_until=now + _LEASE, post_attempts=_notice.c.post_attempts + 1)
        .returning(*_notice.c)
    )
    row = taken.one_or_none()
    return _read(row) if row else None


def end_post(session: Session, notice: Notice, state: Post, words: str, *, now: datetime, again_at: datetime) -> bool:
    """Note how a post went; one that waits is tried again from `again_at`. False where another has taken it over."""
    values = {
        "post_state": state.value,
        "post_words": words[:_LONGEST_WORDS],
        "post_until": again_at if state is Post.WAITING else None,
        "posted_at": now if state is Post.POSTED else None,
    }
    mine = (_notice.c.id == notice.id, _notice.c.post_attempts == notice.post_attempts)
    return changed(session, update(_notice).where(*mine).values(values)) == 1


def _read(row: Any) -> Notice:
    return Notice(
        **{
            name: getattr(row, name)
            for name in ("id", "uid", "body", "created_at", "post_state", "post_attempts", "post_words")
        }
    )
