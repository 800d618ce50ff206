"""Which papers are asked for and when; which repository is a paper's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.refresh import PACES, Finding, Subject, born, lively_since, next_at, shares
from digest.core.repository import full_name, repositories, repository_at

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)


def paper(days: float, *, lively: bool = False, paper_id: int = 1) -> Subject:
    return Subject(paper_id=paper_id, born_at=NOW - timedelta(days=days), is_lively=lively)


@pytest.mark.parametrize("service", PACES)
def test_new_papers_are_asked_for_often_and_old_ones_rarely(service: str) -> None:
    waits = [next_at(service, paper(days), Finding.FOUND, NOW) - NOW for days in (0, 5, 20, 60, 200, 500, 9_000)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] / 10


def test_an_unknown_answer_is_asked_for_again_within_the_hour_whatever_the_age() -> None:
    assert next_at("github", paper(5_000), Finding.UNKNOWN, NOW) == NOW + timedelta(hours=1)


def test_an_absent_repository_waits_longer_than_one_that_was_found() -> None:
    found, absent = (next_at("github", paper(1), finding, NOW) for finding in (Finding.FOUND, Finding.ABSENT))
    assert absent - NOW == 2 * (found - NOW)


def test_an_old_paper_on_the_days_page_is_asked_for_like_a_new_one() -> None:
    assert next_at("github", paper(900, lively=True), Finding.FOUND, NOW) < NOW + timedelta(hours=8)
    assert lively_since("github", NOW) == NOW - timedelta(hours=6)


@given(st.sampled_from(sorted(PACES)), st.integers(1, 10**9), st.floats(-400, 40_000), st.sampled_from(Finding))
def test_the_next_question_is_always_later_and_within_a_year(
    service: str, paper_id: int, days: float, finding: Finding
) -> None:
    again = next_at(service, paper(days, paper_id=paper_id), finding, NOW)
    assert timedelta(minutes=30) < again - NOW < timedelta(days=365)


def test_a_paper_is_as_old_as_its_listing() -> None:
    assert born(date(2026, 5, 19), None, NOW) == datetime(2026, 5, 19, tzinfo=UTC)
    assert born(None, NOW - timedelta(days=9), NOW) == NOW - timedelta(days=9)
    assert born(None, None, NOW) == NOW


def test_a_budget_leaves_a_fifth_to_those_that_waited_longest() -> None:
    assert shares(25) == (20, 5)
    assert shares(1) == (1, 0)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/lamp-lab/Dim.Lamps", "lamp-lab/Dim.Lamps"),
        ("http://www.github.com/lamp-lab/lamps.git", "lamp-lab/lamps"),
        ("https://github.com/lamp-lab/lamps/tree/main/a?b#c", "lamp-lab/lamps"),
        ("github.com/lamp-lab/lamps", "lamp-lab/lamps"),
        ("https://github.com/lamp-lab", ""),
        ("https://github.com/topics/lamps", ""),
        ("https://gist.github.com/ada/0123", ""),
        ("https://notgithub.com/a/b", ""),
        ("https://example.org/github.com/a/b", ""),
        ("https://github.com/a--b/c", ""),
        ("https://github.com/a/..", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_a_repository_is_read_from_an_address(url: str, name: str) -> None:
    assert repository_at(url) == name


@pytest.mark.parametrize("text", ["a/b/c", "a", "a/<b>", "../b", "a/b\n", "orgs/x", "-a/b", "a/" + "b" * 101])
def test_what_cannot_be_a_repository_is_none(text: str) -> None:
    assert full_name(text) == ""


def test_what_a_source_states_comes_before_the_comment_and_the_abstract() -> None:
    found = repositories(
        "https://github.com/ada/stated",
        "12 pages, https://github.com/ada/comment.",
        "Our code is available at https://github.com/ada/abstract.",
    )
    assert found == ("ada/stated", "ada/comment", "ada/abstract")


def test_one_repository_in_two_spellings_is_one() -> None:
    assert repositories("https://github.com/Ada/Lamps", "", "Code: github.com/ada/lamps.git") == ("Ada/Lamps",)


def test_an_abstract_tells_its_own_code_from_what_it_builds_upon() -> None:
    abstract = (
        "We extend the lanterns of https://github.com/others/lanterns to the dark, in every season, and compare them "
        "with candles, torches, moonlight and glow-worms over many nights in which nothing else could be seen at all. "
        "Our code is released at https://github.com/ada/lamps, with weights."
    )
    assert repositories("", "", abstract) == ("ada/lamps",)


def test_an_abstract_that_names_several_without_a_word_names_none() -> None:
    assert repositories("", "", "We compare github.com/a/b with github.com/c/d.") == ()
    assert repositories("", "", "See github.com/a/b.") == ("a/b",)


@given(st.text(max_size=300))
def test_any_text_gives_names_that_github_could_have(text: str) -> None:
    for name in repositories(text, text, f"code https://github.com/{text}"):
        assert full_name(name) == name
