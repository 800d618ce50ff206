"""The morning: freeze the day's issue, then make a delivery for every reader it is due to."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Engine

from digest.flows.audience import materialise
from digest.flows.compose import freeze
from digest.store.audience import mark_queued
from digest.store.engine import writing


def freeze_and_materialise(
    engine: Engine,
    issued_on: date,
    *,
    cut_off: datetime,
    until: datetime,
    size: int,
    now: datetime,
    immediately: bool = False,
) -> int:
    """Freeze the issue of a day and materialise its deliveries; return how many were made.

    Both steps are idempotent, so a process killed between them is made good by the next call: the issue
    is marked as queued only at the end. The slots that count begin at the cut-off, not at the freezing,
    which comes some seconds later: a reader whose hour is the cut-off itself is not to be forgotten.
    Deliveries expire at `until`, the next cut-off. With `immediately` every reader's slot is now.
    Nothing to show means no issue, and 0.
    """
    stored = freeze(engine, issued_on, cut_off, now=now, size=size)
    if stored is None:
        return 0
    made = materialise(engine, stored.id, now=now, until=until, immediately=immediately, since=stored.issue.cut_off)
    with writing(engine) as session:
        mark_queued(session, stored.id, now)
    return made
