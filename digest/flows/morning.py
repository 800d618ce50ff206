"""The morning: freeze the day's issue, then make a delivery for every reader it is due to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlalchemy import Engine

from digest.core.plan import STALE_AFTER
from digest.flows.audience import go_past, materialise
from digest.flows.compose import freeze
from digest.store.audience import mark_queued
from digest.store.engine import writing


def freeze_and_materialise(
    engine: Engine,
    issued_on: date,
    *,
    cut_off: datetime,
    now: datetime,
    size: int,
    until: datetime | None = None,
    immediately: bool = False,
    needs_approval: bool = False,
    checkpoint: Callable[[str], None] = go_past,
) -> int:
    """Freeze the issue of a day and materialise its deliveries; return how many were made.

    Both steps are idempotent, so a process killed between them is made good by the next call: the issue is
    marked as queued only at the end. `cut_off` is the day's own; an issue composed by hand before it rests on
    what is known now. Its slots are those of the day from that cut-off to the next one, whenever it was composed:
    not from its freezing, which comes some seconds later, or a reader whose hour is the cut-off itself would
    be forgotten; nor earlier, or it would take the slots of the issue before it. Those missed by more than
    STALE_AFTER are left out, so that an issue of a day long past has none.
    One that `needs_approval` and has none is frozen as held. With `immediately` every reader's slot is now, and what
    has not gone out by `until` expires. Nothing to show means no issue, and 0. `checkpoint` is told "frozen", then
    "queued" after each time zone, and "materialised" before that is noted, for tests that stop the process there.
    """
    stored = freeze(engine, issued_on, min(cut_off, now), now=now, size=size, needs_approval=needs_approval)
    if stored is None:
        return 0
    checkpoint("frozen")
    made = materialise(
        engine,
        stored.id,
        now=now,
        until=until or cut_off + timedelta(days=1),
        immediately=immediately,
        since=max(cut_off, now - STALE_AFTER),
        checkpoint=checkpoint,
    )
    checkpoint("materialised")
    with writing(engine) as session:
        mark_queued(session, stored.id, now)
    return made
