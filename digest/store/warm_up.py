"""How many mails the day has had, kept in SQL by whoever claims: no two workers share out the same room."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, update
from sqlmodel import Session

from digest.core.delivery import UNSETTLED, DeliveryKind, DeliveryState, NotSent
from digest.core.warm_up import WarmUp, day_begins
from digest.store.dialects import changed, insert_into, one_writer, table_of
from digest.store.tables import Delivery, IssueRow, WarmUpCount

_delivery = table_of(Delivery)
_issue = table_of(IssueRow)
_count = table_of(WarmUpCount)
_THE_ROW = 1
_FRESH = timedelta(seconds=30)  # how long claims are only added to a count; what was given back is known after it
_Claims = TypeVar("_Claims", bound=Sized)
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


def within_the_cap(
    session: Session, warm_up: WarmUp | None, now: datetime, claim: Callable[[int | None], _Claims]
) -> _Claims:
    """Let `claim` claim for as many digests as there is room for today, None for any number, and count what it claimed.

    Nobody else is told of room until the transaction ends. What a claim gives back keeps its room for half a minute, so
    there is never more room than the cap leaves.
    """
    cap = _cap(warm_up, now)
    if cap is None:
        return claim(None)
    one_writer(session, "warm-up")
    used = _known(session, now)
    if used is None:
        used = _count_anew(session, now)
    claims = claim(max(0, cap - used))
    changed(session, update(_count).where(_count.c.id == _THE_ROW).values(mails=used + len(claims)))
    return claims


def warm_up_day(session: Session, warm_up: WarmUp, now: datetime) -> WarmUpDay:
    """Return how the day stands."""
    waiting = session.connection().scalar(select(func.count()).where(_waits(), _delivery.c.due_at <= now))
    return WarmUpDay(cap=_cap(warm_up, now), used=_used(session, now), waiting=waiting or 0)


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


def only_waits_for_room(session: Session, warm_up: WarmUp, issued_on: date, now: datetime) -> bool:
    """Tell whether the day's room is used up, and of an issue nothing is open but digests that are due and wait for it.

    False where nothing is open.
    """
    cap = _cap(warm_up, now)
    if cap is None or _used(session, now) < cap:
        return False
    issue = select(_issue.c.id).where(_issue.c.issued_on == issued_on, _issue.c.queued_at.is_not(None))
    mine = (_delivery.c.issue_id == issue.scalar_subquery(), _delivery.c.state.in_(UNSETTLED))
    waits = and_(_waits(), _delivery.c.due_at <= now)
    found = session.connection().execute(select(func.count(), func.count().filter(waits)).where(*mine)).one()
    return bool(found[0]) and found[0] == found[1]


def give_up_waiting(session: Session, warm_up: WarmUp | None, now: datetime) -> int:
    """Skip, with the cap as their reason, the digests whose time is over on a day that had no room for them."""
    cap = _cap(warm_up, now)
    if cap is None:
        return 0
    one_writer(session, "warm-up")
    if _count_anew(session, now) < cap:
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


def _cap(warm_up: WarmUp | None, now: datetime) -> int | None:
    return warm_up.cap(_day(now)) if warm_up else None


def _day(now: datetime) -> date:
    return day_begins(now).date()


def _known(session: Session, now: datetime) -> int | None:
    """Return what the claims of the last half minute made of the last count; None where that is of another time."""
    found = session.connection().execute(select(_count).where(_count.c.id == _THE_ROW)).one_or_none()
    if found is None or found.day != _day(now) or not timedelta() <= now - found.counted_at < _FRESH:
        return None
    mails: int = found.mails
    return mails


def _count_anew(session: Session, now: datetime) -> int:
    """Count the day's mails and keep the number for the claims to come."""
    used = _used(session, now)
    values = {"day": _day(now), "mails": used, "counted_at": now}
    fresh = insert_into(session, _count).values(id=_THE_ROW, **values)
    changed(session, fresh.on_conflict_do_update(index_elements=[_count.c.id], set_=values))
    return used


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
