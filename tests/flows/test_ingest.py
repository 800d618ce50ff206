"""Runs of a source: what is reported, what is recorded, what a second reading or a failure leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import SQLModel, select

from digest.core.capture import AuthorFigure, Capture, Cursor, Fetched, Reading, Rejection, RunStatus
from digest.core.paper import Listing, Observation
from digest.errors import RefusedInput, SourceUnavailable
from digest.flows import bounded
from digest.flows.ingest import Report, ingest_capture, ingest_file, ingest_live
from digest.store.engine import reading, writing
from digest.store.runs import begin_run, load_cursor, source_overview
from digest.store.tables import Author, AuthorFigureRow, IngestRun, ObservationRow, Paper, RejectedRecord

_Row = TypeVar("_Row", bound=SQLModel)
KEYS = {"source", "status", "listings", "papers_new", "papers_updated", "observations", "rejected"}


class JsonSource:
    """A source whose recorded responses are lists of [id, title, votes]; a wrong row is set aside."""

    name = "hf"

    def read(self, body: bytes, reading: Reading) -> Capture:
        try:
            rows = json.loads(body)
        except ValueError as error:
            raise RefusedInput(f"{reading.origin} is not JSON: {error}") from error
        if rows == "surprise":
            raise KeyError("surprise")
        capture = Capture(status=RunStatus.OK if rows else RunStatus.QUIET)
        for position, row in enumerate(rows):
            if len(row) != 3:
                capture.rejected.append(Rejection(str(position), "not three values", str(row)))
                continue
            votes = Observation("hf_upvotes", reading.observed_at, row[2], self.name)
            capture.listings.append(Listing(source=self.name, arxiv_id=row[0], title=row[1], observations=(votes,)))
        return capture


@dataclass
class PagedSource(JsonSource):
    """A live source of prepared pages; an exception in place of a page is raised there."""

    pages: list[Capture | Exception] = field(default_factory=list)
    asked: list[Cursor] = field(default_factory=list)

    def fetch(self, client: httpx.Client, scope: str, cursor: Cursor, now: datetime) -> Iterator[Fetched]:
        self.asked.append(cursor)
        for number, page in enumerate(self.pages, start=1):
            if isinstance(page, Exception):
                raise page
            yield Fetched(page, Cursor(position=f"after {scope} {number}", etag=f"e{number}"))


def page(*ids: str, status: RunStatus = RunStatus.OK) -> Capture:
    return Capture(
        listings=[Listing(source="hf", arxiv_id=one, title=f"On the lamps of {one}") for one in ids], status=status
    )


def ticking(start: datetime) -> Callable[[], datetime]:
    instants = iter(start + timedelta(seconds=n) for n in range(10_000))
    return lambda: next(instants)


def write(folder: Path, content: object, name: str = "recorded.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def all_rows(engine: Engine, model: type[_Row]) -> list[_Row]:
    with reading(engine) as session:
        return list(session.exec(select(model)))


ROWS = [["2605.00001", "Lamps by shade", 3], ["2605.00002", "Lamps by hue", 4], ["short"]]


def test_a_file_is_read_merged_and_counted(engine: Engine, tmp_path: Path, now: datetime) -> None:
    report, capture = ingest_file(engine, JsonSource(), write(tmp_path, ROWS), now=now)
    assert report.as_plain() == {
        "source": "hf",
        "status": "ok",
        "listings": 2,
        "papers_new": 2,
        "papers_updated": 0,
        "observations": 2,
        "rejected": 1,
    }
    assert len(capture.listings) == 2
    (run,) = all_rows(engine, IngestRun)
    assert (run.status, run.listings, run.rejected, run.finished_at) == ("ok", 2, 1, now)
    assert [row.reason for row in all_rows(engine, RejectedRecord)] == ["not three values"]


def test_the_same_file_read_later_adds_nothing(engine: Engine, tmp_path: Path, now: datetime) -> None:
    path = write(tmp_path, ROWS)
    ingest_file(engine, JsonSource(), path, now=now)
    report, _ = ingest_file(engine, JsonSource(), path, now=now + timedelta(days=3))
    assert (report.listings, report.papers_new, report.papers_updated, report.observations) == (2, 0, 0, 0)
    assert len(all_rows(engine, ObservationRow)) == 2
    report, _ = ingest_file(engine, JsonSource(), path, now=now, observed_at=now + timedelta(hours=6))
    assert report.observations == 2


def test_a_recorded_page_is_dated_with_the_end_of_its_day(engine: Engine, tmp_path: Path, now: datetime) -> None:
    ingest_file(engine, JsonSource(), write(tmp_path, ROWS[:1]), now=now, captured_on=date(2026, 5, 1))
    (seen,) = all_rows(engine, ObservationRow)
    assert seen.at == datetime(2026, 5, 1, 23, 59, 59, 999999, UTC)
    ingest_file(engine, JsonSource(), write(tmp_path, ROWS[1:2]), now=now, captured_on=now.date())
    assert {one.at for one in all_rows(engine, ObservationRow)} == {seen.at, now}


def test_a_paper_is_first_seen_when_the_source_showed_it(engine: Engine, tmp_path: Path, now: datetime) -> None:
    ingest_file(engine, JsonSource(), write(tmp_path, ROWS), now=now, observed_at=now - timedelta(days=2))
    assert {paper.first_seen_at for paper in all_rows(engine, Paper)} == {now - timedelta(days=2)}


def test_a_quiet_day_is_not_a_failure(engine: Engine, tmp_path: Path, now: datetime) -> None:
    report, _ = ingest_file(engine, JsonSource(), write(tmp_path, []), now=now)
    assert report.status is RunStatus.QUIET
    assert report.as_plain().keys() == KEYS


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "too big", "not json", "nul"])
def test_a_file_that_cannot_be_read_is_a_recorded_failure(
    engine: Engine, tmp_path: Path, now: datetime, kind: str
) -> None:
    path = tmp_path / ("a\0b" if kind == "nul" else "recorded.json")
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "not json":
        path.write_text("<html>")
    elif kind == "too big":
        with path.open("wb") as sparse:
            sparse.truncate(bounded.MAX_FILE + 1)
    report, capture = ingest_file(engine, JsonSource(), path, now=now)
    assert report.as_plain().keys() == KEYS | {"error"}
    assert report.as_plain()["status"] == "failed"
    assert "recorded.json" in report.reason or kind == "nul"
    assert (capture.listings, capture.status, capture.reason) == ([], RunStatus.FAILED, report.reason)
    (run,) = all_rows(engine, IngestRun)
    assert (run.status, run.reason) == ("failed", report.reason)


def test_a_surprise_is_recorded_and_raised_again(engine: Engine, tmp_path: Path, now: datetime) -> None:
    with pytest.raises(KeyError):
        ingest_file(engine, JsonSource(), write(tmp_path, "surprise"), now=now)
    (run,) = all_rows(engine, IngestRun)
    assert run.status == "failed"
    assert "KeyError" in run.reason


def live(engine: Engine, source: PagedSource, clock: Callable[[], datetime], scope: str = "cs.LG") -> Report:
    with httpx.Client() as client:
        return ingest_live(engine, source, client, scope, clock=clock)


def test_a_live_run_continues_where_the_last_one_ended(engine: Engine, now: datetime) -> None:
    source = PagedSource([page("2605.00001"), page("2605.00002", "2605.00003")])
    report = live(engine, source, ticking(now))
    assert (report.status, report.listings, report.papers_new) == (RunStatus.OK, 3, 3)
    live(engine, source, ticking(now))
    assert source.asked == [Cursor(), Cursor("after cs.LG 2", "e2")]


def test_a_failure_at_page_three_keeps_the_pages_before_it(engine: Engine, now: datetime) -> None:
    source = PagedSource([page("2605.00001"), page("2605.00002"), SourceUnavailable("HTTP 503 from lamps.example")])
    report = live(engine, source, ticking(now))
    assert report.as_plain() == {
        "source": "hf",
        "status": "failed",
        "listings": 2,
        "papers_new": 2,
        "papers_updated": 0,
        "observations": 0,
        "rejected": 0,
        "error": "HTTP 503 from lamps.example",
    }
    with reading(engine) as session:
        assert load_cursor(session, "hf", "cs.LG").position == "after cs.LG 2"
    assert len(all_rows(engine, Paper)) == 2


class _Bomb(list[Listing]):
    """Listings that kill the run when the second batch of them is taken."""

    def __getitem__(self, index: object) -> list[Listing]:  # type: ignore[override]  # only slices are asked for
        assert isinstance(index, slice)
        if index.start:
            raise MemoryError("killed")
        return super().__getitem__(index)


def test_a_page_that_fails_half_way_is_not_half_committed(engine: Engine, now: datetime) -> None:
    many = _Bomb(Listing(source="hf", arxiv_id=f"2605.{n:05d}", title=f"Lamp number {n}") for n in range(600))
    source = PagedSource([page("2604.00001"), Capture(listings=many)])
    with pytest.raises(MemoryError):
        live(engine, source, ticking(now))
    assert [paper.arxiv_id for paper in all_rows(engine, Paper)] == ["2604.00001"]
    with reading(engine) as session:
        assert load_cursor(session, "hf", "cs.LG").position == "after cs.LG 1"
    (run,) = all_rows(engine, IngestRun)
    assert (run.status, run.listings, run.papers_new) == ("failed", 1, 1)


def test_nothing_fetched_is_a_quiet_run_and_a_late_page_makes_a_late_one(engine: Engine, now: datetime) -> None:
    assert live(engine, PagedSource([]), ticking(now)).status is RunStatus.QUIET
    assert live(engine, PagedSource([page(status=RunStatus.LATE)]), ticking(now)).status is RunStatus.LATE


def test_many_listings_are_merged_in_parts_and_counted_once(engine: Engine, now: datetime) -> None:
    listings = [
        Listing(source="pages", arxiv_id=f"2605.{n % 700:05d}", title=f"Lamp number {n % 700}") for n in range(1_400)
    ]
    report = ingest_capture(
        engine, "pages", "", Capture(listings=listings), Reading(observed_at=now, origin="seeds"), now=now
    )
    assert (report.listings, report.papers_new, report.papers_updated) == (1_400, 700, 0)


def figures(engine: Engine, at: datetime, value: str) -> None:
    capture = Capture(figures=[AuthorFigure("Ada Bell", "h_index", value), AuthorFigure("王伟", "papers", "3")])
    ingest_capture(engine, "pages", "", capture, Reading(observed_at=at, origin="seeds"), now=at)


def test_a_figure_is_as_its_source_stated_it_last_and_says_when(engine: Engine, now: datetime) -> None:
    figures(engine, now, "15")
    figures(engine, now + timedelta(days=1), "16")
    figures(engine, now - timedelta(days=1), "12")
    stored = {row.figure: (row.value, row.observed_at) for row in all_rows(engine, AuthorFigureRow)}
    assert stored == {"h_index": ("16", now + timedelta(days=1)), "papers": ("3", now + timedelta(days=1))}
    assert sorted(author.slug[:7] for author in all_rows(engine, Author)) == ["ada-bel", "author-"]


def test_the_overview_tells_each_sources_last_run_and_last_good_one(engine: Engine, now: datetime) -> None:
    live(engine, PagedSource([page("2605.00001")]), lambda: now)
    broken = Capture(rejected=[Rejection(str(n), "broken") for n in range(5)])
    live(engine, PagedSource([broken, SourceUnavailable("HTTP 503")]), lambda: now + timedelta(hours=1))
    live(engine, PagedSource([]), lambda: now, scope="cs.AI")
    with writing(engine) as session:
        begin_run(session, "pages", "", "x", now=now)
    with reading(engine) as session:
        overview = source_overview(session, now + timedelta(hours=2))
    assert [(one.source, one.scope, one.status, one.last_ok) for one in overview] == [
        ("hf", "cs.AI", "quiet", now),
        ("hf", "cs.LG", "failed", now),
        ("pages", "", "interrupted", None),
    ]
    assert (overview[1].reason, overview[1].rejected, len(overview[1].samples)) == ("HTTP 503", 5, 3)
