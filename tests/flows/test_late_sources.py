"""A source that is late at the cut-off: the issue goes out without it, the desk is told, and the next issue has it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from sqlalchemy import Engine

from digest.core.capture import Capture, Reading, RunStatus
from digest.core.paper import Listing
from digest.flows.conditions import missing_at
from digest.flows.ingest import ingest_capture, ingest_live
from digest.flows.morning import freeze_and_materialise
from digest.sources.arxiv_rss import ArxivRss
from digest.store.engine import reading
from digest.store.issues import by_date
from tests.sources.test_arxiv_rss import FRIDAY, feed, item

MONDAY = date(2026, 5, 18)
CUT_OFF = datetime(2026, 5, 18, 6, tzinfo=UTC)
RSS, HF = ("arxiv-rss", "cs.LG"), ("hf", "daily")
TODAYS = httpx.Response(200, content=feed(item(7)))
STALE = httpx.Response(200, content=feed(item(1), day=FRIDAY))
DOWN = httpx.Response(404)


def ask(engine: Engine, answer: httpx.Response, at: datetime) -> RunStatus:
    transport = httpx.MockTransport(lambda request: httpx.Response(answer.status_code, content=answer.content))
    with httpx.Client(transport=transport) as client:
        return ingest_live(engine, ArxivRss(), client, "cs.LG", clock=lambda: at).status


def others(engine: Engine, at: datetime) -> None:
    """Let another source report in time."""
    listing = Listing(source="hf", title="A paper that was in time", authors=("Ann",), listed_on=at.date())
    ingest_capture(engine, "hf", "daily", Capture(listings=[listing]), Reading(observed_at=at, origin="hf"), now=at)


def titles(engine: Engine, on: date) -> set[str]:
    with reading(engine) as session:
        stored = by_date(session, on)
    assert stored is not None
    return {card.title for card in stored.issue.cards}


def compose(engine: Engine, on: date) -> None:
    cut_off = CUT_OFF + (on - MONDAY)
    freeze_and_materialise(engine, on, cut_off=cut_off, now=cut_off + timedelta(seconds=20), size=50)


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (STALE, STALE, "late"),  # the feed of Friday, half an hour before Monday's is due and half an hour after
        (DOWN, TODAYS, "failed"),
        (None, TODAYS, "silent"),
    ],
)
def test_an_issue_goes_out_without_a_late_source_and_says_so(
    engine: Engine, before: httpx.Response | None, after: httpx.Response, status: str
) -> None:
    others(engine, CUT_OFF - timedelta(hours=1))
    if before is not None:
        ask(engine, before, CUT_OFF - timedelta(minutes=30))
    compose(engine, MONDAY)
    assert "A paper that was in time" in titles(engine, MONDAY)
    assert "On Small Kilns, Part 7" not in titles(engine, MONDAY)
    ask(engine, after, CUT_OFF + timedelta(minutes=30))
    assert [(one.source, one.status) for one in missing_at(engine, [RSS, HF], CUT_OFF)] == [("arxiv-rss", status)]

    ask(engine, TODAYS, CUT_OFF + timedelta(hours=3))  # Monday's, three hours late
    assert "On Small Kilns, Part 7" not in titles(engine, MONDAY)  # what is frozen stays
    compose(engine, MONDAY + timedelta(days=1))
    assert "On Small Kilns, Part 7" in titles(engine, MONDAY + timedelta(days=1))


def test_a_quiet_day_is_a_report(engine: Engine) -> None:
    sunday = CUT_OFF - timedelta(days=1)
    others(engine, sunday - timedelta(hours=1))
    empty = httpx.Response(200, content=feed(day="Sun, 17 May 2026 00:00:00 -0400"))
    assert ask(engine, empty, sunday - timedelta(minutes=10)) is RunStatus.QUIET
    assert missing_at(engine, [RSS, HF], sunday) == []
