"""Queries on what has been kept long enough: readers to erase, IP addresses to shorten, what nobody needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Select, and_, delete, exists, func, or_, select, update
from sqlmodel import Session

from digest.core.subscription import SubscriptionState
from digest.store.dialects import changed, table_of
from digest.store.tables import AddressChange, BounceEvent, Consent, Subscriber, Subscription

_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)
_consent = table_of(Consent)
_change = table_of(AddressChange)
_event = table_of(BounceEvent)


def never_confirmed(before: datetime) -> Select[tuple[int]]:
    """Choose the readers who were asked for last before an instant, and have not confirmed."""
    asked_since = exists().where(_consent.c.subscriber_id == _subscriber.c.id, _consent.c.at >= before)
    return (
        select(_subscriber.c.id)
        .outerjoin(_subscription, _subscription.c.subscriber_id == _subscriber.c.id)
        .where(
            func.coalesce(_subscription.c.state, SubscriptionState.PENDING.value) == SubscriptionState.PENDING,
            _subscriber.c.created_at < before,
            ~asked_since,
        )
    )


def gone_since(before: datetime) -> Select[tuple[int]]:
    """Choose the readers who left before an instant."""
    return (
        select(_subscriber.c.id)
        .join(_subscription, _subscription.c.subscriber_id == _subscriber.c.id)
        .where(
            _subscription.c.state == SubscriptionState.UNSUBSCRIBED,
            func.coalesce(_subscription.c.unsubscribed_at, _subscriber.c.created_at) < before,
        )
    )


def some(session: Session, chosen: Select[tuple[int]], limit: int) -> list[int]:
    """Return the first of the readers chosen, by number, and keep them from confirming while the transaction lasts."""
    ids = list(session.connection().scalars(chosen.order_by(_subscriber.c.id).limit(limit)))
    theirs = select(_subscription.c.subscriber_id).where(_subscription.c.subscriber_id.in_(ids)).with_for_update()
    session.connection().execute(theirs).all()
    return list(session.connection().scalars(chosen.where(_subscriber.c.id.in_(ids))))


def count(session: Session, chosen: Select[tuple[int]]) -> int:
    """Count those who are chosen."""
    return session.connection().scalar(select(func.count()).select_from(chosen.subquery())) or 0


def long_addresses(before: datetime) -> Select[tuple[int]]:
    """Choose the consents from before an instant that still have a whole IP address."""
    return select(_consent.c.id).where(_consent.c.at < before, _consent.c.ip != "", _consent.c.ip.not_like("%/%"))


def shorten_addresses(session: Session, before: datetime, shortened: Callable[[str], str], limit: int) -> int:
    """Shorten some of those IP addresses; return how many."""
    chosen = long_addresses(before).order_by(_consent.c.id).limit(limit)
    ids = list(session.connection().scalars(chosen))
    by_ip = session.connection().execute(select(_consent.c.ip, _consent.c.id).where(_consent.c.id.in_(ids)))
    alike: dict[str, list[int]] = {}
    for ip, consent in by_ip:
        alike.setdefault(shortened(ip), []).append(consent)
    for kept, consents in alike.items():
        changed(session, update(_consent).where(_consent.c.id.in_(consents)).values(ip=kept))
    return len(ids)


def forget_asides(session: Session, *, changes_before: datetime, ips_before: datetime, reports_before: datetime) -> int:
    """Forget what no reader needs: changes of address never confirmed, IP addresses of others, whom reports named."""
    unused = and_(_change.c.confirmed_at.is_(None), _change.c.asked_at < changes_before)
    gone = changed(session, delete(_change).where(unused))
    changed(session, update(_change).where(_change.c.asked_at < ips_before, _change.c.ip != "").values(ip=""))
    known = exists().where(_subscriber.c.id == _event.c.subscriber_id)
    nobodys = and_(_event.c.received_at < reports_before, or_(_event.c.recipient != "", _event.c.reason != ""), ~known)
    return gone + changed(session, update(_event).where(nobodys).values(recipient="", reason="", subscriber_id=None))
