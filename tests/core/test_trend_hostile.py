"""Whatever a source claims, a score stays finite, in order and explained."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.paper import Observation
from digest.core.signals import KINDS
from digest.core.trend import Appraisal, Candidate, TrendScore, appraise, appraise_all, trend_scores

NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)
CALM = tuple((hours, 40 - hours) for hours in (40, 34, 28, 20, 13, 7, 1))  # upvotes by hours ago

Counts = Sequence[tuple[float, float]]
Harm = Callable[[Counts, float], Counts]


def paper(counts: Counts, signal: str = "hf_upvotes", paper_id: int = 1) -> Candidate:
    seen = [Observation(signal, NOW - timedelta(hours=hours), value, "hf", 30) for hours, value in counts]
    return Candidate(paper_id=paper_id, listed_on=date(2026, 5, 18), observations=seen)


def appraised(counts: Counts, signal: str = "hf_upvotes") -> Appraisal:
    return appraise(paper(counts, signal), NOW)


def assert_sound(scores: Sequence[TrendScore]) -> None:
    for score in scores:
        assert math.isfinite(score.value)
        assert 0 < score.value <= 1
        assert sum(part.share for part in score.parts) == pytest.approx(1, abs=1e-3)
        assert all(part.words and part.name for part in score.parts)
        assert [part.share for part in score.parts] == sorted((part.share for part in score.parts), reverse=True)
        assert len(score.evidence) > 10
        assert score.evidence.endswith(".")
    by_value = sorted(scores, key=lambda score: score.value)
    for lower, higher in pairwise(by_value):
        assert lower.percentile is not None
        assert higher.percentile is not None
        assert lower.percentile <= higher.percentile


def missing(counts: Counts, odd: float) -> Counts:
    return [one for index, one in enumerate(counts) if index % 3 != int(odd) % 3]


def late(counts: Counts, odd: float) -> Counts:
    return [*counts, (-odd - 0.01, 5_000)]  # dated after the instant of scoring


def duplicated(counts: Counts, odd: float) -> Counts:
    return [*counts] * (1 + int(odd) % 4)


def decreasing(counts: Counts, _odd: float) -> Counts:
    return [(hours, max(value for _hours, value in counts) - value) for hours, value in counts]


def absurd(counts: Counts, odd: float) -> Counts:
    values = (10**12, math.nan, math.inf, -1, 10**400)
    return [*counts, (odd % 30, values[int(odd) % len(values)])]


HARMS: tuple[Harm, ...] = (missing, late, duplicated, decreasing, absurd)
_counts = st.lists(st.tuples(st.floats(0, 160), st.integers(0, 10**6)), max_size=10)
_papers = st.tuples(_counts, st.sampled_from([*KINDS]), st.sampled_from(HARMS), st.floats(0, 100))


@given(st.lists(_papers, min_size=1, max_size=7))
def test_every_harm_leaves_finite_ordered_and_explained_scores(told: list[tuple[Counts, str, Harm, float]]) -> None:
    candidates = [
        paper(harm(counts, odd), signal, paper_id=number) for number, (counts, signal, harm, odd) in enumerate(told)
    ]
    assert_sound(trend_scores(appraise_all(candidates, NOW)))


@given(_counts, st.sampled_from([*KINDS]), st.sampled_from([late, duplicated, absurd]), st.floats(0, 100))
def test_what_cannot_be_or_was_said_before_changes_nothing(counts: Counts, signal: str, harm: Harm, odd: float) -> None:
    assert appraised(harm(counts, odd), signal) == appraised(counts, signal)


@pytest.mark.parametrize("signal", [name for name in KINDS if name != "hf_page_rank"])
@pytest.mark.parametrize("stars", [10**9, 10**12, 10**15])
def test_one_absurd_count_among_sane_ones_does_not_lift_a_paper(signal: str, stars: int) -> None:
    calm = appraised(CALM, signal).value
    for hours in (38, 24, 10):
        assert appraised([*CALM, (hours, stars)], signal).value == pytest.approx(calm, rel=0.05)


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=9))
def test_a_count_that_falls_claims_no_more_than_its_best(falling: list[int]) -> None:
    counts = [(8.0 * (index + 1), value) for index, value in enumerate(sorted(falling))]  # the least is the newest
    claimed = appraised(counts)
    assert claimed.value <= appraised([(0.5, max(falling))]).value + 1e-6
    assert "+0 " not in claimed.lead


@given(_counts, st.sampled_from([*KINDS]))
def test_a_signal_that_is_missing_never_makes_a_paper_worse_than_one_without_any(counts: Counts, signal: str) -> None:
    assert appraised(counts, signal).value >= appraised([]).value - 0.06  # the forecast judges age by itself


def test_a_clock_that_is_wrong_by_years_is_passed_over() -> None:
    for hours in (-24 * 365 * 900, 24 * 365 * 900):
        assert appraised([*CALM, (hours, 7)]) == appraised(CALM)


def test_pages_of_impossible_size_are_read_as_pages_of_unknown_size() -> None:
    at = NOW - timedelta(hours=1)
    plain = Candidate(paper_id=1, observations=[Observation("hf_page_rank", at, 3, "hf", None)])
    for size in (0, -4, 10**12, 10**400):
        odd = Candidate(paper_id=1, observations=[Observation("hf_page_rank", at, 3, "hf", size)])
        assert appraise(odd, NOW) == appraise(plain, NOW)
