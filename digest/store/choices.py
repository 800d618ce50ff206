"""Queries on what readers chose."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from sqlalchemy import select, update
from sqlmodel import Session

from digest.core.cadence import Cadence
from digest.core.preferences import Choices
from digest.core.subscription import SubscriptionState
from digest.store.dialects import changed, table_of
from digest.store.tables import Subscriber, Subscription
from digest.tokens import address_key

_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)


def choices_of(session: Session, subscriber_id: int) -> tuple[str, SubscriptionState, Choices] | None:
    """Return a subscriber's address, consent state and choices, or None."""
    row = (
        session.connection()
        .execute(
            select(_subscriber.c.address, _subscription)
            .join(_subscription, _subscription.c.subscriber_id == _subscriber.c.id)
            .where(_subscriber.c.id == subscriber_id)
        )
        .one_or_none()
    )
    if row is None:
        return None
    choices = Choices(
        categories=tuple(row.categories),
        paper_count=row.paper_count,
        hour=row.hour,
        timezone=row.timezone,
        cadence=Cadence(row.cadence),
        weekday=row.weekday,
        language=row.language,
        plain_text=row.plain_text,
        when_empty=row.when_empty,
        outside=row.outside,
    )
    return row.address, SubscriptionState(row.state), choices


def change_choices(session: Session, subscriber_id: int, choices: Choices) -> bool:
    """Store a subscriber's choices; False if there is no such subscriber."""
    values = asdict(choices) | {"categories": list(choices.categories), "cadence": choices.cadence.value}
    return (
        changed(session, update(_subscription).where(_subscription.c.subscriber_id == subscriber_id).values(**values))
        == 1
    )


def set_pause(session: Session, subscriber_id: int, until: date | None) -> bool:
    """Store the date on which a pause ends, None for no end; False where nothing is paused."""
    paused = (_subscription.c.subscriber_id == subscriber_id) & (_subscription.c.state == SubscriptionState.PAUSED)
    return changed(session, update(_subscription).where(paused).values(paused_until=until)) == 1


def one_at_a_time(session: Session, subscriber_id: int) -> None:
    """Keep what else this subscriber does waiting until the transaction ends, so that it is learned from as well."""
    held = select(_subscription.c.subscriber_id).where(_subscription.c.subscriber_id == subscriber_id)
    session.connection().execute(held.with_for_update())


def paused_until(session: Session, subscriber_id: int) -> date | None:
    """Return the local date at which a subscriber's pause ends, if they named one."""
    found: date | None = session.connection().scalar(
        select(_subscription.c.paused_until).where(_subscription.c.subscriber_id == subscriber_id)
    )
    return found


def link_generation(session: Session, subscriber_id: int) -> int | None:
    """Return how often a subscriber's address has changed, or None where there is no such subscriber."""
    found: int | None = session.connection().scalar(
        select(_subscriber.c.link_generation).where(_subscriber.c.id == subscriber_id)
    )
    return found


def subscriber_of(session: Session, address: str) -> int | None:
    """Return the id of the subscriber with an address, in any spelling of its key."""
    found: int | None = session.connection().scalar(
        select(_subscriber.c.id).where(_subscriber.c.address_key == address_key(address))
    )
    return found
