"""The figures of authors and labs: bounded, monotone, drawn to the middle, the same in any order."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.portfolio import HELD_BACK, Order, Work, ai_score, arranged, doubt, doubtful, h_index, tally

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
PERCENT = st.floats(0, 100)
COUNT = st.integers(0, 2_000_000).map(float)
MIDDLES = st.floats(0, 100)


@st.composite
def portfolios(draw: st.DrawFn) -> list[Work]:
    """Make papers of which any figure may be unknown."""
    return [
        Work(
            paper_id=number,
            listed_on=draw(st.none() | st.dates(date(1991, 1, 1), date(2026, 5, 20))),
            category=draw(st.sampled_from(["", "cs.LG", "cs.CL", "math.OC"])),
            percentile=draw(st.none() | PERCENT),
            best=draw(st.none() | PERCENT),
            novelty=draw(st.none() | PERCENT),
            citations=draw(st.none() | COUNT),
            cited_at=draw(st.none() | st.just(NOW - timedelta(days=number))),
        )
        for number in range(1, draw(st.integers(0, 30)) + 1)
    ]


@given(st.lists(COUNT, max_size=60))
def test_an_h_index_is_at_most_the_number_of_papers_and_the_root_of_the_citations(counts: list[float]) -> None:
    h = h_index(counts)
    assert 0 <= h <= len(counts)
    assert h * h <= sum(counts)
    assert sum(count >= h for count in counts) >= h
    assert sum(count >= h + 1 for count in counts) < h + 1


@pytest.mark.parametrize(
    ("counts", "h"), [([], 0), ([0], 0), ([1], 1), ([900], 1), ([10, 8, 5, 4, 3], 4), ([25, 8, 5, 3, 3], 3)]
)
def test_an_h_index_is_as_it_is_defined(counts: list[float], h: int) -> None:
    assert h_index(counts) == h


@given(portfolios(), MIDDLES)
def test_every_figure_stays_within_its_bounds(works: list[Work], middle: float) -> None:
    found = tally(works, middle)
    assert found.papers == len(works)
    assert max(found.cited, found.appraised, found.ranked) <= found.papers
    assert (found.h_index or 0) <= found.cited
    assert sum(papers for _name, papers in found.fields) <= found.papers
    for figure, papers in ((found.novelty, found.appraised), (found.ai_score, found.ranked + found.appraised)):
        assert (figure is None) == (papers == 0)
        assert figure is None or -1e-9 <= figure <= 100 + 1e-9
    assert (found.citations is None) == (found.h_index is None) == (found.cited == 0)


@given(portfolios(), MIDDLES, st.randoms(use_true_random=False))
def test_the_order_of_papers_changes_no_figure(works: list[Work], middle: float, chance: random.Random) -> None:
    shuffled = list(works)
    chance.shuffle(shuffled)
    assert tally(shuffled, middle) == tally(works, middle)
    for order in Order:
        assert arranged(shuffled, order) == arranged(works, order)


@given(st.lists(PERCENT, min_size=1, max_size=20), st.lists(PERCENT, max_size=20), MIDDLES, PERCENT)
def test_a_higher_percentile_never_lowers_an_ai_score(
    best: list[float], novelty: list[float], middle: float, higher: float
) -> None:
    before = ai_score(best, novelty, middle)
    after = ai_score([max(best[0], higher), *best[1:]], novelty, middle)
    assert before is not None
    assert after is not None
    assert after >= before - 1e-9


@given(PERCENT, PERCENT, st.floats(1, 99), st.integers(1, 200))
def test_the_fewer_the_papers_the_nearer_the_middle(best: float, novelty: float, middle: float, papers: int) -> None:
    # Attention and novelty may pull apart; each alone must lead away from the middle.
    for one, other in ((best, 50.0), (middle, novelty)):
        near, far = (ai_score([one] * n, [other] * n, middle) for n in (papers, papers + 1))
        assert near is not None
        assert far is not None
        assert abs(near - 50) <= abs(far - 50) + 1e-9


@given(st.floats(1, 99), st.integers(1, 50))
def test_papers_in_the_middle_score_50(middle: float, papers: int) -> None:
    assert ai_score([middle] * papers, [50.0] * papers, middle) == pytest.approx(50)


def test_half_of_a_score_is_the_middle_where_five_papers_are_known() -> None:
    papers = int(HELD_BACK)
    assert ai_score([100.0] * papers, [], 50.0) == pytest.approx(0.7 * 75 + 0.3 * 50)
    assert ai_score([], [], 50.0) is None


@given(portfolios())
def test_arranging_keeps_every_paper_and_puts_the_unknown_last(works: list[Work]) -> None:
    for order, key in ((Order.PERCENTILE, "shown"), (Order.CITATIONS, "citations"), (Order.NEWEST, "listed_on")):
        values = [getattr(work, key) for work in arranged(works, order)]
        assert len(values) == len(works)
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=True)
        assert values == known + [None] * (len(values) - len(known))


def test_todays_percentile_is_shown_before_the_best() -> None:
    work = Work(paper_id=1, percentile=40.0, best=97.0)
    assert (work.shown, replace(work, percentile=None).shown) == (40.0, 97.0)


def test_the_commonest_category_leads_the_fields() -> None:
    works = [Work(paper_id=n, category=name) for n, name in enumerate(("cs.LG", "cs.CL", "cs.LG", ""))]
    assert tally(works).fields == (("cs.LG", 2), ("cs.CL", 1))


@pytest.mark.parametrize(
    ("stated", "left_out"),
    [
        ({"h_index": "117", "papers": "25", "citations": "11105"}, {"h_index", "papers"}),
        ({"h_index": "117", "citations": "11,105"}, {"h_index", "citations"}),
        ({"h_index": "15", "papers": "24", "citations": "2445"}, set()),
        ({"h_index": "15"}, set()),
        ({"papers": "24"}, set()),
        ({"h_index": "many", "papers": "1"}, set()),
        ({}, set()),
    ],
)
def test_what_cannot_be_true_together_is_left_out(stated: dict[str, str], left_out: set[str]) -> None:
    assert doubtful(stated) == left_out
    assert bool(doubt(stated)) == bool(left_out)
