"""How many mails the day has had, counted in SQL by whoever claims: no two workers share out the same room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, update
from sqlmodel import Session

from digest.core.delivery import DeliveryKind, DeliveryState, NotSent
from digest.core.warm_up import WarmUp, day_begins
from digest.store.dialects import changed, one_writer, table_of
from digest.store.tables import Delivery

_delivery = table_of(Delivery)
# Nothing that goes out today was due longer ago: what has waited longer has expired. It keeps the count on an index.
_REACH = timedelta(days=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUpDay:
    """The day so far: its cap (None for no limit), the mails that count, and the digests that wait for room."""

    cap: int | None
    used: int
    waiting: int

    @property
    def room(self) -> int | None:
        """How many more may go out; None for any number."""
        return None if self.cap is None else max(0, self.cap - self.used)

    @property
    def words(self) -> str:
        """Say it in a line for an operator."""
        if self.cap is None:
            return f"over: no cap any more; {self.used:,} mails today"
        waits = f"; {self.waiting:,} digests that are due wait for room" if self.waiting and not self.room else ""
        return f"{self.used:,} of {self.cap:,} mails today (UTC){waits}"


def room_to_claim(session: Session, warm_up: WarmUp | None, now: datetime) -> int | None:
    """Return for how many digests there is room today, None for any number.

    Nobody else is told so until the transaction ends, by which time what it claims is counted.
    """
    cap = warm_up.cap(day_begins(now).date()) if warm_up else None
    if cap is None:
        return None
    one_writer(session, "warm-up")
    return max(0, cap - _used(session, now))


def warm_up_day(session: Session, warm_up: WarmUp, now: datetime) -> WarmUpDay:
    """Return how the day stands."""
    waiting = session.connection().scalar(select(func.count()).where(_waits(), _delivery.c.due_at <= now))
    return WarmUpDay(cap=warm_up.cap(day_begins(now).date()), used=_used(session, now), waiting=waiting or 0)


def oldest_without_room(session: Session, now: datetime) -> datetime | None:
    """Return since when the oldest digest is due that does not wait for the day's room, or None."""
    unsettled = [DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.DEFERRED]
    oldest: datetime | None = session.connection().scalar(
        select(func.min(_delivery.c.due_at)).where(
            _delivery.c.state.in_(unsettled),
            _delivery.c.kind == DeliveryKind.DIGEST,
            _delivery.c.due_at <= now,
            not_(_waits()),
        )
    )
    return oldest


def give_up_waiting(session: Session, warm_up: WarmUp | None, now: datetime) -> int:
    """Skip, with the cap as their reason, the digests whose time is over on a day that had no room for them."""
    room = room_to_claim(session, warm_up, now)
    if room is None or room:
        return 0
    return changed(
        session,
        update(_delivery)
        .where(_waits(), _delivery.c.expires_at <= now)
        .values(state=DeliveryState.SKIPPED, reason=NotSent.WARM_UP, settled_at=now),
    )


def _waits() -> ColumnElement[bool]:
    return and_(
        _delivery.c.state == DeliveryState.PENDING,
        _delivery.c.kind == DeliveryKind.DIGEST,
        _delivery.c.attempts == 0,
        _delivery.c.reason == "",  # else it waits for its recipient's domain
    )


def _used(session: Session, now: datetime) -> int:
    """Count the mails, of any kind, that were begun today or are about to be."""
    begins = day_begins(now)
    begun = and_(_delivery.c.state != DeliveryState.CLAIMED, _delivery.c.sent_at >= begins)
    return (
        session.connection().scalar(
            select(func.count()).where(
                _delivery.c.state.in_(list(DeliveryState)),
                _delivery.c.kind.in_(list(DeliveryKind)),
                _delivery.c.due_at >= begins - _REACH,
                or_(_delivery.c.state == DeliveryState.CLAIMED, begun),
            )
        )
        or 0
    )
