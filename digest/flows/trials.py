"""Count the tries of a task before its body runs, and set aside what took its worker with it three times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.plan import Work
from digest.core.trials import TRIES, Place, cleared_up_to, may_be_forgotten, tries_so_far, why_lost
from digest.errors import NotFound, TaskNeeded
from digest.store import trials as store
from digest.store.admins import append_audit
from digest.store.engine import writing

_log = structlog.get_logger(__name__)


def begin(
    engine: Engine,
    work: Work,
    *,
    message: str,
    place: Place,
    lasts: timedelta,
    now: datetime,
    is_there: Callable[[str], bool],
) -> int | None:
    """Note that a run begins and return its number; None where it must not, since the work is set aside.

    `lasts` is the time limit of a run. `is_there` tells whether a process of this host still runs. A run that began and
    did not end, and cannot be alive, is a try; after three of them in succession the work is set aside here.
    """
    with writing(engine) as session:
        if work in store.held_back(session, now):
            _log.warning("task_held_back", task=work.task, arguments=work.arguments)
            return None
        lost = []
        for run in store.runs_of(session, work, now):
            there = run.place.host != place.host or is_there(run.place.process)
            words = why_lost(run, message=message, host=place.host, process_is_there=there, now=now)
            if words:
                store.note_lost(session, run.id, words)
                lost.append(run)
        tries = tries_so_far(lost)
        if tries < TRIES:
            by = now + lasts
            return store.begin_run(session, work, message=message, place=place, now=now, by=by, tries=tries + 1)
        store.put_aside(session, work, [one for one in store.runs_of(session, work, now) if one.words], now)
    _log.error("task_set_aside", task=work.task, arguments=work.arguments, tries=tries)
    return None


def end(engine: Engine, run_id: int, work: Work, began_at: datetime) -> None:
    """Note that a run ended, well or with an error: its worker is alive, and what was lost before it is forgiven."""
    with writing(engine) as session:
        store.end_run(session, run_id)
        store.forgive(session, work, cleared_up_to(work.task, began_at))


def lost(engine: Engine, message: str, words: str) -> None:
    """Note, as the parent of a process that died, what became of the run of a message."""
    with writing(engine) as session:
        store.note_lost_message(session, message, words)


def try_again(engine: Engine, aside_id: int, *, actor: str, now: datetime, ip: str = "") -> Work:
    """Let a task that is set aside run again, and count anew; the next tick starts it if it is still due.

    Raises NotFound where it is not set aside, or not any more.
    """
    with writing(engine) as session:
        found = store.one_aside(session, aside_id)
        if found is None or not store.release(session, aside_id):
            raise NotFound(f"no task {aside_id} is set aside; see: digest tasks list")
        _audit(session, "try task again", found.work, actor=actor, now=now, ip=ip)
    return found.work


def forget(engine: Engine, aside_id: int, *, actor: str, now: datetime, ip: str = "") -> Work:
    """Leave a task undone that is set aside: for a day nothing starts it, then it is tried anew if it is due.

    Raises NotFound where it is not set aside, TaskNeeded where no mail would go out without it.
    """
    with writing(engine) as session:
        found = store.one_aside(session, aside_id)
        if found is None:
            raise NotFound(f"no task {aside_id} is set aside; see: digest tasks list")
        if not may_be_forgotten(found.work.task):
            raise TaskNeeded("without this task no mail goes out; find out what kills it, and try it again")
        store.forget(session, aside_id, now)
        _audit(session, "forget task", found.work, actor=actor, now=now, ip=ip)
    return found.work


def _audit(session: Session, action: str, work: Work, *, actor: str, now: datetime, ip: str) -> None:
    append_audit(session, at=now, actor=actor, action=action, target=f"task {work.name}", ip=ip)
