"""One reader's planned digests: withdraw those whose hour has not come, and plan them anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlmodel import Session

from digest.core.delivery import FINAL, DeliveryKind, DeliveryState
from digest.core.subscription import SubscriptionState
from digest.store.audience import ANY_WEEKDAY, Slot, SlotGroup, queue_slots
from digest.store.dialects import changed, table_of
from digest.store.tables import Delivery, IssueRow, Subscription

_delivery = table_of(Delivery)
_subscription = table_of(Subscription)
_issue = table_of(IssueRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a reader wants digests, and what stands in the way: consent, a pause, the last one."""

    state: SubscriptionState
    timezone: str
    hour: int
    cadence: str
    weekday: int
    confirmed_at: datetime | None
    paused_until: date | None
    last_digest_at: datetime | None

    @property
    def group(self) -> SlotGroup:
        """The group of those whose slots are the same."""
        weekday = self.weekday if self.cadence == "weekly" else ANY_WEEKDAY
        return SlotGroup(self.timezone, self.hour, self.cadence, weekday)


def schedule_of(session: Session, subscriber_id: int) -> Schedule | None:
    """Return a reader's schedule, or None for nobody's."""
    columns = [_subscription.c[name] for name in Schedule.__dataclass_fields__]
    row = session.connection().execute(select(*columns).where(_subscription.c.subscriber_id == subscriber_id))
    found = row.mappings().one_or_none()
    return Schedule(**{**found, "state": SubscriptionState(found["state"])}) if found else None


def withdraw_planned(session: Session, subscriber_id: int, now: datetime) -> int:
    """Delete a reader's digests whose hour has not come, which no worker ever held; return how many.

    They were a plan, no decision: settled with a reason they would keep the date and the issue from another hour.
    """
    return changed(
        session,
        delete(_delivery).where(
            _delivery.c.subscriber_id == subscriber_id,
            _delivery.c.kind == DeliveryKind.DIGEST,
            _delivery.c.state == DeliveryState.PENDING,
            _delivery.c.fence == 0,
            _delivery.c.due_at > now,
        ),
    )


def frozen_since(session: Session, issued_on: date) -> list[tuple[int, date]]:
    """List the ids and dates of the issues of a day and later, the oldest first."""
    rows = session.connection().execute(
        select(_issue.c.id, _issue.c.issued_on).where(_issue.c.issued_on >= issued_on).order_by(_issue.c.issued_on)
    )
    return [(row.id, row.issued_on) for row in rows]


def queue_in_turn(session: Session, issue_id: int, subscriber_id: int, slots: Sequence[Slot], *, now: datetime) -> int:
    """Queue an issue for one reader at the first of these slots that they can have; return 1, or 0 for none."""
    for one in slots:
        if queue_slots(session, issue_id, one.group.timezone, [one], now=now, only=subscriber_id):
            return 1
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """A reader's digest of a local date, as far as it matters for the next: sent, on its way, or not sent and why."""

    local_date: date
    due_at: datetime
    state: DeliveryState
    reason: str

    @property
    def open(self) -> bool:
        """Whether it may still go out."""
        return self.state not in FINAL


def digests_since(session: Session, subscriber_id: int, first: date) -> list[Had]:
    """List a reader's digests from a local date on, the oldest first."""
    rows = session.connection().execute(
        select(_delivery.c.local_date, _delivery.c.due_at, _delivery.c.state, _delivery.c.reason)
        .where(
            _delivery.c.subscriber_id == subscriber_id,
            _delivery.c.kind == DeliveryKind.DIGEST,
            _delivery.c.local_date >= first,
        )
        .order_by(_delivery.c.local_date)
    )
    return [
        Had(local_date=row.local_date, due_at=row.due_at, state=DeliveryState(row.state), reason=row.reason)
        for row in rows
    ]
