"""Queries on deliveries: claim, give back, settle what waits. Intents and outcomes, under the fence: batches.py."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, Update, bindparam, or_, select, tuple_, update
from sqlmodel import Session

from digest.core.delivery import (
    CLAIM_LEASE,
    PROMPT,
    DeliveryKind,
    DeliveryState,
    NotSent,
)
from digest.store.batch import dialect_of, off_index, values_of_batch
from digest.store.dialects import changed, table_of
from digest.store.tables import Delivery, IssueRow
from digest.store.tables.columns import BigKey

DAY = timedelta(days=1)

# What every new row has in common, for inserts that name each column.
NEW_DELIVERY: dict[str, Any] = {
    "state": DeliveryState.PENDING.value,
    "reason": "",
    "address": "",
    "attempts": 0,
    "claimed_by": "",
    "fence": 0,
    "message_id": "",
    "paper_ids": [],
    "reply": "",
}
WAITING = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.DEFERRED)

_delivery = table_of(Delivery)
_issue = table_of(IssueRow)


class Claim(NamedTuple):
    """A delivery that one worker holds until its lease ends; `fence` is the number of claims on it so far."""

    id: int
    kind: DeliveryKind
    issue_id: int | None
    subscriber_id: int | None
    address: str
    local_date: date | None
    due_at: datetime
    expires_at: datetime
    attempts: int
    fence: int
    created_at: datetime


class Place(NamedTuple):
    """Where in the queue of digests a claim has come to."""

    due_at: datetime
    id: int


def claim(
    session: Session, *, worker: str, now: datetime, limit: int, past: Place | None = None, room: int | None = None
) -> list[Claim]:
    """Claim up to `limit` deliveries that are due, those somebody waits for first, then the oldest.

    Two workers never get the same one: on PostgreSQL locked rows are skipped, on SQLite there is one
    writer at a time. Issues that a claim touches are marked as being sent. Digests are looked for behind `past`
    first, which is where the last claim ended: until a vacuum PostgreSQL would step over everything before it again.
    `room` is for how many digests the day has room (any number without it): those that were tried before need none.
    """
    chosen: list[Row[Any]] = []
    digests = (DeliveryKind.DIGEST,)
    passes: list[tuple[Collection[DeliveryKind], Place | None]] = [(PROMPT, None), (digests, past)]
    for kinds, start in [*passes, (digests, None)] if past else passes:
        wanted = limit - len(chosen)
        if wanted > 0:
            known = {row.id for row in chosen}
            # Where there is a cap those that need no room are looked for by themselves, or the others hid them.
            short = room is not None and kinds is digests
            looks = [(True, wanted), (False, min(wanted, room or 0))] if short else [(None, wanted)]
            due = [
                row
                for tried, most in looks
                if most > 0
                for state in (DeliveryState.PENDING, DeliveryState.DEFERRED)
                for row in session.connection().execute(_due(state, kinds, now, limit=most, start=start, tried=tried))
                if row.id not in known
            ]
            due.sort(key=lambda row: (row.due_at, row.id))
            if room is not None:
                due = _fitting(due, room)[:wanted] if short else due[:wanted]
                room = max(0, room - sum(row.attempts == 0 for row in due))
            chosen += due[:wanted]
    if not chosen:
        return []
    batch = {"batch": json.dumps([row.id for row in chosen]), "worker": worker, "lease": now + CLAIM_LEASE}
    rows = session.connection().execute(_claiming(dialect_of(session)), batch)
    order = {row.id: place for place, row in enumerate(chosen)}
    claims = sorted((_claim_of(row) for row in rows), key=lambda claimed: order[claimed.id])
    issues = {claimed.issue_id for claimed in claims if claimed.kind is DeliveryKind.DIGEST}
    changed(
        session,
        update(_issue)
        .where(_issue.c.id.in_(issues), _issue.c.state.in_(("frozen", "complete")))
        .values(state="sending"),
    )
    return claims


def _fitting(due: list[Row[Any]], room: int) -> list[Row[Any]]:
    """Leave out those that were never tried and for which there is no room."""
    number = count(1)
    return [row for row in due if row.attempts or next(number) <= room]


def _due(
    state: DeliveryState,
    kinds: Collection[DeliveryKind],
    now: datetime,
    *,
    limit: int,
    start: Place | None,
    tried: bool | None,
) -> Select[Any]:
    held = select(_issue.c.id).where(_issue.c.state == "held")
    again = [] if tried is None else [_delivery.c.attempts > 0 if tried else _delivery.c.attempts == 0]
    behind = [] if start is None else [tuple_(_delivery.c.due_at, _delivery.c.id) > tuple_(*start)]
    return (
        select(_delivery.c.id, _delivery.c.due_at, _delivery.c.attempts)
        .where(
            _delivery.c.state == state,
            _delivery.c.kind.in_(kinds),
            _delivery.c.due_at <= now,
            off_index(_delivery.c.expires_at, now) > now,
            or_(_delivery.c.issue_id.is_(None), _delivery.c.issue_id.not_in(held)),
            *behind,
            *again,
        )
        .order_by(_delivery.c.due_at, _delivery.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite has no such clause and needs none
    )


@cache
def _claiming(dialect: str) -> Update:
    _, its_id = values_of_batch(dialect, BigKey)
    return (
        update(_delivery)
        .where(_delivery.c.id == its_id)
        .values(
            state=DeliveryState.CLAIMED,
            claimed_by=bindparam("worker", type_=_delivery.c.claimed_by.type),
            lease_until=bindparam("lease", type_=_delivery.c.lease_until.type),
            fence=_delivery.c.fence + 1,
        )
        .returning(*(_delivery.c[name] for name in Claim._fields))
    )


def _claim_of(row: Row[Any]) -> Claim:
    number, kind, *rest = tuple[Any, ...](row)
    return Claim(number, DeliveryKind(kind), *rest)


def release(session: Session, claims: Collection[Claim]) -> int:
    """Give back claims that nothing was done with; return how many were still held."""
    fences = {claimed.id: claimed.fence for claimed in claims}
    held = session.connection().execute(
        select(_delivery.c.id, _delivery.c.fence)
        .where(_delivery.c.id.in_(fences), _delivery.c.state == DeliveryState.CLAIMED)
        .with_for_update()
    )
    mine = [row.id for row in held if row.fence == fences[row.id]]
    return changed(
        session,
        update(_delivery)
        .where(_delivery.c.id.in_(mine))
        .values(state=DeliveryState.PENDING, claimed_by="", lease_until=None),
    )


def settle_waiting(
    session: Session, subscribers: Collection[int], to: DeliveryState, reason: NotSent, now: datetime
) -> int:
    """Settle what waits for these subscribers without sending it, claimed or not; return how many.

    A worker that holds one of them finds its claim lost when it commits its intent.
    """
    return changed(
        session,
        update(_delivery)
        .where(_delivery.c.subscriber_id.in_(subscribers), _delivery.c.state.in_(WAITING))
        .values(state=to, reason=reason, claimed_by="", lease_until=None, settled_at=now),
    )
