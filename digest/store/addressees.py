"""Queries on whom a claimed delivery is for, and what they have been sent before."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlmodel import Session

from digest.core.delivery import DeliveryKind, DeliveryState
from digest.core.subscription import SubscriptionState
from digest.store.batch import dialect_of, off_index, values_of_batch
from digest.store.deliveries import Claim
from digest.store.dialects import table_of
from digest.store.papers import other_ids
from digest.store.tables import Delivery, Subscriber, Subscription
from digest.store.tables.columns import BigKey

# Papers of these were sent, may have been, or are about to be.
COUNTS_AS_SENT = (DeliveryState.ACCEPTED, DeliveryState.SENDING, DeliveryState.UNKNOWN, DeliveryState.DEFERRED)

_delivery = table_of(Delivery)
_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a delivery is for, as it stands now; `subscription` is None where the address has none."""

    address: str
    subscription: SubscriptionState | None
    paused_until: date | None
    cadence: str
    categories: tuple[str, ...]
    paper_count: int
    language: str = ""
    plain_text: bool = False
    when_empty: bool = False
    outside: bool = True
    link_generation: int = 0
    timezone: str = "UTC"
    hour: int = 8
    weekday: int = 0


def readers_of(session: Session, claims: Collection[Claim]) -> dict[int, Reader]:
    """Return, by delivery id, whom the claimed deliveries are for."""
    batch = {"batch": json.dumps([claimed.id for claimed in claims])}
    rows = session.connection().execute(_whom(dialect_of(session)), batch)
    return {row.id: _reader_of(row) for row in rows}


@cache
def _whom(dialect: str) -> Select[Any]:
    rows, its_id = values_of_batch(dialect, BigKey)
    return (
        select(
            _delivery.c.id,
            _delivery.c.address.label("own_address"),
            _subscriber.c.address,
            _subscriber.c.link_generation,
            _subscription.c.state,
            _subscription.c.paused_until,
            _subscription.c.cadence,
            _subscription.c.categories,
            _subscription.c.paper_count,
            _subscription.c.language,
            _subscription.c.plain_text,
            _subscription.c.when_empty,
            _subscription.c.outside,
            _subscription.c.timezone,
            _subscription.c.hour,
            _subscription.c.weekday,
        )
        .select_from(rows)
        .join(_delivery, _delivery.c.id == its_id)
        .outerjoin(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
        .outerjoin(_subscription, _subscription.c.subscriber_id == _delivery.c.subscriber_id)
    )


def _reader_of(row: Row[Any]) -> Reader:
    return Reader(
        address=row.own_address or row.address or "",
        subscription=SubscriptionState(row.state) if row.state else None,
        paused_until=row.paused_until,
        cadence=row.cadence or "",
        categories=tuple(row.categories or ()),
        paper_count=row.paper_count or 0,
        language=row.language or "",
        plain_text=bool(row.plain_text),
        when_empty=bool(row.when_empty),
        outside=bool(row.outside),
        link_generation=row.link_generation or 0,
        timezone=row.timezone or "UTC",
        hour=row.hour or 0,
        weekday=row.weekday or 0,
    )


def already_sent(session: Session, claims: Collection[Claim], *, since: date) -> dict[int, frozenset[int]]:
    """Return, by subscriber id, the papers they were sent on local dates from `since`.

    The claimed deliveries themselves do not count: a retry carries the same papers.
    """
    subscribers = {claimed.subscriber_id for claimed in claims if claimed.subscriber_id is not None}
    own = {claimed.id for claimed in claims}
    sent: dict[int, set[int]] = {}
    for row in _papers_of(session, subscribers, since):
        if row.id not in own:
            sent.setdefault(row.subscriber_id, set()).update(row.paper_ids)
    others = other_ids(session, {paper for papers in sent.values() for paper in papers})
    return {subscriber: _with_others(papers, others) for subscriber, papers in sent.items()}


def sent_before(session: Session, subscriber_id: int, issue_id: int | None, *, since: date) -> frozenset[int]:
    """Return the papers one subscriber was sent on local dates from `since`, other than with the given issue."""
    rows = _papers_of(session, {subscriber_id}, since)
    papers = {paper for row in rows if row.issue_id is None or row.issue_id != issue_id for paper in row.paper_ids}
    return _with_others(papers, other_ids(session, papers))


def deliveries_of(session: Session, subscriber_id: int, issue_id: int) -> list[int]:
    """Return the ids of the deliveries of an issue to a subscriber."""
    rows = session.connection().execute(
        select(_delivery.c.id).where(_delivery.c.subscriber_id == subscriber_id, _delivery.c.issue_id == issue_id)
    )
    return list(rows.scalars())


def _with_others(papers: set[int], others: Mapping[int, set[int]]) -> frozenset[int]:
    # A paper that was merged since it was sent must not come again under the id of the other.
    return frozenset(papers.union(*(others[paper] for paper in papers & others.keys())))


def _papers_of(session: Session, subscribers: Collection[int], since: date) -> Sequence[Row[Any]]:
    values = {"batch": json.dumps(list(subscribers)), "first_day": since}
    return session.connection().execute(_sent_to(dialect_of(session)), values).all()


@cache
def _sent_to(dialect: str) -> Select[Any]:
    rows, its_reader = values_of_batch(dialect, BigKey)
    return (
        select(_delivery.c.id, _delivery.c.subscriber_id, _delivery.c.issue_id, _delivery.c.paper_ids)
        .select_from(rows)
        .join(_delivery, _delivery.c.subscriber_id == its_reader)
        .where(
            off_index(_delivery.c.kind, "").in_((DeliveryKind.DIGEST, DeliveryKind.WELCOME)),
            _delivery.c.local_date >= bindparam("first_day"),
            off_index(_delivery.c.state, "").in_(COUNTS_AS_SENT),
        )
    )
