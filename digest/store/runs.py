"""Runs of the sources: begun before anything is read, finished whatever happens; and how healthy each source is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, FromClause, func, insert, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from digest.core.capture import Cursor, Rejection, RunStatus
from digest.core.errands import BACKFILL_ORIGIN
from digest.core.merge import storable
from digest.errors import NotFound
from digest.store.dialects import table_of
from digest.store.tables import IngestRun, RejectedRecord, SourceCursor

MAX_REJECTED_KEPT = 1_000  # per run; all are counted
_ABANDONED = timedelta(hours=1)
_SOON = timedelta(hours=2)
SILENT = timedelta(hours=26)  # longer than the longest interval at which a source is read
_SAMPLES = 3


def begin_run(session: Session, source: str, scope: str, origin: str, *, now: datetime) -> int:
    """Record that a run has begun, and return its id."""
    run = IngestRun(source=source, scope=scope, origin=storable(origin), started_at=now)
    session.add(run)
    session.flush()
    if run.id is None:
        raise AssertionError("the database gave the run no id")
    return run.id


def run_by_id(session: Session, run_id: int) -> IngestRun:
    """Return a run; raises NotFound."""
    run = session.get(IngestRun, run_id)
    if run is None:
        raise NotFound(f"no ingest run {run_id}")
    return run


def finish_run(session: Session, run_id: int, status: RunStatus, reason: str, *, now: datetime) -> IngestRun:
    """Record how a run ended, and return it; its counts were recorded with what they count."""
    run = run_by_id(session, run_id)
    run.status, run.reason, run.finished_at = str(status), storable(reason)[:2_000], now
    session.add(run)
    return run


def record_rejections(session: Session, run_id: int, rejected: Sequence[Rejection], already: int) -> None:
    """Keep rejected records with their reasons, up to 1,000 in a run that has `already` some."""
    kept = rejected[: max(0, MAX_REJECTED_KEPT - already)]
    if kept:
        rows = [
            {
                "run_id": run_id,
                "position": storable(one.position)[:200],
                "reason": storable(one.reason)[:500],
                "excerpt": storable(one.excerpt)[:500],
            }
            for one in kept
        ]
        session.connection().execute(insert(table_of(RejectedRecord)), rows)


def first_observed_at(session: Session, source: str, content_hash: str) -> datetime | None:
    """Return the instant with which these very bytes were dated when the source first read them."""
    statement = (
        select(col(IngestRun.observed_at))
        .where(
            col(IngestRun.source) == source,
            col(IngestRun.content_hash) == content_hash,
            col(IngestRun.observed_at).is_not(None),
        )
        .order_by(col(IngestRun.id))
        .limit(1)
    )
    return session.connection().execute(statement).scalar_one_or_none()


def load_cursor(session: Session, source: str, scope: str) -> Cursor:
    """Return how far a source has been read in a scope; an empty cursor where it never was."""
    row = session.get(SourceCursor, (source, scope))
    return Cursor(row.position, row.etag, row.last_modified) if row else Cursor()


def save_cursor(session: Session, source: str, scope: str, cursor: Cursor, *, now: datetime) -> None:
    """Store how far a source has been read in a scope, in the transaction of what was read."""
    session.merge(
        SourceCursor(
            source=source,
            scope=scope,
            position=cursor.position,
            etag=cursor.etag,
            last_modified=cursor.last_modified,
            updated_at=now,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """How a source does in one scope.

    `status` is that of the last run: one of RunStatus, `running`, or `interrupted` for a run that stopped without a
    word. `last_ok` is when a run last ended well, quiet days included. `samples` are some records that the last run
    set aside.
    """

    source: str
    scope: str
    status: str
    reason: str
    run_id: int
    started_at: datetime
    finished_at: datetime | None
    last_ok: datetime | None
    listings: int
    papers_new: int
    papers_updated: int
    observations: int
    rejected: int
    samples: tuple[Rejection, ...]


def planned(runs: FromClause) -> ColumnElement[bool]:
    """Choose the runs that tell how a source stands: one that fills in earlier days says nothing of today."""
    return runs.c.origin.not_like(f"{BACKFILL_ORIGIN}%")


def runs_of(session: Session, source: str, scope: str, limit: int) -> list[IngestRun]:
    """List the newest runs of a source in a scope, those that fill in among them."""
    its = (col(IngestRun.source) == source, col(IngestRun.scope) == scope)
    return list(session.exec(select_rows(IngestRun).where(*its).order_by(col(IngestRun.id).desc()).limit(limit)))


def listed_since(session: Session, source: str, scope: str, since: datetime) -> int:
    """Count what the planned runs of a source listed in a scope since an instant."""
    runs = table_of(IngestRun)
    counted = select(func.coalesce(func.sum(runs.c.listings), 0)).where(
        runs.c.source == source, runs.c.scope == scope, runs.c.started_at >= since, planned(runs)
    )
    return int(session.connection().execute(counted).scalar_one())


def standing_at(session: Session, scopes: Sequence[tuple[str, str]], at: datetime) -> list[tuple[str, str, str, str]]:
    """Say how (source, scope) pairs stood at an instant: both, and status and reason of the newest run by then.

    A run soon after that found the source late knows better. `silent`: no run had finished within a day before.
    """
    runs = table_of(IngestRun)
    found = []
    for source, scope in scopes:
        its = select(runs.c.status, runs.c.reason).where(runs.c.source == source, runs.c.scope == scope, planned(runs))
        its = its.limit(1)
        newest = its.where(runs.c.finished_at.between(at - SILENT, at)).order_by(runs.c.id.desc())
        soon = its.where(runs.c.started_at > at, runs.c.finished_at <= at + _SOON).order_by(runs.c.id)
        then, later = (session.connection().execute(query).one_or_none() for query in (newest, soon))
        row = later if later is not None and later.status == RunStatus.LATE else then
        found.append((source, scope, row.status, row.reason) if row else (source, scope, "silent", ""))
    return found


def source_overview(session: Session, now: datetime) -> list[SourceHealth]:
    """Return the health of every source and scope that was ever run, by name; three queries in all."""
    runs, rejects = table_of(IngestRun), table_of(RejectedRecord)
    newest = select(func.max(runs.c.id)).where(planned(runs)).group_by(runs.c.source, runs.c.scope)
    connection = session.connection()
    last = connection.execute(
        select(runs).where(runs.c.id.in_(newest)).order_by(runs.c.source, runs.c.scope)
    ).mappings()
    well = connection.execute(
        select(runs.c.source, runs.c.scope, func.max(runs.c.finished_at))
        .where(runs.c.status.in_([RunStatus.OK, RunStatus.QUIET]), planned(runs))
        .group_by(runs.c.source, runs.c.scope)
    )
    last_ok = {(source, scope): at for source, scope, at in well}
    place = func.row_number().over(partition_by=rejects.c.run_id, order_by=rejects.c.id).label("place")
    numbered = select(rejects, place).where(rejects.c.run_id.in_(newest)).subquery()
    samples: dict[int, list[Rejection]] = {}
    for row in connection.execute(select(numbered).where(numbered.c.place <= _SAMPLES).order_by(numbered.c.id)):
        samples.setdefault(row.run_id, []).append(Rejection(row.position, row.reason, row.excerpt))
    return [
        SourceHealth(
            source=run["source"],
            scope=run["scope"],
            status=run["status"] or ("interrupted" if now - run["started_at"] > _ABANDONED else "running"),
            reason=run["reason"],
            run_id=run["id"],
            started_at=run["started_at"],
            finished_at=run["finished_at"],
            last_ok=last_ok.get((run["source"], run["scope"])),
            listings=run["listings"],
            papers_new=run["papers_new"],
            papers_updated=run["papers_updated"],
            observations=run["observations"],
            rejected=run["rejected"],
            samples=tuple(samples.get(run["id"], ())),
        )
        for run in last
    ]
