"""One tick: read from SQL what is due, and say so; the caller puts it on the queue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest.core.plan import Task, Work, issue_due, sources_due
from digest.store import deliveries, issues, runs, scores
from digest.store.engine import reading

_SCORE_EVERY = timedelta(hours=1)


def due_work(engine: Engine, scopes: Iterable[tuple[str, str]], *, cut_off: datetime, now: datetime) -> list[Work]:
    """Return the work due now, in the order in which it helps most.

    `scopes` are the (source, scope) pairs that are read live; `cut_off` is the last one that has passed.
    Nothing here depends on earlier ticks: a missed tick, or a flushed broker, heals at the next one.
    """
    with reading(engine) as session:
        last_runs = runs.last_runs(session)
        newest = issues.newest_date(session)
        scored_at = scores.newest_as_of(session)
        sending = deliveries.any_due(session, now)
        sweeping = deliveries.any_to_sweep(session, now)
        unsent = issues.any_frozen(session)
    work: list[Work] = []
    if sweeping:
        work.append(Work(Task.SWEEP))
    if sending:
        work.append(Work(Task.DELIVER))
    if unsent or issue_due(newest, cut_off, now):
        work.append(Work(Task.COMPOSE, issued_on=cut_off.date()))
    work += sources_due(scopes, last_runs, now)
    if scored_at is None or now - scored_at >= _SCORE_EVERY:
        work.append(Work(Task.SCORE))
    return work
