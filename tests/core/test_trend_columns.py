"""The columns in which many papers are read say what a plain reading of each paper says."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core import candidate as candidates_of
from digest.core.candidate import Candidate, batches, in_columns
from digest.core.evidence import ground
from digest.core.forecast import FORESEEN, PARTS
from digest.core.movements import movements_of
from digest.core.paper import Observation
from digest.core.signals import KINDS, Movement
from digest.core.steady import steadied, steadied_series
from digest.core.trend import appraise, appraise_all, trend_scores
from digest.core.valuing import promises, valued
from tests.core import plain

NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)

_values = st.integers(0, 60) | st.integers(0, 10**9) | st.floats(0, 1e9) | st.just(math.nan) | st.integers(-5, 10**12)
_observations = st.builds(
    Observation,
    signal=st.sampled_from([*KINDS, "hf_upvotes", "hf_upvotes", "unheard_of"]),
    at=st.integers(-3, 190).map(lambda hours: NOW - timedelta(hours=hours))
    | st.integers(-(10**6), 7 * 86_400 * 10**6).map(lambda ticks: NOW - timedelta(microseconds=ticks)),
    value=_values,
    source=st.sampled_from(["hf", "github", "simulated"]),
    of=st.none() | st.integers(0, 60),
)
_papers = st.builds(
    Candidate,
    paper_id=st.integers(1, 10**6),
    primary_category=st.sampled_from(["", "cs.LG", "cs.AI"]),
    listed_on=st.none() | st.dates(date(2026, 5, 10), date(2026, 5, 22)),
    has_code=st.sampled_from([None, True, False]),
    listings=st.integers(0, 5),
    categories=st.integers(0, 5),
    observations=st.lists(_observations, max_size=14),
)
_batches = st.lists(_papers, min_size=1, max_size=6)


def listed_at(candidate: Candidate) -> datetime | None:
    return datetime.combine(candidate.listed_on, time(), UTC) if candidate.listed_on else None


def same(found: Movement, expected: Movement) -> bool:
    assert [at for at, _value, _of in found.points] == [at for at, _value, _of in expected.points]
    assert [of or None for *_point, of in found.points] == [of or None for *_point, of in expected.points]
    assert [value for _at, value, _of in found.points] == pytest.approx([value for _at, value, _of in expected.points])
    assert found[1:6] == pytest.approx(expected[1:6], rel=1e-9, abs=1e-9)
    return (found.signal, *found[6:9]) == (expected.signal, *expected[6:9])


@given(_batches)
def test_many_papers_read_at_once_say_what_each_says_alone(papers: list[Candidate]) -> None:
    read = movements_of(in_columns([one.observations for one in papers]), [listed_at(one) for one in papers], NOW)
    for candidate, found in zip(papers, read, strict=True):
        expected = plain.movements(candidate.observations, NOW, listed_at(candidate))
        assert len(found) == len(expected)
        assert all(same(*pair) for pair in zip(found, expected, strict=True))


@given(st.lists(st.lists(_values.map(abs).filter(math.isfinite), min_size=1, max_size=20), min_size=1, max_size=9))
def test_series_laid_end_to_end_are_steadied_as_one_is(series: list[list[float]]) -> None:
    starts = np.cumsum([0, *map(len, series)])[:-1]
    steady = steadied_series(np.array([float(value) for one in series for value in one]), starts)
    expected = [value for one in series for value in plain.steadied(one)]
    assert steady.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert steadied(series[0]) == pytest.approx(plain.steadied(series[0]), rel=1e-9, abs=1e-9)


@given(
    st.lists(st.sets(st.sampled_from(FORESEEN), min_size=1).map(sorted), min_size=1, max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_a_promise_is_shared_by_how_far_each_signal_moved_it(told: list[list[str]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    by_part = rng.normal(0, 2, (len(PARTS), len(told)))
    flags = np.array([[signal in one for signal in FORESEEN] for one in told])
    found = promises(np.ones(len(told)), by_part, [1.0] * len(told), flags)
    assert not found[~flags].any()
    for column, (row, signals) in enumerate(zip(found.tolist(), told, strict=True)):
        shares = {signal: share for signal, share in zip(FORESEEN, row, strict=True) if signal in signals}
        leanings = {signal: math.exp(by_part[PARTS.index(signal), column]) for signal in signals}
        assert shares == pytest.approx(
            {signal: share * (1 - math.exp(-1 / 2.5)) for signal, share in plain.shared(leanings).items()}
        )


@given(_batches, st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_values_and_parts_are_those_of_the_plain_sum(papers: list[Candidate], promised: list[float]) -> None:
    for candidate in papers:
        moved = plain.movements(candidate.observations, NOW, listed_at(candidate))
        known = [one.signal for one in moved if one.signal in FORESEEN]
        promise = {signal: share / len(known) for signal, share in zip(known, promised, strict=False)}
        expected = plain.appraisal(candidate, moved, promise, NOW)
        start = ground(
            (NOW.date() - candidate.listed_on).days if candidate.listed_on else None,
            foretold=bool(promise),
            has_code=bool(candidate.has_code),
            categories=candidate.categories,
            listings=candidate.listings,
        )
        amounts = np.array([[plain.FORETOLD * promise.get(signal, 0.0) for signal in FORESEEN]])
        ((value, shares),) = valued([moved], amounts, np.array([[signal in promise for signal in FORESEEN]]), [start])
        assert value == pytest.approx(expected.value, abs=2e-6)
        assert dict(shares) == pytest.approx({part.name: part.share for part in expected.parts}, abs=2e-4)
        assert [share for _name, share in shares] == sorted((share for _name, share in shares), reverse=True)


@given(_batches)
def test_a_paper_on_no_page_is_appraised_alike_in_any_company(papers: list[Candidate]) -> None:
    on_page = [any(seen.signal == "hf_page_rank" for seen in one.observations) for one in papers]
    for one, together, paged in zip(papers, appraise_all(papers, NOW), on_page, strict=True):
        assert paged or together == appraise(one, NOW)


@given(_batches)
def test_papers_are_appraised_alike_in_any_order(papers: list[Candidate]) -> None:
    assert appraise_all(papers[::-1], NOW) == appraise_all(papers, NOW)[::-1]


def test_batches_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    papers = [
        Candidate(paper_id=n, listed_on=NOW.date(), observations=[Observation("hf_upvotes", NOW, n, "hf")])
        for n in range(10)
    ]
    whole = trend_scores(appraise_all(papers, NOW))
    monkeypatch.setattr(candidates_of, "AT_ONCE", 3)
    assert [len(batch.candidates) for batch in batches(papers)] == [3, 3, 3, 1]
    assert trend_scores(appraise_all(papers, NOW)) == whole
