"""Intents, last looks and outcomes of many deliveries at once: one statement each, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import CTE, Integer, Select, String, Table, Update, bindparam, cast, func, select, update
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session

from digest.core.delivery import FINAL, SENDING_LEASE, DeliveryKind, DeliveryState, sources_of
from digest.core.subscription import SubscriptionState
from digest.store.batch import (
    dialect_of,
    fields_of_batch,
    instant_of,
    off_index,
    values_of_batch,
    written_instant,
)
from digest.store.deliveries import Claim
from digest.store.dialects import table_of
from digest.store.tables import Delivery, IssueRow, Subscription, Suppression
from digest.store.tables.columns import BigKey

_delivery = table_of(Delivery)
_subscription = table_of(Subscription)
_suppression = table_of(Suppression)
_issue = table_of(IssueRow)


class Intent(NamedTuple):
    """A message that is about to be handed over."""

    claimed: Claim
    message_id: str
    paper_ids: Sequence[int]


class Look(NamedTuple):
    """What may have changed about a delivery since it was claimed."""

    subscription: SubscriptionState | None
    paused_until: date | None
    issue_held: bool


def look_again(session: Session, claims: Iterable[Claim]) -> dict[int, Look]:
    """Return, by delivery id, how things stand just before the intents; a delivery that is gone is left out.

    On PostgreSQL the subscriptions stay locked until the intents are committed: who unsubscribes meanwhile waits,
    or is seen here. SQLite has one writer, and this is it.
    """
    batch = {"batch": json.dumps([claimed.id for claimed in claims])}
    rows = session.connection().execute(_looking(dialect_of(session)), batch)
    return {
        row[0]: Look(SubscriptionState(row[1]) if row[1] else None, row[2], row[3] == "held") for row in rows.fetchall()
    }


def banned_now(session: Session, hashes: Sequence[str]) -> set[str]:
    """Return those of the address hashes that are suppressed."""
    found = session.connection().execute(_banned(dialect_of(session)), {"batch": json.dumps(hashes)})
    return set(found.scalars())


def intend_all(session: Session, intents: Sequence[Intent], now: datetime) -> set[int]:
    """Record intents; returns the ids of those whose claim still held: of the others nothing may be sent.

    The reader's last digest is dated with its slot on the first attempt, so that a late message does not push the
    next one back.
    """
    if not intents:
        return set()
    dialect = dialect_of(session)
    batch = json.dumps(
        [
            [
                one.claimed.id,
                one.claimed.fence,
                one.message_id,
                json.dumps(list(one.paper_ids)),
                one.claimed.attempts + 1,
            ]
            for one in intents
        ]
    )
    found = session.connection().execute(
        _intending(dialect), {"batch": batch, "new_lease": now + SENDING_LEASE, "sent": now}
    )
    mine = set(found.scalars())
    first = [
        one.claimed.id
        for one in intents
        if one.claimed.attempts == 0 and one.claimed.kind is DeliveryKind.DIGEST and one.claimed.id in mine
    ]
    if first:
        session.connection().execute(_serving(dialect), {"batch": json.dumps(first)})
    return mine


class Outcome(NamedTuple):
    """Where a delivery goes, with its reason, the relay's words, and when it is due (nothing: as it was)."""

    claimed: Claim
    reason: str
    reply: str
    due_at: datetime | None = None


def move_all(
    session: Session, outcomes: Sequence[Outcome], to: DeliveryState, now: datetime, *, sent: bool
) -> set[int]:
    """Take claimed deliveries to one state, from `claimed`, or if `sent` from beyond their intents.

    Returns the ids of those whose claim still held; of the others somebody else has decided.
    """
    if not outcomes:
        return set()
    dialect = dialect_of(session)
    batch = json.dumps(
        [
            [one.claimed.id, one.claimed.fence, one.reason, one.reply, written_instant(one.due_at, dialect)]
            for one in outcomes
        ]
    )
    found = session.connection().execute(
        _moving(dialect, to, sent), {"batch": batch, "settled": now if to in FINAL else None}
    )
    return set(found.scalars())


def _state() -> ColumnElement[str]:
    return off_index(_delivery.c.state, "")


def _locked() -> CTE:
    """Lock a batch's readers' subscriptions; a row that somebody else has just changed is seen as it is then."""
    rows, its_id = values_of_batch("postgresql", BigKey)
    return (
        select(_delivery.c.id, _subscription.c.state, _subscription.c.paused_until)
        .select_from(rows)
        .join(_delivery, _delivery.c.id == its_id)
        .join(_subscription, _subscription.c.subscriber_id == _delivery.c.subscriber_id)
        .order_by(_subscription.c.subscriber_id)  # in one order everywhere, so that no two wait for one another
        # Of each reader the delivery first, as somebody who unsubscribes does, or the two would wait for one another.
        .with_for_update(key_share=True, of=[_delivery, _subscription])
        .cte("locked")
    )


@cache
def _looking(dialect: str) -> Select[Any]:
    rows, its_id = values_of_batch(dialect, BigKey)
    if dialect == "postgresql":
        theirs: CTE | Table = _locked()
        belongs = theirs.c.id == _delivery.c.id
    else:
        theirs = _subscription
        belongs = theirs.c.subscriber_id == _delivery.c.subscriber_id
    return (
        select(_delivery.c.id, theirs.c.state, theirs.c.paused_until, _issue.c.state)
        .select_from(rows)
        .join(_delivery, _delivery.c.id == its_id)
        .outerjoin(theirs, belongs)
        .outerjoin(_issue, _issue.c.id == _delivery.c.issue_id)
    )


@cache
def _banned(dialect: str) -> Select[Any]:
    rows, value = values_of_batch(dialect, String)
    return (
        select(_suppression.c.address_hash).select_from(rows).join(_suppression, _suppression.c.address_hash == value)
    )


@cache
def _intending(dialect: str) -> Update:
    field = fields_of_batch(dialect)
    papers = field(3, String)
    return (
        update(_delivery)
        .where(
            _delivery.c.id == field(0, BigKey),
            _delivery.c.fence == field(1, Integer),
            _state() == DeliveryState.CLAIMED,
        )
        .values(
            state=DeliveryState.SENDING,
            lease_until=bindparam("new_lease", type_=_delivery.c.lease_until.type),
            message_id=field(2, String),
            paper_ids=cast(papers, _delivery.c.paper_ids.type) if dialect == "postgresql" else papers,
            attempts=field(4, Integer),
            sent_at=bindparam("sent", type_=_delivery.c.sent_at.type),
        )
        .returning(_delivery.c.id)
    )


@cache
def _serving(dialect: str) -> Update:
    _, its_id = values_of_batch(dialect, BigKey)
    return (
        update(_subscription)
        .where(_subscription.c.subscriber_id == _delivery.c.subscriber_id, _delivery.c.id == its_id)
        .values(last_digest_at=_delivery.c.due_at)
    )


@cache
def _moving(dialect: str, to: DeliveryState, sent: bool) -> Update:
    field = fields_of_batch(dialect)
    beyond = (DeliveryState.SENDING, DeliveryState.UNKNOWN) if sent else (DeliveryState.CLAIMED,)
    reply = field(3, String)
    return (
        update(_delivery)
        .where(
            _delivery.c.id == field(0, BigKey),
            _delivery.c.fence == field(1, Integer),
            _state().in_([state for state in beyond if state in sources_of(to)]),
        )
        .values(
            state=to,
            reason=field(2, String),
            claimed_by="",
            lease_until=None,
            settled_at=bindparam("settled", type_=_delivery.c.settled_at.type),
            reply=func.coalesce(func.nullif(reply, ""), _delivery.c.reply),
            due_at=func.coalesce(instant_of(field(4, String), dialect), _delivery.c.due_at),
        )
        .returning(_delivery.c.id)
    )
