"""One tick: read from SQL what is due, and say so; the caller puts it on the queue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest.core.epoch import may_have_gone_out
from digest.core.plan import POLL_MAILBOX, RETAIN_EVERY, WATCH_EVERY, Task, Work, sources_due
from digest.core.refresh import SCOPE
from digest.core.retention import prune_due
from digest.flows.facts import WATCH
from digest.flows.prune import CHORE
from digest.flows.retention import CHORE as RETAINED
from digest.store import due
from digest.store.conditions import held_services
from digest.store.engine import reading
from digest.store.epoch import newest_fence
from digest.store.errands import due_errands
from digest.store.mailbox import place_in
from digest.store.prune import chore_done
from digest.store.trials import held_back

_SCORE_EVERY = timedelta(hours=1)


def due_work(
    engine: Engine,
    scopes: Iterable[tuple[str, str]],
    *,
    cut_off: datetime,
    now: datetime,
    services: Iterable[str] = (),
    mailbox: str = "",
    watched: bool = False,
) -> list[Work]:
    """Return the work due now, in the order in which it helps most.

    `scopes` are the (source, scope) pairs that are read live, `services` those that are asked for signals;
    `cut_off` is the last one that has passed, `mailbox` the name of the bounce mailbox, if there is one;
    `watched` says that somebody is told when something is wrong.
    Nothing here depends on earlier ticks: a missed tick, or a flushed broker, heals at the next one.
    """
    read_live = list(scopes)
    asked = [(service, SCOPE) for service in services]
    with reading(engine) as session:
        sweeping = due.sweep_waits(session, now)
        sending = due.mail_waits(session, now)
        composed = due.issue_queued(session, cut_off.date())
        last_runs = due.last_runs(session, read_live + asked)
        reading_on = due.words_wait(session)
        scored_at = due.newest_score(session)
        held = held_services(session, now)
        fenced = newest_fence(session)
        pruned_at = chore_done(session, CHORE)
        retained_at = chore_done(session, RETAINED)
        looked_at = chore_done(session, WATCH)
        read = place_in(session, mailbox) if mailbox else None
        errands = due_errands(session, now) if read_live else []
    work: list[Work] = []
    if sweeping:
        work.append(Work(Task.SWEEP))
    if sending:
        work.append(Work(Task.DELIVER))
    if watched and (looked_at is None or not timedelta(0) <= now - looked_at < WATCH_EVERY):
        work.append(Work(Task.WATCH))
    if mailbox and (read is None or now - read.polled_at >= POLL_MAILBOX):
        work.append(Work(Task.INBOUND))
    # An issue that a restored database has forgotten may have been sent: making it anew is for somebody to decide.
    if not composed and not may_have_gone_out(cut_off, fenced[0] if fenced else None):
        work.append(Work(Task.COMPOSE, issued_on=cut_off.date()))
    work += [Work(Task.ERRAND, source=source, scope=scope) for source, scope in errands]
    work += sources_due(read_live, last_runs, now, held=held)
    work += sources_due(asked, last_runs, now, Task.REFRESH, held)
    scoring = scored_at is None or now - scored_at >= _SCORE_EVERY
    if reading_on or scoring:  # with every scoring, for the abstracts that came later than their papers
        work.append(Work(Task.WORDS))
    if scoring:
        work.append(Work(Task.SCORE))
    if prune_due(pruned_at, now):
        work.append(Work(Task.PRUNE))
    if retained_at is None or now - retained_at >= RETAIN_EVERY:
        work.append(Work(Task.RETAIN))
    return work


def held_now(engine: Engine, now: datetime) -> set[Work]:
    """Return the work that nothing may start, due or not: it took its workers with it, and is set aside."""
    with reading(engine) as session:
        return held_back(session, now)
