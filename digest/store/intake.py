"""Take in many readers at once: those that are known or banned are told apart from those that are new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from digest.core.delivery import DeliveryKind
from digest.core.preferences import Choices
from digest.core.subscription import ConsentAction, SubscriptionState
from digest.store.deliveries import DAY, NEW_DELIVERY
from digest.store.dialects import insert_into, insert_many, table_of
from digest.store.subscribers import blank_subscription
from digest.store.tables import Consent, Delivery, Subscriber, Subscription

_subscriber = table_of(Subscriber)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A reader to take in: when and from where they agreed, as the operator states it."""

    address: str
    choices: Choices
    agreed_at: datetime
    ip: str


def known_keys(session: Session, keys: Sequence[str]) -> set[str]:
    """Return those of the address keys that belong to a reader, whatever their consent."""
    return set(
        session.connection().scalars(select(_subscriber.c.address_key).where(_subscriber.c.address_key.in_(keys)))
    )


def take_in(
    session: Session, newcomers: Mapping[str, Newcomer], *, source: str, wording: str, confirm: bool, now: datetime
) -> int:
    """Store readers by their address keys, with a record of where they agreed; return how many were new.

    With `confirm` they are pending, and a confirmation mail is queued; else they are confirmed.
    """
    if not newcomers:
        return 0
    rows = [
        {"address": one.address, "address_key": key, "link_generation": 0, "created_at": now}
        for key, one in newcomers.items()
    ]
    added = insert_into(session, _subscriber).on_conflict_do_nothing()
    returned = session.connection().execute(added.returning(_subscriber.c.id, _subscriber.c.address_key), rows)
    fresh = [(row.id, newcomers[row.address_key]) for row in returned]
    _insert(session, Subscription, [_subscription(number, one, confirm=confirm) for number, one in fresh])
    action = ConsentAction.REQUEST if confirm else ConsentAction.IMPORT
    evidence = {"action": action.value, "source": source, "wording": wording if confirm else "", "language": ""}
    consents = [
        {**evidence, "subscriber_id": number, "at": now if confirm else one.agreed_at, "ip": one.ip}
        for number, one in fresh
    ]
    _insert(session, Consent, consents)
    if confirm:
        letter = NEW_DELIVERY | {
            "kind": DeliveryKind.CONFIRMATION.value,
            "local_date": now.date(),
            "due_at": now,
            "expires_at": now + DAY,
            "created_at": now,
        }
        _insert(session, Delivery, [letter | {"subscriber_id": number} for number, _one in fresh])
    return len(fresh)


def _subscription(number: int, one: Newcomer, *, confirm: bool) -> dict[str, Any]:
    wanted = one.choices
    return blank_subscription(number) | {
        "state": (SubscriptionState.PENDING if confirm else SubscriptionState.CONFIRMED).value,
        "confirmed_at": None if confirm else one.agreed_at,
        "categories": list(wanted.categories),
        "hour": wanted.hour,
        "timezone": wanted.timezone,
        "cadence": wanted.cadence.value,
        "weekday": wanted.weekday,
        "paper_count": wanted.paper_count,
    }


def _insert(session: Session, model: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        names = list(rows[0])
        insert_many(session, table_of(model), names, [[row[name] for name in names] for row in rows])
