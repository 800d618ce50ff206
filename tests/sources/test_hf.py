"""Hugging Face's daily papers: every shape of the answer, and what is refused or left out."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.capture import Capture, Reading, RunStatus
from digest.errors import DigestError, RefusedInput
from digest.sources.hf import HuggingFace

OBSERVED = datetime(2026, 5, 20, 6, tzinfo=UTC)


def entry(**changes: Any) -> dict[str, Any]:
    """One entry as the API gives it since 2026; a change of None takes the key away."""
    paper: dict[str, Any] = {
        "id": "2605.01234",
        "title": "Beans that Climb\n  in the Dark",
        "summary": "Beans climb.\nPeas do too.",
        "authors": [{"name": "Ada Ek", "hidden": False}, {"name": "Bo Li", "hidden": True}],
        "publishedAt": "2026-05-18T00:00:00.000Z",
        "submittedOnDailyAt": "2026-05-19T00:00:00.000Z",
        "upvotes": 12,
        "githubRepo": "https://github.com/beans/climb",
        "githubStars": 7,
        "projectPage": "https://beans.example/climb",
        "ai_summary": "Beans climb at night.",
        "ai_keywords": ["beans", "night", "beans"],
        "organization": {"name": "bean-lab", "fullname": "The Bean Lab"},
    }
    outer = {"publishedAt": "2026-05-17T20:00:00.000Z", "numComments": 3, "title": "Outer title"}
    for name, value in changes.items():
        (outer if name in outer and name != "title" else paper)[name] = value
    outer["paper"] = {name: value for name, value in paper.items() if value is not None}
    return {name: value for name, value in outer.items() if value is not None}


def read(answer: object) -> Capture:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return HuggingFace().read(body, Reading(observed_at=OBSERVED, origin="day.json"))


def signals(capture: Capture) -> dict[str, float]:
    return {seen.signal: seen.value for seen in capture.listings[0].observations}


def test_an_entry_becomes_a_listing_with_its_signals() -> None:
    (listing,) = read([entry()]).listings

    assert (listing.arxiv_id, listing.title) == ("2605.01234", "Beans that Climb in the Dark")
    assert (listing.authors, listing.authors_complete) == (("Ada Ek", "Bo Li"), True)
    assert (listing.summary, listing.labs, listing.keywords) == (
        "Beans climb at night.",
        ("The Bean Lab",),
        ("beans", "night"),
    )
    assert (listing.code_url, listing.has_code) == ("https://github.com/beans/climb", True)
    assert listing.project_url == "https://beans.example/climb"
    assert listing.discussion_url == "https://huggingface.co/papers/2605.01234"
    assert listing.listed_on == date(2026, 5, 19)
    assert listing.published_at == datetime(2026, 5, 18, tzinfo=UTC)
    assert {(seen.signal, seen.value, seen.of) for seen in listing.observations} == {
        ("hf_upvotes", 12, None),
        ("hf_comments", 3, None),
        ("github_stars", 7, None),
        ("hf_page_rank", 1, 1),
    }
    assert {(seen.at, seen.source) for seen in listing.observations} == {(OBSERVED, "hf")}


def test_an_entry_of_2024_is_listed_on_the_day_it_was_submitted() -> None:
    old = {
        "paper": {
            "id": "2406.00001",
            "title": "Old Beans Are Good Beans",
            "authors": [{"name": "Ada Ek"}],
            "publishedAt": "2024-06-04T15:48:29.000Z",
            "summary": "Old.",
            "upvotes": 1,
        },
        "publishedAt": "2024-06-05T04:19:34.703Z",
        "title": "Old Beans Are Good Beans",
        "numComments": 0,
    }
    (listing,) = read([old]).listings

    assert (listing.listed_on, listing.has_code, listing.labs) == (date(2024, 6, 5), None, ())


def test_a_paper_from_elsewhere_is_known_by_its_title() -> None:
    (listing,) = read([entry(id="beans-tech-report")]).listings

    assert (listing.arxiv_id, listing.discussion_url) == (None, "https://huggingface.co/papers/beans-tech-report")


@pytest.mark.parametrize("absurd", [-1, 10**12, "12", True, float("nan"), float("inf"), 1.5, None, [], {"n": 1}])
def test_an_absurd_count_is_left_out_and_the_paper_kept(absurd: object) -> None:
    capture = read([entry(upvotes=absurd, numComments=absurd, githubStars=absurd)])

    assert signals(capture) == {"hf_page_rank": 1}


@pytest.mark.parametrize(
    "address",
    [
        "http://github.com/a/b",
        "https://github.com.evil.example/a/b",
        "https://github.com/a",
        "https://github.com/a/..",
        7,
        "javascript:alert(1)",
        'https://github.com/a/b"onclick',
        "https://gitlab.com/a/b",
        "https://u@github.com/a/b",
    ],
)
def test_only_a_github_repository_is_a_code_address(address: object) -> None:
    (listing,) = read([entry(githubRepo=address)]).listings

    assert (listing.code_url, listing.has_code) == ("", None)


def test_a_deeper_github_address_is_cut_to_its_repository() -> None:
    (listing,) = read([entry(githubRepo="https://github.com/beans/climb.git/?tab=readme#x")]).listings

    assert listing.code_url == "https://github.com/beans/climb"


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "ftp://beans.example", "//beans.example", "https://", "https://[", 'https://x/"', 3],
)
def test_only_a_web_address_is_a_project_page(address: object) -> None:
    assert read([entry(projectPage=address)]).listings[0].project_url == ""


@pytest.mark.parametrize(
    "bad", [entry(title=None) | {"title": ""}, entry(title="?" * 9) | {"title": 5}, 5, [], None, {"paper": 1}]
)
def test_a_record_that_is_none_is_set_aside_and_the_rest_goes_on(bad: object) -> None:
    capture = read([bad, entry()])

    assert len(capture.listings) == 1
    assert [rejection.position for rejection in capture.rejected] == ["entry 1"]
    assert capture.listings[0].observations[-1].value == 2
    assert capture.listings[0].observations[-1].of == 2


def test_a_paper_that_stands_twice_is_read_once() -> None:
    capture = read([entry(), entry(id="2605.01234v2")])

    assert (len(capture.listings), len(capture.rejected)) == (1, 1)


def test_text_no_database_takes_is_cleaned() -> None:
    (listing,) = read(
        [entry(title="Be\u0000ans \ud800 in Rows", authors=[{"name": "Ada\u0000 Ek"}, {"x": 1}])]
    ).listings

    assert listing.title == "Beans in Rows"
    assert (listing.authors, listing.authors_complete) == (("Ada Ek",), False)


@pytest.mark.parametrize("answer", [b"1", b"[]", b" 1\n"])
def test_a_day_without_a_list_is_quiet(answer: bytes) -> None:
    capture = read(answer)

    assert (capture.status, capture.listings) == (RunStatus.QUIET, [])
    assert capture.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b'{"error": "Invalid date"}', "answered with an error: Invalid date"),
        (b"{}", "an object"),
        (b"2", "a number"),
        (b"true", "true or false"),
        (b"null", "null"),
        (b'"1"', "a string"),
        (b'[{"paper": {"id": "2605.01', "cut short"),
        (b"[\xff]", "not UTF-8 at byte 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" + b"9" * 5000 + b"]", "integer string conversion"),
        (b'[{"paper": 1, "paper": 2}]', "'paper' stands twice"),
        (b'[{"title": 1}]', "none of 1 entries can be read"),
        (b"[" + b"1," * 6000 + b"1]", "more than a day's list"),
        (b"<html></html>", "not JSON"),
    ],
)
def test_what_is_no_days_list_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(RefusedInput, match=rf"day\.json.*{reason}"):
        read(body)


@pytest.mark.parametrize("unit", [b"[", b"[],", b'{"a":', b"1", b'"'])
def test_a_hostile_file_of_100_mb_is_refused_at_once(unit: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(RefusedInput, match=r"day\.json"):
        read(unit * (100_000_000 // len(unit)))
    assert time.monotonic() - began < 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["paper", "title", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(entry()["paper"])), JSON, max_size=6), JSON)
def test_no_entry_raises_anything_but_our_errors(changes: dict[str, Any], other: object) -> None:
    try:
        capture = read([entry(**changes), other])
    except DigestError:
        return
    assert capture.listings


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_our_errors(body: bytes) -> None:
    try:
        read(body)
    except DigestError as fault:
        assert "day.json" in str(fault)  # noqa: PT017  # either outcome is right


RECORDED = {
    "2024-06-05": (8, 0, 0),
    "2024-10-04": (21, 0, 0),
    "2025-01-20": (9, 0, 0),
    "2025-03-20": (13, 7, 0),
    "2025-06-20": (2, 0, 0),
    "2025-09-10": (11, 7, 6),
    "2025-09-10.later_snapshot": (18, 10, 9),
    "2025-12-05.later_snapshot": (38, 16, 16),
    "2026-01-12": (21, 9, 9),
    "2026-01-12.later_snapshot": (30, 13, 13),
    "2026-08-11": (20, 11, 11),
    "2026-08-12": (20, 8, 8),
    "2026-08-13": (20, 10, 10),
    "2026-08-14": (23, 14, 13),
    "2026-08-17": (23, 9, 9),
    "2026-08-18": (29, 17, 17),
    "2026-08-19": (26, 16, 16),
    "2026-08-20": (15, 8, 8),
}


@pytest.mark.shared
@pytest.mark.parametrize("day", sorted(RECORDED))
def test_every_recorded_day_is_read_whole(shared: Path, day: str) -> None:
    capture = read((shared / f"data/wire/hf_daily_papers/daily_papers_date={day}.json").read_bytes())
    names = [seen.signal for listing in capture.listings for seen in listing.observations]
    papers, with_code, with_stars = RECORDED[day]

    assert (len(capture.listings), capture.rejected, capture.status) == (papers, [], RunStatus.OK)
    assert sum(bool(listing.code_url) for listing in capture.listings) == with_code
    assert names.count("github_stars") == with_stars
    assert names.count("hf_upvotes") == names.count("hf_comments") == names.count("hf_page_rank") == papers
    assert all(listing.arxiv_id and listing.authors and listing.abstract for listing in capture.listings)
    if day != "2025-01-20":  # its list opened on the evening before, UTC
        assert {str(listing.listed_on) for listing in capture.listings} == {day[:10]}


@pytest.mark.shared
def test_the_recorded_weekend_is_quiet(shared: Path) -> None:
    assert (
        read((shared / "data/wire/hf_daily_papers/weekend_no_data_sentinel.json").read_bytes()).status
        == RunStatus.QUIET
    )
