"""From a source's words, live or recorded, to papers and observations; every run leaves a record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.capture import Capture, Cursor, Fetched, Reading, RunStatus
from digest.errors import DigestError
from digest.flows.bounded import read_bounded
from digest.flows.traffic import counted_traffic
from digest.store.authors import record_figures
from digest.store.engine import reading as reading_session
from digest.store.engine import writing
from digest.store.merge import BATCH, Tally, merge_batch
from digest.store.runs import (
    begin_run,
    finish_run,
    first_observed_at,
    load_cursor,
    record_rejections,
    run_by_id,
    save_cursor,
)

if TYPE_CHECKING:
    import httpx


class Source(Protocol):
    """An outside service whose recorded responses can be read."""

    @property
    def name(self) -> str:
        """The name under which everything it says is stored."""

    def read(self, body: bytes, reading: Reading) -> Capture:
        """Read one recorded response; raises RefusedInput."""


class LiveSource(Source, Protocol):
    """A source that can also be asked now."""

    def fetch(self, client: httpx.Client, scope: str, cursor: Cursor, now: datetime) -> Iterator[Fetched]:
        """Yield page after page from a cursor on; raises SourceUnavailable or RefusedInput."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What one run of a source did. `listings` counts all that were read; the other counts, what was added."""

    source: str
    scope: str = ""
    status: RunStatus = RunStatus.QUIET
    reason: str = ""
    listings: int = 0
    papers_new: int = 0
    papers_updated: int = 0
    observations: int = 0
    rejected: int = 0

    def as_plain(self) -> dict[str, Any]:
        """Return the report as plain values; a failed one says why under `error`."""
        plain: dict[str, Any] = {
            "source": self.source,
            "status": str(self.status),
            "listings": self.listings,
            "papers_new": self.papers_new,
            "papers_updated": self.papers_updated,
            "observations": self.observations,
            "rejected": self.rejected,
        }
        return {**plain, "error": self.reason} if self.status is RunStatus.FAILED else plain


def ingest_file(
    engine: Engine,
    source: Source,
    path: Path,
    *,
    now: datetime,
    captured_on: date | None = None,
    observed_at: datetime | None = None,
) -> tuple[Report, Capture]:
    """Read a recorded response of at most 64 MB and merge what it lists; a refusal is reported, not raised.

    Its signals are dated with `observed_at`. Where that is not given: with the date the same bytes got when this
    source first read them, so that a second reading adds nothing; else with the end of the day `captured_on`, since
    a value must not count before it can have been true; else with `now`. Never later than `now` by guess.
    """
    run = _Run.begin(engine, source.name, "", str(path), now)
    capture = Capture(status=RunStatus.FAILED)
    with run.recorded(lambda: now):
        body = read_bounded(path)
        seen_at = run.identify(hashlib.sha256(body).hexdigest(), observed_at, captured_on, now)
        capture = source.read(body, Reading(observed_at=seen_at, origin=str(path), captured_on=captured_on))
        run.take_in_parts(capture, seen_at)
    if run.report.status is RunStatus.FAILED and not capture.reason:
        capture.reason = run.report.reason
    return run.report, capture


def ingest_capture(
    engine: Engine, source_name: str, scope: str, capture: Capture, reading: Reading, *, now: datetime
) -> Report:
    """Merge a capture that is already read, such as the bundled seeds."""
    run = _Run.begin(engine, source_name, scope, reading.origin, now)
    with run.recorded(lambda: now):
        run.take_in_parts(capture, reading.observed_at)
    return run.report


class Bookmark(Protocol):
    """Where a live reading begins, and where it is noted how far it has come."""

    @property
    def origin(self) -> str:
        """What the record of the run says that it is."""

    def load(self, session: Session) -> Cursor:
        """Return the cursor to begin with."""

    def save(self, session: Session, cursor: Cursor, report: Report, now: datetime) -> bool:
        """Note the cursor after a page, and say whether to go on; the page is kept either way."""


@dataclass(frozen=True, slots=True)
class _OwnCursor:
    """The cursor by which a source is read day by day."""

    source: str
    scope: str

    @property
    def origin(self) -> str:
        return f"{self.source} {self.scope}".strip()

    def load(self, session: Session) -> Cursor:
        return load_cursor(session, self.source, self.scope)

    def save(self, session: Session, cursor: Cursor, _report: Report, now: datetime) -> bool:
        save_cursor(session, self.source, self.scope, cursor, now=now)
        return True


def ingest_live(
    engine: Engine,
    source: LiveSource,
    client: httpx.Client,
    scope: str,
    *,
    clock: Callable[[], datetime],
    bookmark: Bookmark | None = None,
) -> Report:
    """Ask a source what is new since its cursor, or that of a bookmark, page by page.

    A page and its cursor are committed together: what stops a run, at any instant, neither loses nor repeats
    anything. A failure keeps the pages before it.
    """
    started = clock()
    place = bookmark or _OwnCursor(source.name, scope)
    run = _Run.begin(engine, source.name, scope, place.origin, started)
    with run.recorded(clock), counted_traffic(engine, source.name, client, clock):
        with reading_session(engine) as session:
            cursor = place.load(session)
        for page in source.fetch(client, scope, cursor, started):
            with writing(engine) as session:
                run.take_in(session, page.capture, clock())
                go_on = place.save(session, page.cursor, run.report, clock())
            if not go_on:
                break
    return run.report


@dataclass(slots=True, kw_only=True)
class _Run:
    engine: Engine
    id: int
    report: Report
    tally: Tally = field(default_factory=Tally)
    statuses: set[RunStatus] = field(default_factory=set)

    @classmethod
    def begin(cls, engine: Engine, source: str, scope: str, origin: str, now: datetime) -> _Run:
        with writing(engine) as session:
            run_id = begin_run(session, source, scope, origin, now=now)
        return cls(engine=engine, id=run_id, report=Report(source=source, scope=scope))

    @contextmanager
    def recorded(self, clock: Callable[[], datetime]) -> Iterator[None]:
        """Record how the run ended: expected failures in the report only, surprises are raised again."""
        try:
            yield
        except DigestError as error:
            self.report.status, self.report.reason = RunStatus.FAILED, str(error)
        except Exception as error:
            self.report.status, self.report.reason = RunStatus.FAILED, f"unexpected {type(error).__name__}: {error}"
            raise
        except BaseException:  # a signal, or the worker's shutdown: half a reading is no quiet day
            self.report.status, self.report.reason = RunStatus.FAILED, "stopped from outside"
            raise
        else:
            self.report.status = next((one for one in _WORST_FIRST if one in self.statuses), RunStatus.QUIET)
        finally:
            with writing(self.engine) as session:
                run = finish_run(session, self.id, self.report.status, self.report.reason, now=clock())
                for count in _COUNTS:  # what was committed, should the last page have been rolled back
                    setattr(self.report, count, getattr(run, count))

    def identify(
        self, content_hash: str, observed_at: datetime | None, captured_on: date | None, now: datetime
    ) -> datetime:
        """Note which bytes are read and return the instant they are dated with."""
        with writing(self.engine) as session:
            seen_at = observed_at or first_observed_at(session, self.report.source, content_hash)
            if seen_at is None:
                end_of_day = datetime.combine(captured_on, time.max, UTC) if captured_on else now
                seen_at = min(end_of_day, now)
            run = run_by_id(session, self.id)
            run.content_hash, run.observed_at = content_hash, seen_at
            session.add(run)
        return seen_at

    def take_in_parts(self, capture: Capture, seen_at: datetime) -> None:
        """Merge a capture of any size in transactions of one batch each, so that no other writer waits long.

        Killed between two, the rest is added by reading the same again.
        """
        for start in range(0, max(len(capture.listings), 1), BATCH):
            part = Capture(
                listings=capture.listings[start : start + BATCH],
                rejected=capture.rejected if start == 0 else [],
                figures=capture.figures if start == 0 else [],
                status=capture.status,
                reason=capture.reason,
            )
            with writing(self.engine) as session:
                self.take_in(session, part, seen_at)

    def take_in(self, session: Session, capture: Capture, seen_at: datetime) -> None:
        """Merge a capture and record the run's counts so far, in one transaction."""
        report, tally = self.report, self.tally
        tally.rejected = [*capture.rejected]
        for start in range(0, len(capture.listings), BATCH):
            merge_batch(
                session,
                capture.listings[start : start + BATCH],
                source=report.source,
                scope=report.scope,
                run_id=self.id,
                seen_at=seen_at,
                tally=tally,
            )
        record_figures(session, capture.figures, report.source, seen_at)
        record_rejections(session, self.id, tally.rejected, report.rejected)
        self.statuses.add(capture.status)
        report.reason = capture.reason or report.reason
        report.listings += len(capture.listings)
        report.rejected += len(tally.rejected)
        report.papers_new, report.papers_updated = len(tally.new), len(tally.updated)
        report.observations = tally.observations
        run = run_by_id(session, self.id)
        for count in _COUNTS:
            setattr(run, count, getattr(report, count))
        session.add(run)


_COUNTS = ("listings", "papers_new", "papers_updated", "observations", "rejected")
_WORST_FIRST = (RunStatus.FAILED, RunStatus.LATE, RunStatus.OK, RunStatus.QUIET)
