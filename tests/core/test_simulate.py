"""The demo's signals: the same everywhere and always, and plausible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.paper import Observation
from digest.core.simulate import simulated_observations

AS_OF = datetime(2026, 5, 20, 7, 30, tzinfo=UTC)
KEYS = [f"paper number {number}" for number in range(150)]
INSTANTS = st.datetimes(datetime(2025, 6, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # given UTC


def made(key: str, as_of: datetime = AS_OF) -> dict[tuple[str, datetime], Observation]:
    return {(seen.signal, seen.at): seen for seen in simulated_observations(key, as_of, has_code=True)}


def test_every_observation_says_that_it_is_simulated() -> None:
    assert {seen.source for key in KEYS for seen in simulated_observations(key, AS_OF, has_code=True)} == {"simulated"}


def test_instants_are_marks_of_six_hours_in_the_last_fortnight() -> None:
    instants = {seen.at for key in KEYS for seen in simulated_observations(key, AS_OF)}

    assert all(at.hour % 6 == 0 and (at.minute, at.second, at.microsecond) == (0, 0, 0) for at in instants)
    assert max(instants) == datetime(2026, 5, 20, 6, tzinfo=UTC)
    assert min(instants) >= AS_OF - timedelta(days=14, hours=6)


def test_the_zone_of_the_instant_does_not_matter() -> None:
    elsewhere = AS_OF.astimezone(timezone(timedelta(hours=-7, minutes=-30)))

    assert all(simulated_observations(key, elsewhere) == simulated_observations(key, AS_OF) for key in KEYS[:40])


@pytest.mark.parametrize("minutes", [0, 90, 269])
def test_the_same_six_hours_give_the_same_history(minutes: int) -> None:
    later = AS_OF + timedelta(minutes=minutes)

    assert all(simulated_observations(key, later) == simulated_observations(key, AS_OF) for key in KEYS[:40])


@given(st.text(max_size=30), INSTANTS, st.timedeltas(timedelta(0), timedelta(days=20)))
def test_a_later_day_never_changes_the_past(key: str, as_of: datetime, past: timedelta) -> None:
    now, later = made(key, as_of), made(key, as_of + past)
    since = as_of + past - timedelta(days=14)

    assert {which: seen for which, seen in now.items() if which[1] >= since} == {
        which: seen for which, seen in later.items() if since <= which[1] <= as_of
    }


@given(st.text(max_size=30), INSTANTS)
def test_no_signal_ever_falls(key: str, as_of: datetime) -> None:
    last: dict[str, float] = {}
    for seen in simulated_observations(key, as_of, has_code=True):
        assert seen.value >= max(1, last.get(seen.signal, 0))
        assert seen.value == int(seen.value)
        last[seen.signal] = seen.value


def test_only_papers_with_code_have_stars() -> None:
    without = {seen.signal for key in KEYS for seen in simulated_observations(key, AS_OF)}
    having = {seen.signal for key in KEYS for seen in simulated_observations(key, AS_OF, has_code=True)}

    assert without == {"hf_upvotes", "hf_comments", "hn_points"}
    assert having == without | {"github_stars"}


def test_papers_differ_as_papers_do() -> None:
    histories = [simulated_observations(key, AS_OF) for key in KEYS]
    gains = []
    for history in histories:
        upvotes = [seen.value for seen in history if seen.signal == "hf_upvotes"]
        gains.append(upvotes[-1] - upvotes[0] if upvotes else 0)

    assert 10 <= sum(not history for history in histories) <= 45
    assert 8 <= sum(any(seen.signal == "hn_points" for seen in history) for history in histories) <= 75
    assert sum(gain >= 10 for gain in gains) >= 5
    assert sum(gain <= 3 for gain in gains) >= 50


def test_a_naive_instant_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="aware"):
        simulated_observations("paper", datetime(2026, 5, 20))  # noqa: DTZ001  # the mistake in question
