"""Queries on subscribers: their consent, what they asked for, and whom never to mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, literal, select, update
from sqlmodel import Session

from digest.core.bounce import BounceAction
from digest.core.delivery import DeliveryKind, DeliveryState, NotSent
from digest.core.subscription import ConsentAction, SubscriptionState, after
from digest.store.deliveries import DAY, NEW_DELIVERY, settle_waiting
from digest.store.dialects import changed, insert_new, insert_row, table_of
from digest.store.tables import (
    BounceEvent,
    Consent,
    Delivery,
    IssueRow,
    SpentToken,
    Subscriber,
    Subscription,
    Suppression,
)
from digest.tokens import address_key

_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)
_suppression = table_of(Suppression)
_consent = table_of(Consent)
_delivery = table_of(Delivery)
_event = table_of(BounceEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a reader asks for when they subscribe, before they refine it; an empty `language` is the site's own."""

    timezone: str = "UTC"
    hour: int = 8
    categories: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an act of consent came from: its instant, IP address, page, the wording's version and its language."""

    at: datetime
    ip: str
    source: str
    wording: str = ""
    language: str = ""


def request_subscription(
    session: Session, address: str, hashes: Sequence[str], wishes: Wishes, evidence: Evidence
) -> bool:
    """Record a request and queue its confirmation mail; return whether one was queued.

    The same statements run, and the same commit follows, whatever is known of the address: an
    observer with a clock learns nothing. At most one confirmation an address and day (UTC).
    """
    key = address_key(address)
    now = evidence.at
    banned = bool(suppressed(session, hashes))
    fresh = literal(not banned)
    new = {"address": address, "address_key": key, "link_generation": 0, "created_at": now}
    insert_row(session, _subscriber, new, fresh)
    found = session.connection().execute(
        select(_subscriber.c.id, _subscriber.c.address, _subscription.c.state)
        .outerjoin(_subscription, _subscription.c.subscriber_id == _subscriber.c.id)
        .where(_subscriber.c.address_key == key)
    )
    row = found.one_or_none()
    subscriber_id, spelt, state = (row.id, row.address, row.state) if row else (0, address, None)
    before = SubscriptionState(state or SubscriptionState.PENDING)
    then = after(before, ConsentAction.REQUEST) or before
    asks = not banned and bool(subscriber_id) and then is SubscriptionState.PENDING
    asked = literal(asks)
    insert_row(session, _subscription, blank_subscription(subscriber_id), asked)
    wanted = update(_subscription).values(
        state=then,
        timezone=wishes.timezone,
        hour=wishes.hour,
        categories=list(wishes.categories),
        language=wishes.language,
        confirmed_at=None,
    )
    changed(
        session, wanted.where(_subscription.c.subscriber_id == subscriber_id, _subscription.c.state == before, asked)
    )
    # The address as typed last: nobody has confirmed an earlier spelling. For the others the row is
    # only touched, so that there is something to commit.
    spelt = address if asks else spelt
    changed(session, update(_subscriber).values(address=spelt).where(_subscriber.c.address_key == key))
    changed(
        session,
        update(_suppression).values(reason=_suppression.c.reason).where(_suppression.c.address_hash.in_(hashes)),
    )
    queued = insert_row(
        session,
        _delivery,
        NEW_DELIVERY
        | {
            "kind": DeliveryKind.CONFIRMATION,
            "subscriber_id": subscriber_id,
            "local_date": now.date(),
            "due_at": now,
            "expires_at": now + DAY,
            "created_at": now,
        },
        asked,
    )
    record_consent(session, subscriber_id, ConsentAction.REQUEST, evidence, applies=queued)
    return queued


def blank_subscription(subscriber_id: int) -> dict[str, object]:
    """What a new subscription holds, for inserts that name each column."""
    return {
        "subscriber_id": subscriber_id,
        "state": SubscriptionState.PENDING.value,
        "cadence": "daily",
        "weekday": 0,
        "hour": 8,
        "timezone": "UTC",
        "paper_count": 10,
        "categories": [],
        "language": "",
        "plain_text": False,
        "when_empty": False,
        "outside": True,
    }


def apply_consent(session: Session, subscriber_id: int, action: ConsentAction, evidence: Evidence) -> bool:
    """Take a subscription through an action and record it; False where the action changes nothing.

    Unsubscribing also settles every delivery of theirs that waits, so that it takes effect at once.
    """
    if action is ConsentAction.UNSUBSCRIBE:
        # Deliveries before the subscription, the order in which a worker locks them: no deadlock.
        settle_waiting(session, [subscriber_id], DeliveryState.SKIPPED, NotSent.UNSUBSCRIBED, evidence.at)
    state = session.connection().scalar(
        select(_subscription.c.state).where(_subscription.c.subscriber_id == subscriber_id).with_for_update()
    )
    then = after(SubscriptionState(state), action) if state else None
    if then is None or then == state:
        return False
    values: dict[str, object] = {"state": then}
    if then is SubscriptionState.CONFIRMED:
        values |= {"paused_until": None}
    if action is ConsentAction.CONFIRM:
        values |= {"confirmed_at": evidence.at}
    if then is SubscriptionState.UNSUBSCRIBED:
        values |= {"unsubscribed_at": evidence.at, "paused_until": None}
    changed(session, update(_subscription).values(**values).where(_subscription.c.subscriber_id == subscriber_id))
    record_consent(session, subscriber_id, action, evidence)
    return True


def record_consent(
    session: Session, subscriber_id: int, action: ConsentAction, evidence: Evidence, *, applies: bool = True
) -> None:
    """Append to the record of a subscriber's consent."""
    row = {
        "subscriber_id": subscriber_id,
        "action": action.value,
        "at": evidence.at,
        "ip": evidence.ip,
        "source": evidence.source,
        "wording": evidence.wording,
        "language": evidence.language,
    }
    insert_row(session, _consent, row, literal(applies))


def spend(session: Session, key: str, purpose: str, now: datetime) -> bool:
    """Record the use of a one-time link; False if it has been used before, also at this very moment."""
    return insert_row(
        session, table_of(SpentToken), {"token_hash": key, "purpose": purpose, "spent_at": now}, literal(True)
    )


def queue_welcome(session: Session, subscriber_id: int, local_date: date, now: datetime, *, since: datetime) -> bool:
    """Queue a welcome mail with the newest frozen issue, if one was frozen at `since` or later."""
    issue = table_of(IssueRow)
    newest = (
        select(issue.c.id)
        .where(issue.c.state.in_(("frozen", "sending", "complete")), issue.c.frozen_at.between(since, now))
        .order_by(issue.c.issued_on.desc())
        .limit(1)
    )
    row = NEW_DELIVERY | {
        "kind": DeliveryKind.WELCOME.value,
        "subscriber_id": subscriber_id,
        "local_date": local_date,
        "due_at": now,
        "expires_at": now + DAY,
        "created_at": now,
    }
    constants = [literal(value, type_=_delivery.c[name].type) for name, value in row.items()]
    newest_one = newest.subquery()
    rows = select(*constants, newest_one.c.id).where(literal(True))
    return insert_new(session, _delivery, [*row, "issue_id"], rows) == 1


def suppressed(session: Session, hashes: Iterable[str]) -> set[str]:
    """Return those of the given address hashes that are banned."""
    wanted = list(hashes)
    rows = session.connection().scalars(
        select(_suppression.c.address_hash).where(_suppression.c.address_hash.in_(wanted))
    )
    return set(rows)


def suppress(session: Session, address: str, hashes: Sequence[str], reason: str, now: datetime) -> bool:
    """Ban an address at once; False if it was banned already. `hashes` are newest secret first."""
    row = {"address_hash": hashes[0], "address": address, "reason": reason, "created_at": now}
    banned = insert_row(session, _suppression, row, literal(not suppressed(session, hashes)))
    known = session.connection().scalars(
        select(_subscriber.c.id).where(_subscriber.c.address_key == address_key(address))
    )
    settle_waiting(session, list(known), DeliveryState.SUPPRESSED, NotSent.SUPPRESSED, now)
    return banned


def lift(session: Session, hashes: Sequence[str]) -> bool:
    """Lift the ban on an address; False if there was none."""
    return changed(session, delete(_suppression).where(_suppression.c.address_hash.in_(hashes))) > 0


def forgive(session: Session, address: str) -> int:
    """Let what bounced at an address count no more, so that the next bounce does not ban it again; return how many."""
    reader = select(_subscriber.c.id).where(_subscriber.c.address_key == address_key(address)).scalar_subquery()
    counted = _event.c.action.in_((BounceAction.SCORE, BounceAction.SUPPRESS))
    forgiven = update(_event).where(_event.c.subscriber_id == reader, counted).values(action=BounceAction.FORGIVEN)
    return changed(session, forgiven)


@dataclass(frozen=True, slots=True)
class AskedFor:
    """The request behind a confirmation mail; withdrawn if the reader unsubscribed after it."""

    address: str
    timezone: str
    withdrawn: bool


def request_behind(session: Session, subscriber_id: int, delivery_id: int) -> AskedFor | None:
    """Return the request that a confirmation mail was sent for, or None."""
    row = (
        session.connection()
        .execute(
            select(
                _subscriber.c.address,
                _subscription.c.timezone,
                _subscription.c.unsubscribed_at,
                _delivery.c.created_at,
            )
            .join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
            .join(_subscription, _subscription.c.subscriber_id == _delivery.c.subscriber_id)
            .where(
                _delivery.c.id == delivery_id,
                _delivery.c.kind == DeliveryKind.CONFIRMATION,
                _delivery.c.subscriber_id == subscriber_id,
            )
        )
        .one_or_none()
    )
    if row is None:
        return None
    withdrawn = row.unsubscribed_at is not None and row.unsubscribed_at >= row.created_at
    return AskedFor(row.address, row.timezone, withdrawn)
