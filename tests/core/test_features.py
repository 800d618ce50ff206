"""The numbers that the forecast reads in columns are those of a plain reading of each paper."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.feature_rows import feature_rows
from digest.core.features import FEATURES, STARS, VOTES
from digest.core.pages import PageVotes
from digest.core.signals import PAGE_PLACE, Movement, Point
from tests.core.plain_features import features

NOW = datetime(2026, 5, 20, 6, 30, tzinfo=UTC)

_instants = st.lists(
    st.sampled_from([0, 0.5, 3, 4, 6, 10, 18, 24, 30, 72, 96, 102.5]) | st.integers(0, 10**6).map(lambda n: n / 6_000),
    min_size=1,
    max_size=6,
    unique=True,
).map(lambda hours: [NOW - timedelta(hours=one) for one in sorted(hours, reverse=True)])
_numbers = st.integers(0, 40) | st.floats(0, 1e9)


@st.composite
def _moved(draw: st.DrawFn, signal: str) -> Movement:
    """Draw what one signal says, with points as they are read: in order of time, one an instant."""
    sizes = st.none() | st.integers(1, 60) if signal == PAGE_PLACE else st.none()
    points: list[Point] = [(at, float(draw(_numbers)), draw(sizes)) for at in draw(_instants)]
    gained, hours = draw(_numbers), draw(st.sampled_from([0.0, 24.0]))
    return Movement(signal, 1.0, 0.5, points[-1][1], gained, hours, points=tuple(points))


_read = st.fixed_dictionaries({}, optional={signal: _moved(signal) for signal in (VOTES, PAGE_PLACE, STARS)})
_days = st.none() | st.dates(date(2026, 5, 13), date(2026, 5, 22))
_page_votes = st.none() | st.builds(PageVotes, *[st.floats(-9, 9) | st.just(float("nan"))] * 6)


@given(st.lists(st.tuples(_read, _days, _page_votes), max_size=6))
def test_numbers_in_columns_are_those_of_each_paper_alone(
    papers: list[tuple[dict[str, Movement], date, PageVotes]],
) -> None:
    read, listed_on, compared = zip(*papers, strict=True) if papers else ((), (), ())
    rows = feature_rows(read, listed_on, NOW, compared)
    assert rows.shape == (len(papers), len(FEATURES))
    expected = np.array([features(one, day, NOW, beside) for one, day, beside in papers]).reshape(rows.shape)
    assert rows.ravel().tolist() == pytest.approx(expected.ravel().tolist(), rel=1e-12, abs=1e-12, nan_ok=True)
