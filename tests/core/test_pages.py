"""A page is in the order of votes: its places say what the last counts could not."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from digest.core.pages import PageVotes, page_votes
from digest.core.signals import PAGE_PLACE, Movement

POLL = datetime(2026, 5, 20, 13, tzinfo=UTC)


def read(place: float, votes: int | None, at: datetime = POLL) -> dict[str, Movement]:
    first = (datetime.combine(at.date(), datetime.min.time(), UTC), place, 9)
    moved = {PAGE_PLACE: Movement(PAGE_PLACE, 0.3, 0.5, place, of=9, points=(first, (at, place, 9)))}
    if votes is not None:
        moved["hf_upvotes"] = Movement("hf_upvotes", 1.0, 0.5, votes, points=((at, votes, None),))
    return moved


def told(*pairs: tuple[float, int | None]) -> list[PageVotes]:
    found = [one for one in page_votes([read(*pair) for pair in pairs]) if one is not None]
    assert len(found) == len(pairs)
    return found


def test_a_paper_has_as_many_votes_as_belong_to_its_place() -> None:
    first, second, third = told((1, 20), (2, 5), (3, 10))
    assert [one.votes for one in (first, second, third)] == [math.log1p(count) for count in (20, 10, 5)]
    assert (first.overdue, second.overdue) == (0, math.log1p(10) - math.log1p(5))
    assert third.overdue == -second.overdue
    assert (first.behind_first, second.above_middle) == (0, 0)
    assert second.gap_below == pytest.approx(third.behind_first - second.behind_first)


def test_one_that_nobody_counted_lies_between_its_neighbours() -> None:
    found = told((1, 20), (2, None), (3, 5), (4, 3), (5, None))
    assert found[1].votes == pytest.approx((math.log1p(20) + math.log1p(5)) / 2)
    assert found[4].votes == found[3].votes
    assert math.isnan(found[1].overdue)
    assert math.isnan(found[0].gap_above)
    assert math.isnan(found[4].gap_below)


def test_papers_of_other_days_are_another_page() -> None:
    today = [read(place, 30 - place) for place in (1, 2, 3)]
    before = [read(place, 99, POLL - timedelta(days=1)) for place in (1, 2, 3)]
    assert page_votes([*before, *today])[3:] == page_votes([*today, *before])[:3]


def test_a_page_says_nothing_of_those_who_left_it_or_without_counts() -> None:
    page = [read(1, 20), read(2, 5), read(3, 10), read(1, 7, POLL - timedelta(hours=4)), {}]
    assert [one is None for one in page_votes(page)] == [False, False, False, True, True]
    assert page_votes([read(1, 20), read(2, 5), read(3, None)]) == [None] * 3
    assert page_votes([]) == []


def test_two_that_claim_one_place_with_equal_counts_stand_alike() -> None:
    found = told((2, 5), (1, 20), (2, 5), (3, 4))
    assert found[0] == found[2]
    assert found[0].votes == math.log1p(5)
