"""Queries on runs of tasks that began and did not end, and on the tasks that are set aside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update
from sqlmodel import Session

from digest.core.plan import Work, work_of
from digest.core.trials import FORGOTTEN_FOR, Place, Run
from digest.store.dialects import changed, insert_into, table_of
from digest.store.tables import TaskAside, TaskRun

_run = table_of(TaskRun)
_aside = table_of(TaskAside)
_LONG_AGO = timedelta(days=2)  # a run that ended so long ago has nothing to do with what fails now
_WORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A task that is not run: which work it is, its last worker, when that began, and the last words about it."""

    id: int
    work: Work
    tries: int
    worker: str
    began_at: datetime
    at: datetime
    words: str

    @property
    def name(self) -> str:
        """What people call the work."""
        return self.work.name

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain values for JSON; instants in ISO form."""
        return {
            "number": self.id,
            "task": self.work.task,
            "arguments": self.work.arguments,
            "tries": self.tries,
            "worker": self.worker,
            "began_at": self.began_at.isoformat(),
            "at": self.at.isoformat(),
            "words": self.words,
        }


def begin_run(
    session: Session, work: Work, *, message: str, place: Place, now: datetime, by: datetime, tries: int
) -> int:
    """Note that a run begins; return its id."""
    row: dict[str, Any] = {"key": work.key, "message": message, "host": place.host, "process": place.process}
    row |= {"began_at": now, "ends_by": by, "tries": tries, "words": ""}
    made: int = session.connection().execute(insert(_run).values(row).returning(_run.c.id)).scalar_one()
    return made


def runs_of(session: Session, work: Work, now: datetime) -> list[Run]:
    """Return the runs of a piece of work that began and did not end, after those of long ago were forgotten."""
    session.connection().execute(delete(_run).where(_run.c.ends_by < now - _LONG_AGO))
    rows = session.connection().execute(select(_run).where(_run.c.key == work.key).order_by(_run.c.id))
    return [
        Run(
            id=row.id,
            message=row.message,
            place=Place(host=row.host, process=row.process),
            began_at=row.began_at,
            ends_by=row.ends_by,
            tries=row.tries,
            words=row.words,
        )
        for row in rows
    ]


def note_lost(session: Session, run_id: int, words: str) -> None:
    """Note why a run is known to be lost."""
    session.connection().execute(update(_run).where(_run.c.id == run_id).values(words=words[:_WORDS]))


def note_lost_message(session: Session, message: str, words: str) -> None:
    """Note, as the parent of the process that died, why the run of a message is lost."""
    session.connection().execute(
        update(_run).where(_run.c.message == message, _run.c.words == "").values(words=words[:_WORDS])
    )


def end_run(session: Session, run_id: int) -> None:
    """Note that a run came to its end: it is no longer spoken of."""
    session.connection().execute(delete(_run).where(_run.c.id == run_id))


def forgive(session: Session, work: Work, until: datetime) -> None:
    """Forget the lost runs of a piece of work that began before an instant."""
    session.connection().execute(
        delete(_run).where(_run.c.key == work.key, _run.c.words != "", _run.c.began_at <= until)
    )


def put_aside(session: Session, work: Work, lost: Iterable[Run], now: datetime) -> None:
    """Set a piece of work aside, and forget its runs; there may be none but lost ones."""
    last = max(lost, key=lambda run: run.id)
    worker = f"{last.place.host}:{last.place.process.partition('@')[0]}"
    row: dict[str, Any] = {"key": work.key, "tries": last.tries, "worker": worker, "began_at": last.began_at, "at": now}
    row |= {"words": last.words, "forgotten_at": None}
    session.connection().execute(
        insert_into(session, _aside).values(row).on_conflict_do_update(index_elements=[_aside.c.key], set_=row)
    )
    session.connection().execute(delete(_run).where(_run.c.key == work.key, _run.c.words != ""))


def set_aside(session: Session) -> list[SetAside]:
    """Return the tasks that are set aside and wait for somebody to look, the newest first."""
    rows = session.connection().execute(
        select(_aside).where(_aside.c.forgotten_at.is_(None)).order_by(_aside.c.at.desc(), _aside.c.id.desc())
    )
    return [_read(row) for row in rows]


def one_aside(session: Session, aside_id: int) -> SetAside | None:
    """Return a task that is set aside and not forgotten."""
    row = (
        session.connection()
        .execute(select(_aside).where(_aside.c.id == aside_id, _aside.c.forgotten_at.is_(None)))
        .one_or_none()
    )
    return _read(row) if row else None


def held_back(session: Session, now: datetime) -> set[Work]:
    """Return the work that must not be started: what is set aside, or was forgotten less than a day ago."""
    held = or_(_aside.c.forgotten_at.is_(None), _aside.c.forgotten_at > now - FORGOTTEN_FOR)
    return {work_of(key) for key in session.connection().scalars(select(_aside.c.key).where(held))}


def release(session: Session, aside_id: int) -> bool:
    """Let a task be tried again; False where it is not set aside, or not any more."""
    statement = delete(_aside).where(_aside.c.id == aside_id, _aside.c.forgotten_at.is_(None))
    return changed(session, statement) == 1


def forget(session: Session, aside_id: int, now: datetime) -> bool:
    """Speak no more of a task that is set aside; False where there is none."""
    statement = update(_aside).where(_aside.c.id == aside_id, _aside.c.forgotten_at.is_(None))
    return changed(session, statement.values(forgotten_at=now)) == 1


def _read(row: Row[tuple[object, ...]]) -> SetAside:
    return SetAside(
        id=row.id,
        work=work_of(row.key),
        tries=row.tries,
        worker=row.worker,
        began_at=row.began_at,
        at=row.at,
        words=row.words,
    )
