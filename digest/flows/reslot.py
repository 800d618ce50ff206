"""A reader changes their hour, zone, cadence or pause: what was planned for them is planned anew, at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlmodel import Session

from digest.flows.audience import slots_of
from digest.store.reslot import frozen_since, queue_in_turn, schedule_of, withdraw_planned

_DAY = timedelta(days=1)


@contextmanager
def planned_anew(session: Session, subscriber_id: int, *, now: datetime, last_cut_off: datetime) -> Iterator[None]:
    """Change a reader's schedule within: digests whose hour has not come follow the new one, in the same transaction.

    What is due already, or was tried, keeps its hour. Without this the issue of the day, queued at its cut-off, would
    still come at the old hour, and twelve hours' rest might then cost the reader the first digest at the new one.
    `last_cut_off` is the last that has passed; the issue of that day serves the slots until the next.
    """
    # Deliveries before the subscription, the order in which a worker locks them: no deadlock.
    withdraw_planned(session, subscriber_id, now)
    yield
    schedule = schedule_of(session, subscriber_id)
    if schedule is None:
        return
    for issue_id, issued_on in frozen_since(session, last_cut_off.date()):
        cut_off = last_cut_off + (issued_on - last_cut_off.date())
        slots = slots_of(schedule.group, max(now, cut_off), cut_off + _DAY)
        queue_in_turn(session, issue_id, subscriber_id, slots, now=now)
