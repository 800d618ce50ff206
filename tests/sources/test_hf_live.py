"""The live daily papers: which days are asked for, and how far the cursor moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import httpx
import pytest

from digest.core.capture import Cursor, Fetched, RunStatus
from digest.errors import ConfigError, RefusedInput
from digest.sources.hf import HuggingFace

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)


def days_list(day: str, *, submitted: str | None = None) -> bytes:
    paper = {"id": f"2605.{day[-2:]}001", "title": f"What Beans Did on {day}", "upvotes": 1}
    paper["submittedOnDailyAt"] = f"{submitted or day}T00:00:00.000Z"
    return json.dumps([{"paper": paper, "numComments": 0}]).encode()


class Service:
    """A small stand-in for the API that remembers which days it was asked for."""

    def __init__(self, answer: Callable[[str], tuple[int, bytes]]) -> None:
        self.asked: list[str] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        day = request.url.params["date"]
        self.asked.append(day)
        status, body = self._answer(day)
        return httpx.Response(status, content=body)

    def fetch(self, cursor: str, *, now: datetime = NOW, scope: str = "daily") -> list[Fetched]:
        with httpx.Client(transport=httpx.MockTransport(self)) as client:
            return list(HuggingFace().fetch(client, scope, Cursor(position=cursor), now))


@pytest.mark.parametrize(
    ("cursor", "first", "count"),
    [
        ("", "2026-05-19", 2),
        ("2026-05-20", "2026-05-19", 2),
        ("2026-05-17", "2026-05-16", 5),
        ("2026-06-30", "2026-05-19", 2),
        ("2020-01-01", "2026-04-20", 31),
        ("not a day", "2026-05-19", 2),
    ],
)
def test_every_day_since_the_cursor_is_asked_for(cursor: str, first: str, count: int) -> None:
    service = Service(lambda day: (200, days_list(day)))

    pages = service.fetch(cursor)

    assert (service.asked[0], service.asked[-1], len(service.asked)) == (first, "2026-05-20", count)
    assert [page.cursor.position for page in pages] == service.asked


def test_days_beyond_reach_are_told() -> None:
    pages = Service(lambda day: (200, days_list(day))).fetch("2026-04-01")

    assert "from 2026-03-31 to 2026-04-19" in pages[0].capture.reason
    assert pages[1].capture.reason == ""


def test_listings_are_dated_with_the_day_asked_for() -> None:
    evening_before = Service(lambda day: (200, days_list(day, submitted=str(date.fromisoformat(day).replace(day=18)))))

    first, _ = evening_before.fetch("")

    assert first.capture.listings[0].listed_on == date(2026, 5, 19)
    assert first.capture.listings[0].observations[0].at == NOW


def test_a_weekend_is_quiet_and_moves_the_cursor() -> None:
    pages = Service(lambda _: (200, b"1")).fetch("")

    assert [(page.capture.status, page.cursor.position) for page in pages] == [
        (RunStatus.QUIET, "2026-05-19"),
        (RunStatus.QUIET, "2026-05-20"),
    ]


def test_an_older_list_than_the_one_asked_for_is_late() -> None:
    pages = Service(lambda _: (200, days_list("2026-05-15"))).fetch("")

    assert {page.capture.status for page in pages} == {RunStatus.LATE}
    assert pages[0].capture.listings[0].listed_on == date(2026, 5, 15)


@pytest.mark.parametrize("bad", [(200, b'{"error": "no"}'), (400, b"bad date"), (404, b"")])
def test_a_refused_day_is_raised_after_the_later_ones_and_asked_for_again(bad: tuple[int, bytes]) -> None:
    service = Service(lambda day: bad if day == "2026-05-18" else (200, days_list(day)))
    pages: list[Fetched] = []

    with (
        httpx.Client(transport=httpx.MockTransport(service)) as client,
        pytest.raises(RefusedInput, match="2026-05-18"),
    ):
        pages.extend(HuggingFace().fetch(client, "daily", Cursor(position="2026-05-18"), NOW))

    assert service.asked == ["2026-05-17", "2026-05-18", "2026-05-19", "2026-05-20"]
    assert [page.cursor.position for page in pages] == ["2026-05-17"] * 3


def test_an_unknown_scope_is_a_matter_of_the_settings() -> None:
    with pytest.raises(ConfigError, match="weekly"):
        Service(lambda day: (200, days_list(day))).fetch("", scope="weekly")
