"""When a reader's next digest comes: what is planned for them, or by the rules by which it will be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.arxiv_calendar import ArxivCalendar, Quiet
from digest.core.cadence import MINIMUM_GAP, local_date
from digest.core.delivery import NotSent
from digest.core.plan import STALE_AFTER
from digest.core.subscription import SubscriptionState
from digest.flows.audience import known_zone, slots_of
from digest.store.audience import Slot
from digest.store.engine import reading
from digest.store.reslot import Had, Schedule, digests_since, frozen_since, schedule_of

_DAY = timedelta(days=1)
_AHEAD = timedelta(days=16)  # two weeks and more: a weekly reader may have to let one pass


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDigest:
    """The slot of a reader's next digest; `at` is None while a pause has no end, or nobody subscribes.

    `late` says that its hour has passed: it comes as soon as the issue of the day is composed, or is on its way.
    `quiet` is why a nearer slot has nothing for them, where the last one had nothing.
    """

    timezone: str
    at: datetime | None = None
    on: date | None = None
    late: bool = False
    quiet: Quiet | None = None


def next_digest(
    engine: Engine, subscriber_id: int, *, now: datetime, last_cut_off: datetime, calendar: ArxivCalendar
) -> NextDigest:
    """Tell when a reader's next digest comes, by the rules of flows/audience.py; `last_cut_off` has passed."""
    with reading(engine) as session:
        schedule = schedule_of(session, subscriber_id)
        if schedule is None:
            return NextDigest(timezone="UTC")
        had = digests_since(session, subscriber_id, now.date() - timedelta(days=40))
        taken = _taken_until(session, last_cut_off)
    zone = known_zone(schedule.timezone)
    planned = min((one for one in had if one.open), key=lambda one: one.due_at, default=None)
    if planned is not None:
        return NextDigest(timezone=zone, at=planned.due_at, on=planned.local_date, late=planned.due_at < now)
    if not _gets_digests(schedule):
        return NextDigest(timezone=zone)
    start = taken or max(last_cut_off, now - STALE_AFTER)
    if schedule.paused_until is not None and schedule.paused_until > local_date(zone, start):
        start = max(start, start + (schedule.paused_until - local_date(zone, start)) - 2 * _DAY)
    nothing_new = bool(had) and had[-1].reason == NotSent.NOTHING_NEW
    quiet: Quiet | None = None
    for slot in slots_of(schedule.group, start, start + _AHEAD):
        if not _may_have(schedule, had, slot):
            continue
        why = calendar.quiet(_issue_of(slot, last_cut_off)) if nothing_new else None
        if why is not None and why.known:
            quiet = quiet or why
            continue
        return NextDigest(timezone=zone, at=slot.at, on=slot.local_date, late=slot.at < now, quiet=quiet)
    return NextDigest(timezone=zone)


def _taken_until(session: Session, last_cut_off: datetime) -> datetime | None:
    """Return the cut-off up to which issues are composed, so that whoever has nothing planned there gets nothing."""
    frozen = [issued_on for _id, issued_on in frozen_since(session, last_cut_off.date())]
    return last_cut_off + (max(frozen) - last_cut_off.date()) + _DAY if frozen else None


def _gets_digests(schedule: Schedule) -> bool:
    paused_for_good = schedule.state is SubscriptionState.PAUSED and schedule.paused_until is None
    return schedule.state in (SubscriptionState.CONFIRMED, SubscriptionState.PAUSED) and not paused_for_good


def _may_have(schedule: Schedule, had: list[Had], slot: Slot) -> bool:
    if schedule.paused_until is not None and slot.local_date < schedule.paused_until:
        return False
    if schedule.confirmed_at is None or slot.at < schedule.confirmed_at:
        return False
    if schedule.last_digest_at is not None and slot.at < schedule.last_digest_at + MINIMUM_GAP:
        return False
    return all(one.local_date != slot.local_date for one in had)


def _issue_of(slot: Slot, last_cut_off: datetime) -> date:
    """Return the date of the issue that serves a slot: the one composed at the last cut-off before it."""
    return last_cut_off.date() + timedelta(days=(slot.at - last_cut_off) // _DAY)
