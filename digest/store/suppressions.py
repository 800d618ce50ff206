"""Queries on bans by the set: list them, take in many, give them all out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlmodel import Session

from digest.core.delivery import DeliveryState, NotSent
from digest.store.deliveries import settle_waiting
from digest.store.dialects import insert_missing, table_of
from digest.store.subscribers import suppressed
from digest.store.tables import Subscriber, Suppression

_suppression = table_of(Suppression)
_subscriber = table_of(Subscriber)
_PAGE = 5_000
_COLUMNS = [_suppression.c[name] for name in ("address_hash", "address", "reason", "created_at")]


@dataclass(frozen=True, slots=True)
class Ban:
    """A ban as it is kept; `address` is None where only the keyed hash is left of it."""

    address_hash: str
    address: str | None
    reason: str
    since: datetime


def newest_bans(session: Session, limit: int) -> list[Ban]:
    """List the newest bans."""
    statement = select(*_COLUMNS).order_by(_suppression.c.created_at.desc(), _suppression.c.address_hash).limit(limit)
    return [_ban(row) for row in session.connection().execute(statement)]


def bans_on(session: Session, hashes: Sequence[str], *, locked: bool = False) -> list[Ban]:
    """Return the bans under any of these hashes; `locked`, nobody changes them until the transaction ends."""
    statement = select(*_COLUMNS).where(_suppression.c.address_hash.in_(hashes))
    if locked:
        statement = statement.with_for_update()
    return [_ban(row) for row in session.connection().execute(statement)]


def count_bans(session: Session) -> int:
    """Count the bans."""
    counted: int = session.connection().execute(select(func.count()).select_from(_suppression)).scalar_one()
    return counted


def every_ban(session: Session) -> Iterator[Ban]:
    """Yield every ban in the order of its hash, a page at a time."""
    after = ""
    while True:
        statement = select(*_COLUMNS).where(_suppression.c.address_hash > after)
        page = session.connection().execute(statement.order_by(_suppression.c.address_hash).limit(_PAGE)).all()
        yield from map(_ban, page)
        if len(page) < _PAGE:
            return
        after = page[-1].address_hash


def _ban(row: Row[Any]) -> Ban:
    return Ban(row.address_hash, row.address, row.reason, row.created_at)


def ban_many(session: Session, bans: Sequence[tuple[Ban, Sequence[str]]], keys: Sequence[str], now: datetime) -> int:
    """Add bans, each with every hash its address may be kept under; return how many are new.

    What is there already stays as it is, its reason and date with it. `keys` are the keys of the addresses:
    what waits for them is settled at once.
    """
    known = suppressed(session, [one for _ban, hashes in bans for one in hashes])
    fresh = [
        {"address_hash": ban.address_hash, "address": ban.address, "reason": ban.reason, "created_at": ban.since}
        for ban, hashes in bans
        if known.isdisjoint(hashes)
    ]
    added = insert_missing(session, Suppression, fresh)
    readers = session.connection().scalars(select(_subscriber.c.id).where(_subscriber.c.address_key.in_(list(keys))))
    settle_waiting(session, list(readers), DeliveryState.SUPPRESSED, NotSent.SUPPRESSED, now)
    return added
