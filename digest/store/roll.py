"""Queries on readers as an operator looks them up: list them, and look at one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from digest.core.merge import storable
from digest.core.subscription import SubscriptionState
from digest.store.dialects import table_of
from digest.store.tables import Consent, Delivery, Subscriber, Subscription
from digest.tokens import address_key

_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)
_consent = table_of(Consent)
_delivery = table_of(Delivery)


@dataclass(frozen=True, slots=True)
class Listed:
    """A reader in a list: the address, how consent stands, when the digest comes, and since when."""

    subscriber_id: int
    address: str
    state: SubscriptionState
    cadence: str
    hour: int
    timezone: str
    since: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A line of the record of consent."""

    action: str
    at: datetime
    ip: str
    source: str
    wording: str
    language: str


_LISTED = (
    select(
        _subscriber.c.id,
        _subscriber.c.address,
        _subscription.c.state,
        _subscription.c.cadence,
        _subscription.c.hour,
        _subscription.c.timezone,
        _subscriber.c.created_at,
        _subscription.c.confirmed_at,
    )
    .join(_subscription, _subscription.c.subscriber_id == _subscriber.c.id)
    .order_by(_subscriber.c.id.desc())
)


def newest(session: Session, state: SubscriptionState | None, limit: int) -> list[Listed]:
    """List the newest readers, of one state if it is given."""
    chosen = _LISTED if state is None else _LISTED.where(_subscription.c.state == state)
    return [_listed(row) for row in session.connection().execute(chosen.limit(limit))]


def found(
    session: Session,
    text: str,
    state: SubscriptionState | None,
    *,
    by_domain: bool,
    before: int | None,
    limit: int,
) -> list[Listed]:
    """List the readers whose address holds a text, newest first, those behind the number `before`.

    `by_domain` looks only behind the last @, for those who may not learn of an address by guessing its parts.
    """
    chosen = _LISTED if state is None else _LISTED.where(_subscription.c.state == state)
    sought = address_key(storable(text))
    if by_domain:
        sought = sought.rpartition("@")[2]
        # The domain begins at the last @; nobody's local part can be tried out letter by letter.
        chosen = chosen.where(_subscriber.c.address_key.endswith(f"@{sought}", autoescape=True)) if sought else chosen
    elif sought:
        chosen = chosen.where(_subscriber.c.address_key.contains(sought, autoescape=True))
    if before is not None:
        chosen = chosen.where(_subscriber.c.id < before)
    return [_listed(row) for row in session.connection().execute(chosen.limit(limit))]


def one(session: Session, subscriber_id: int) -> Listed | None:
    """Return a reader, or None."""
    row = session.connection().execute(_LISTED.where(_subscriber.c.id == subscriber_id)).one_or_none()
    return _listed(row) if row else None


def counts(session: Session) -> dict[str, int]:
    """Count the readers by state."""
    rows = session.connection().execute(select(_subscription.c.state, func.count()).group_by(_subscription.c.state))
    found: dict[str, int] = {row[0]: row[1] for row in rows}
    return {state.value: found[state] for state in SubscriptionState if state in found}


def record_of(session: Session, subscriber_id: int) -> list[Recorded]:
    """Return a reader's record of consent, oldest first."""
    rows = session.connection().execute(
        select(
            _consent.c.action, _consent.c.at, _consent.c.ip, _consent.c.source, _consent.c.wording, _consent.c.language
        )
        .where(_consent.c.subscriber_id == subscriber_id)
        .order_by(_consent.c.id)
    )
    return [Recorded(*row) for row in rows]


def mail_of(session: Session, subscriber_id: int) -> dict[str, int]:
    """Count a reader's deliveries by kind and state."""
    rows = session.connection().execute(
        select(_delivery.c.kind, _delivery.c.state, func.count())
        .where(_delivery.c.subscriber_id == subscriber_id)
        .group_by(_delivery.c.kind, _delivery.c.state)
        .order_by(_delivery.c.kind, _delivery.c.state)
    )
    return {f"{kind}, {state}": number for kind, state, number in rows}


def _listed(row: Any) -> Listed:
    number, address, state, *rest = tuple[Any, ...](row)
    return Listed(number, address, SubscriptionState(state), *rest)
