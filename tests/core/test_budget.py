"""What services say of their limits is believed within reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.budget import LONGEST_HOLD, Budget, budget_in, held_until

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)


def test_githubs_reset_is_an_instant() -> None:
    said = {
        "x-ratelimit-remaining": "57",
        "x-ratelimit-limit": "60",
        "x-ratelimit-reset": str(int(NOW.timestamp()) + 90),
    }
    assert budget_in(said, NOW) == Budget(57, 60, NOW + timedelta(seconds=90))


def test_a_small_reset_is_a_wait() -> None:
    said = {"ratelimit-remaining": "3", "ratelimit-reset": "30"}
    assert budget_in(said, NOW) == Budget(3, None, NOW + timedelta(seconds=30))


@pytest.mark.parametrize("left", ["", "-1", "many", "٣", "1e3", "9" * 40])
def test_what_is_no_count_is_no_budget(left: str) -> None:
    assert budget_in({"x-ratelimit-remaining": left}, NOW) is None


@given(st.dictionaries(st.sampled_from([f"x-ratelimit-{one}" for one in ("remaining", "limit", "reset")]), st.text()))
def test_any_header_gives_a_budget_with_a_reset_within_reason_or_none(headers: dict[str, str]) -> None:
    budget = budget_in(headers, NOW)
    assert budget is None or budget.left >= 0
    if budget and budget.resets_at:
        assert abs(budget.resets_at - NOW) <= timedelta(days=32)


@given(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)))
def test_a_service_is_left_alone_for_a_day_at_most(seconds: float | None) -> None:
    until = held_until(seconds, NOW)
    assert until is None or NOW <= until <= NOW + LONGEST_HOLD
