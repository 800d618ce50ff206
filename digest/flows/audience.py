"""Work on deliveries by the set: queue an issue for its audience, sweep up what was left lying."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

import structlog
from sqlalchemy import Engine

from digest.core.cadence import Cadence, local_date, slots_between
from digest.core.delivery import WORTH_SENDING, DeliveryState, Tally
from digest.core.warm_up import WarmUp
from digest.errors import NotFound, UnknownZone
from digest.store import audience
from digest.store.audience import Slot, SlotGroup
from digest.store.engine import reading, writing
from digest.store.warm_up import give_up_waiting

_MANY = 1_000  # deliveries, after which it pays to count them anew
_log = structlog.get_logger(__name__)


def go_past(_point: str) -> None:
    """Do nothing at a checkpoint."""


def materialise(
    engine: Engine,
    issue_id: int,
    *,
    now: datetime,
    until: datetime,
    immediately: bool = False,
    since: datetime | None = None,
    checkpoint: Callable[[str], None] = go_past,
) -> int:
    """Queue an issue for everybody whose slot lies between its freezing and `until`; return how many are new.

    Doing it again adds only those who came since. `until` is when the next issue takes over: what has not gone
    out by then expires, or WORTH_SENDING after its slot where that is later. `since` replaces the freezing as
    the start, for an issue frozen late.
    `immediately` ignores slots: due now, for everybody not served with this issue or on this date.
    `checkpoint` is told "queued" after each time zone, for tests that stop the process there. Raises NotFound.
    """
    with reading(engine) as session:
        window = audience.issue_window(session, issue_id)
        groups = audience.slot_groups(session)
    if window is None:
        raise NotFound(f"there is no issue with the id {issue_id}")
    start = since or window[0]
    queued = 0
    if immediately:
        for timezone in sorted({group.timezone for group in groups}):
            with writing(engine) as session:
                on = local_date(known_zone(timezone), now)
                queued += audience.queue_zone(session, issue_id, timezone, on, until=until, now=now)
            checkpoint("queued")
        return _counted(engine, queued)
    for timezone, members in groupby(groups, key=lambda group: group.timezone):
        slots = [
            (n, slot) for group in members for n, slot in enumerate(slots_of(group, start, until)) if now < slot.until
        ]
        # Usually one each; where a window holds several, whoever cannot have the first gets a later one.
        for _, alike in groupby(sorted(slots, key=itemgetter(0)), key=itemgetter(0)):
            with writing(engine) as session:
                queued += audience.queue_slots(session, issue_id, timezone, [slot for _, slot in alike], now=now)
        checkpoint("queued")
    return _counted(engine, queued)


def _counted(engine: Engine, queued: int) -> int:
    if queued >= _MANY:
        with writing(engine) as session:
            audience.count_anew(session)
    return queued


def slots_of(group: SlotGroup, start: datetime, until: datetime) -> list[Slot]:
    """List a group's slots in [start, until), in order; what is queued there expires at `until` or later."""
    slots = slots_between(known_zone(group.timezone), group.hour, Cadence(group.cadence), group.weekday, start, until)
    return [Slot(group, on, at, max(until, at + WORTH_SENDING)) for on, at in slots]


def known_zone(timezone: str) -> str:
    """Return a zone's own name, or UTC where this machine's tz data has lost it: late is better than never."""
    try:
        local_date(timezone, datetime.min.replace(year=2000, tzinfo=UTC))
    except UnknownZone:
        _log.exception("zone_unknown", timezone=timezone)
        return "UTC"
    return timezone


def sweep(engine: Engine, *, now: datetime, warm_up: WarmUp | None = None) -> Tally:
    """Settle what stopped workers and time have left behind, and complete the issues that are done.

    Counts the deliveries moved, by the state they moved to.
    """
    with writing(engine) as session:
        over_the_cap = give_up_waiting(session, warm_up, now)
        moved = audience.sweep_rows(session, now)
        audience.complete_issues(session)
    if over_the_cap:
        _log.warning("warm_up_skipped", count=over_the_cap)
        moved = Tally(counts={**moved.counts, DeliveryState.SKIPPED: over_the_cap})
    if moved[DeliveryState.UNKNOWN]:
        _log.warning("deliveries_unknown", count=moved[DeliveryState.UNKNOWN])
    return moved


def resend_unknown(engine: Engine, ids: Iterable[int], *, now: datetime) -> int:
    """Queue again what an admin decided to resend, at the risk of a second copy; return how many.

    Those whose time is over stay as they are.
    """
    with writing(engine) as session:
        return audience.resend_rows(session, ids, now)
