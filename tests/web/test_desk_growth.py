"""The chart of growth: its bars fit their frame, and what it draws stands beside it in words and in a table."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.growth import Came, GrowthDay
from digest.web.desk_growth import BARS_HEIGHT, LINE_HEIGHT, WIDTH, draw
from tests.web.conftest import TODAY, Place
from tests.web.test_admin import sign_in
from tests.web.test_readers import confirm_token, subscribe

FEW = st.integers(0, 10_000)
DAYS = st.lists(st.tuples(FEW, FEW, FEW, FEW), min_size=1, max_size=365).map(
    lambda rows: [
        GrowthDay(TODAY + timedelta(days=n), Came(*row[:3]), row[3]) for n, row in enumerate(rows)
    ]
)  # fmt: skip


@given(DAYS)
def test_everything_is_drawn_within_its_frame(days: list[GrowthDay]) -> None:
    drawn = draw(days)
    for bar in drawn.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.1
        assert -0.11 <= bar.y <= bar.y + bar.height <= BARS_HEIGHT + 0.31
        assert (bar.y + bar.height <= drawn.base + 0.11) if bar.kind == "in" else (bar.y >= drawn.base - 0.01)
    points = [tuple(map(float, point.split(","))) for point in drawn.points.split()]
    assert len(points) == len(days)
    assert all(0 <= x <= WIDTH and 0 <= y <= LINE_HEIGHT for x, y in points)


@pytest.mark.parametrize("span", [1, 30, 90, 365])
def test_the_page_draws_tells_and_tabulates_the_days(place: Place, span: int) -> None:
    subscribe(place)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    sign_in(place)
    page = place.browser.get(f"/admin/growth?days={span}").text
    assert page.count('<rect class="in"') == 1
    assert "upwards who confirmed, 1 in all" in page
    assert page.count('<tr><th scope="row">') == span
    assert '<th scope="row">20 May 2026</th><td class="figure">1</td>' in page
    assert "<script" not in page
    assert 'style="' not in page


def test_a_span_that_makes_no_sense_is_refused(place: Place) -> None:
    sign_in(place)
    for odd in ("0", "-1", "100000000000000000000", "x", "366"):
        assert place.browser.get(f"/admin/growth?days={odd}").status_code == 422
