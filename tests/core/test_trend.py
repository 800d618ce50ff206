"""Observations become a score: finite, fair to what is missing, hard to buy, and explained."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.paper import Observation
from digest.core.signals import KINDS
from digest.core.steady import steadied
from digest.core.trend import MAX_SHARE, Candidate, TrendScore, appraise, appraise_all, trend_scores

NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


def seen(value: float, hours_ago: float, signal: str = "hf_upvotes", source: str = "hf", **more: Any) -> Observation:
    return Observation(signal, NOW - timedelta(hours=hours_ago), value, source, **more)


def paper(*observations: Observation, paper_id: int = 1, **known: Any) -> Candidate:
    facts: dict[str, Any] = {"primary_category": "cs.LG", "listed_on": date(2026, 5, 18), **known}
    return Candidate(paper_id=paper_id, observations=observations, **facts)


def value(*observations: Observation, **known: Any) -> float:
    return appraise(paper(*observations, **known), NOW).value


def scores(*candidates: Candidate) -> list[TrendScore]:
    return trend_scores([appraise(one, NOW) for one in candidates])


def test_an_influential_citation_is_not_counted_twice() -> None:
    cited = (seen(2, 30, "citations"), seen(9, 1, "citations"))
    assert value(*cited, seen(9, 1, "influential_citations")) == value(*cited)


def test_what_grows_stands_above_what_only_has_much() -> None:
    assert value(seen(2, 30), seen(40, 1)) > value(seen(40, 30), seen(41, 1)) > value(seen(1, 30), seen(1, 1))


def test_a_missing_signal_is_not_a_zero() -> None:
    votes = (seen(2, 30), seen(40, 1))
    assert value(*votes) > value(*votes, seen(0, 30, "github_stars"), seen(0, 1, "github_stars"))
    assert value() < value(seen(1, 1)) + 1e-9


def test_a_paper_without_any_signal_has_a_place_by_day_and_code() -> None:
    fresh, old = value(listed_on=date(2026, 5, 20)), value(listed_on=date(2026, 5, 14))
    assert 0 < old < fresh < value(listed_on=date(2026, 5, 20), has_code=True)
    (score,) = scores(paper(has_code=True))
    assert score.evidence == "Listed 2 days ago, code is available; no votes, stars or comments seen yet."


def test_one_weak_signal_does_not_overtake_a_strong_one_with_company() -> None:
    strong = (seen(5, 30), seen(90, 1), seen(1, 30, "hf_comments"), seen(6, 1, "hf_comments"))
    assert value(seen(3, 1, "hn_points")) < value(*strong)


def test_bought_stars_are_held_to_their_share() -> None:
    bought = appraise(paper(seen(10, 30, "github_stars"), seen(90_000, 1, "github_stars"), seen(3, 1)), NOW)
    assert max(part.share for part in bought.parts) <= MAX_SHARE + 1e-3
    honest = value(seen(4, 30), seen(60, 1), seen(1, 30, "hf_comments"), seen(8, 1, "hf_comments"))
    assert bought.value < honest + 0.2


def test_growth_fades_when_nothing_more_is_heard() -> None:
    assert value(seen(2, 130), seen(40, 100)) < value(seen(2, 30), seen(40, 1))


def test_a_repeated_observation_changes_nothing() -> None:
    once = (seen(2, 30), seen(40, 1))
    assert value(*once, *once) == value(*once)


def test_observations_after_the_instant_and_before_the_window_do_not_count() -> None:
    assert value(seen(2, 30), seen(40, 1), seen(9_000, -1), seen(0, 24 * 8)) == value(seen(2, 30), seen(40, 1))


@pytest.mark.parametrize("absurd", [math.nan, math.inf, -math.inf, -5, 1e12, 10**400])
def test_an_absurd_value_is_passed_over(absurd: float) -> None:
    assert value(seen(2, 30), seen(absurd, 12), seen(40, 1)) == value(seen(2, 30), seen(40, 1))


def test_a_single_spike_or_dip_moves_little() -> None:
    calm = value(seen(30, 50), seen(32, 30), seen(34, 10), seen(36, 1))
    for odd in (0, 100_000):
        assert value(seen(30, 50), seen(32, 30), seen(odd, 10), seen(36, 1)) == pytest.approx(calm, rel=0.05)


def test_a_count_that_only_falls_shows_no_gain() -> None:
    (score,) = scores(paper(seen(40, 40), seen(30, 20), seen(20, 1)))
    assert "+" not in score.evidence


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=12))
def test_steadied_counts_never_fall_and_stay_in_their_range(values: list[float]) -> None:
    steady = steadied(values)
    assert len(steady) == len(values)
    assert all(before <= after * (1 + 1e-9) + 1e-6 for before, after in pairwise(steady))
    assert min(values) * (1 - 1e-6) - 1e-6 <= steady[0]
    assert steady[-1] <= max(values) * (1 + 1e-6) + 1e-6


def test_the_page_place_counts_the_better_the_higher() -> None:
    first, last = seen(1, 1, "hf_page_rank", of=26), seen(26, 1, "hf_page_rank", of=26)
    assert value(first) > value(last) > 0
    assert appraise(paper(first), NOW).lead == "Noticed: place 1 of 26 on the day's page"


def on_page(*counts: tuple[int, int | None], first_seen: int = 20) -> list[Candidate]:
    """Return papers of one page by their place and their votes of some hours ago, None where nobody counted."""
    day = (NOW - timedelta(hours=first_seen)).date()
    found = []
    for number, (place, votes) in enumerate(counts, start=1):
        places = [seen(place, hours, "hf_page_rank", of=len(counts)) for hours in (first_seen, 1)]
        counted = [seen(votes, 12)] if votes is not None else []
        found.append(paper(*places, *counted, paper_id=number, listed_on=day))
    return found


def test_a_paper_that_climbed_over_those_with_more_votes_is_valued_by_its_place() -> None:
    climbed = on_page((1, 40), (2, 9), (3, 30), (4, 20), (5, 10), (6, 8), (7, 3))
    together = appraise_all(climbed, NOW)
    assert together[1].value > appraise(climbed[1], NOW).value
    assert together[1].value > together[3].value


def test_papers_of_other_pages_and_their_order_do_not_matter() -> None:
    page = on_page((1, 40), (2, 9), (3, 30), (4, None), (5, 10))
    before = on_page((1, 90), (2, 70), (3, 50), (4, 20), first_seen=45)
    alone = {one.paper_id: one for one in appraise_all(page, NOW)}
    shuffled = [before[2], page[3], page[1], before[0], page[4], page[0], before[1], before[3], page[2]]
    for candidate, one in zip(shuffled, appraise_all(shuffled, NOW), strict=True):
        if candidate in page:
            assert one == alone[candidate.paper_id]


def test_a_title_speaks_as_a_part_of_its_own_and_only_beside_signals() -> None:
    votes = (seen(2, 30), seen(40, 1))
    named, plain = (appraise(paper(*votes, title=title), NOW) for title in ("Agents with agentic reasoning", ""))
    assert named.value > plain.value
    (part,) = [part for part in named.parts if part.name == "title"]
    assert 0 < part.share < 0.1
    assert part.words == "“agents” and “agentic” in the title"
    assert value(title="Agents with agentic reasoning") == value()


def test_the_evidence_is_made_from_the_strongest_part() -> None:
    rival = [paper(seen(5, 20), seen(6, 1), paper_id=n) for n in range(2, 12)]
    best = scores(paper(seen(10, 7), seen(48, 1)), *rival)[0]
    assert best.evidence == "Gaining fast: +38 upvotes in 6 h, more than 90 % of cs.LG this week."
    assert not best.simulated


def test_a_fresh_paper_seen_once_has_gained_it_all_since_its_listing() -> None:
    assert appraise(paper(seen(12, 1)), NOW).lead == "Gaining: +12 upvotes since it was listed"
    assert appraise(paper(seen(12, 1), listed_on=None), NOW).lead == "Noticed: 12 upvotes"


def test_made_up_signals_are_named_as_such() -> None:
    (score,) = scores(paper(seen(10, 7, source="simulated"), seen(48, 1, source="simulated")))
    assert score.simulated
    assert "+38 simulated upvotes" in score.evidence
    mixed = paper(seen(10, 7), seen(48, 1), seen(1, 1, "hn_points", source="simulated"))
    assert scores(mixed)[0].simulated
    assert "with simulated signals" in scores(mixed)[0].evidence


def test_a_real_signal_speaks_before_a_made_up_one_of_its_kind() -> None:
    (score,) = scores(paper(seen(1, 30), seen(2, 1), seen(0, 30, source="simulated"), seen(500, 1, source="simulated")))
    assert not score.simulated


def test_percentiles_are_within_the_category_with_ties_at_their_middle() -> None:
    tied = [paper(paper_id=n) for n in range(4)]
    best = paper(seen(1, 30), seen(40, 1), paper_id=9)
    elsewhere = [paper(seen(1, 30), seen(400, 1), paper_id=n, primary_category="cs.CV") for n in range(20, 26)]
    found = {score.paper_id: score.percentile for score in scores(*tied, best, *elsewhere)}
    assert found[9] == 90.0
    assert {found[n] for n in range(4)} == {40.0}
    assert {found[n] for n in range(20, 26)} == {50.0}


def test_a_small_category_is_compared_with_all_and_says_so() -> None:
    crowd = [paper(paper_id=n) for n in range(10)]
    lone = paper(seen(1, 30), seen(40, 1), paper_id=99, primary_category="math.CO")
    score = scores(*crowd, lone)[-1]
    assert score.percentile == pytest.approx(95.45)
    assert score.evidence.endswith("more than 90 % of all papers this week.")


_wild = st.floats() | st.integers(-10, 10**12).map(float) | st.sampled_from([10**400, -(10**400)])
_observations = st.builds(
    Observation,
    signal=st.sampled_from([*KINDS, "unheard_of", ""]),
    at=st.integers(-50, 400).map(lambda hours: NOW - timedelta(hours=hours)),
    value=_wild,
    source=st.sampled_from(["hf", "github", "simulated"]),
    of=st.none() | st.integers(-5, 10**12),
)
_candidates = st.builds(
    Candidate,
    paper_id=st.integers(1, 10**6),
    primary_category=st.sampled_from(["", "cs.LG", "cs.AI"]),
    listed_on=st.none() | st.dates(date(2026, 5, 10), date(2026, 5, 25)),
    has_code=st.sampled_from([None, True, False]),
    listings=st.integers(0, 50),
    title=st.text() | st.sampled_from(["Reasoning agents", "A survey of diffusion models"]),
    categories=st.integers(0, 50),
    observations=st.lists(_observations, max_size=12),
)


@given(st.lists(_candidates, min_size=1, max_size=8))
def test_every_score_is_finite_and_explained_whatever_was_observed(candidates: list[Candidate]) -> None:
    found = scores(*candidates)
    assert len(found) == len(candidates)
    for score in found:
        assert 0 < score.value <= 1
        assert score.percentile is not None
        assert 0 <= score.percentile < 100
        assert sum(part.share for part in score.parts) == pytest.approx(1, abs=1e-3)
        # Where a paper starts is all there is of one that nobody has noticed; nothing else may be most of a score.
        assert all(part.share <= MAX_SHARE + 1e-3 for part in score.parts if part.name != "listing")
        assert score.evidence.endswith(".")
    groups = [candidate.primary_category for candidate in candidates]
    for (one, group), (other, same) in combinations(zip(found, groups, strict=True), 2):
        if group == same and one.percentile is not None and other.percentile is not None:
            assert (one.value < other.value) == (one.percentile < other.percentile)


@given(_candidates, st.randoms(use_true_random=False))
def test_the_order_of_observations_does_not_matter(candidate: Candidate, random: Any) -> None:
    shuffled = list(candidate.observations)
    random.shuffle(shuffled)
    known = {name: getattr(candidate, name) for name in Candidate.__dataclass_fields__ if name != "observations"}
    assert appraise(Candidate(**known, observations=shuffled), NOW) == appraise(candidate, NOW)


@given(st.integers(0, 2_000), st.integers(0, 2_000), st.integers(1, 90), st.integers(0, 400), st.booleans())
def test_more_upvotes_now_never_lower_the_score(before: int, now: int, hours: int, more: int, paged: bool) -> None:
    places = (seen(3, 2, "hf_page_rank", of=20),) if paged else ()
    fewer = value(seen(before, hours + 1), seen(before + now, 1), *places)
    assert fewer <= value(seen(before, hours + 1), seen(before + now + more, 1), *places)


@given(st.integers(0, 500), st.integers(0, 10**8), st.integers(0, 10**6))
def test_stars_buy_little_and_never_cost(votes: int, stars: int, more: int) -> None:
    base = value(seen(votes, 2), seen(stars, 3, "github_stars"))
    assert base <= value(seen(votes, 2), seen(stars + more, 3, "github_stars")) <= base + 0.2
