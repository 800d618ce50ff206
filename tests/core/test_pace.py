"""How fast a domain is mailed, and that one that asks for less is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.pace import Limit, Pace, Why, read_limits

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def send(pace: Pace, domain: str, now: datetime, code: int = 250, enhanced: str = "") -> None:
    pace.begun(domain, now)
    pace.ended(domain, now, code=code, enhanced=enhanced)


def test_only_so_many_are_under_way_at_once() -> None:  # checklist 45
    pace = Pace(Limit(at_once=2))
    for _ in range(2):
        assert pace.may_go("x.test", NOW)
        pace.begun("x.test", NOW)
    assert not pace.may_go("X.test", NOW)
    assert pace.may_go("y.test", NOW)
    pace.ended("x.test", NOW, code=250)
    assert pace.may_go("x.test", NOW)


@given(st.integers(1, 600), st.lists(st.integers(0, 5_000), min_size=1, max_size=200))
def test_a_minute_never_holds_more_than_its_share_and_a_burst(per_minute: int, gaps: list[int]) -> None:  # checklist 45
    pace = Pace(Limit(at_once=10**6, per_minute=per_minute))
    now, went = NOW, []
    for gap in gaps:
        now += timedelta(milliseconds=gap)
        while pace.may_go("x.test", now) and len(went) < 5_000:
            send(pace, "x.test", now)
            went.append(now)
    burst = max(1, per_minute / 6)
    for first in went[:: max(1, len(went) // 20)]:
        within = sum(first <= one < first + MINUTE for one in went)
        assert within <= per_minute + burst + 1


def test_it_says_when_a_domain_is_free_again() -> None:
    pace = Pace(Limit(at_once=100, per_minute=6))
    send(pace, "x.test", NOW)
    assert not pace.may_go("x.test", NOW)
    free = pace.free_at("x.test", NOW)
    assert timedelta(seconds=9) < free - NOW <= timedelta(seconds=10)
    assert pace.may_go("x.test", free + timedelta(milliseconds=1))


@pytest.mark.parametrize(
    ("code", "enhanced"), [(421, ""), (421, "4.2.1"), (451, "4.7.1"), (452, "4.3.1"), (450, "4.4.2")]
)
def test_a_domain_that_defers_is_left_alone_longer_each_time(code: int, enhanced: str) -> None:  # checklist 40
    pace, now, waits = Pace(), NOW, []
    for _ in range(8):
        send(pace, "x.test", now, code, enhanced)
        assert not pace.may_go("x.test", now)
        assert pace.may_go("y.test", now)
        waits.append(pace.free_at("x.test", now) - now)
        now = pace.free_at("x.test", now)
    assert waits[:5] == [MINUTE * number for number in (1, 2, 4, 8, 16)]
    assert waits[-1] == 30 * MINUTE
    send(pace, "x.test", now)
    send(pace, "x.test", now, 421)
    assert pace.free_at("x.test", now) - now == MINUTE


def test_a_full_mailbox_and_the_first_greylistings_slow_nobody_else() -> None:
    pace = Pace()
    for _ in range(10):
        send(pace, "x.test", NOW, 452, "4.2.2")
    send(pace, "x.test", NOW, 450)
    send(pace, "x.test", NOW, 451)
    assert pace.may_go("x.test", NOW)
    send(pace, "x.test", NOW, 451)
    assert not pace.may_go("x.test", NOW)
    assert list(pace.waiting(NOW)) == ["x.test"]
    assert pace.waiting(NOW + 2 * MINUTE) == {}


def test_several_deferrals_at_once_are_one_wait() -> None:
    pace = Pace()
    for _ in range(5):
        pace.begun("x.test", NOW)
    for _ in range(5):
        pace.ended("x.test", NOW, code=421)
    assert pace.free_at("x.test", NOW) == NOW + MINUTE


def test_a_rejection_is_no_deferral() -> None:
    pace = Pace()
    for _ in range(10):
        send(pace, "x.test", NOW, 550, "5.1.1")
    assert pace.may_go("x.test", NOW)


def test_some_domains_have_limits_of_their_own() -> None:
    pace = Pace(Limit(at_once=1), {"Big.test": Limit(at_once=3)})
    for _ in range(2):
        pace.begun("big.test", NOW)
    assert pace.may_go("BIG.test", NOW)


def test_it_forgets_domains_but_not_those_under_way() -> None:
    pace = Pace(Limit(at_once=5))
    pace.begun("first.test", NOW)
    for number in range(20_500):
        send(pace, f"{number}.test", NOW)
    assert len(pace._domains) <= 20_001
    assert "first.test" in pace._domains


def test_a_domain_without_a_limit_is_not_counted_until_it_defers() -> None:
    pace = Pace()
    for _ in range(1_000):
        pace.begun("x.test", NOW)
    assert pace.may_go("x.test", NOW)
    assert len(pace._domains) == 0
    pace.ended("x.test", NOW, code=421)
    assert not pace.may_go("x.test", NOW)
    assert pace.backs_off(NOW)
    assert not pace.backs_off(NOW + MINUTE)


def test_greylisting_is_about_one_message_whatever_its_code() -> None:
    pace = Pace()
    for words in ("4.7.1 Greylisting in action, come back later", "4.7.0 You are gray-listed", "Greylisted"):
        for _ in range(5):
            pace.begun("x.test", NOW)
            pace.ended("x.test", NOW, code=451, enhanced=words.split()[0], text=words)
    assert pace.may_go("x.test", NOW)


def test_what_somebody_waits_for_is_held_back_by_a_back_off_only() -> None:
    pace = Pace(Limit(at_once=1, per_minute=1))
    pace.begun("x.test", NOW)
    waiting = pace.wait("x.test", NOW)
    assert waiting is not None
    assert waiting.why is Why.RATE
    assert pace.wait("x.test", NOW, prompt=True) is None
    pace.ended("x.test", NOW, code=421)
    held = pace.wait("x.test", NOW, prompt=True)
    assert held is not None
    assert held.why is Why.BACK_OFF


@pytest.mark.parametrize(("limit", "seconds"), [(Limit(per_minute=60), 1.0), (Limit(), 0.01)])
def test_what_is_put_back_is_promised_one_instant_after_another(limit: Limit, seconds: float) -> None:
    pace = Pace(limit)
    pace.ended("x.test", NOW, code=421)
    promised = [pace.later("x.test", NOW) for _ in range(50)]
    assert promised[0] == NOW + MINUTE
    assert {round((b - a).total_seconds(), 6) for a, b in pairwise(promised)} == {seconds}
    later = NOW + timedelta(hours=1)
    assert pace.later("x.test", later) == later + timedelta(seconds=5)


def test_limits_are_read_in_full_or_in_part() -> None:
    words = ["Example.org=20/600", "*=/1200", "x.test=3"]
    assert read_limits(words) == {"example.org": Limit(20, 600), "*": Limit(None, 1_200), "x.test": Limit(3)}


@pytest.mark.parametrize(
    "word",
    ["example.org", "example.org=", "example.org=/", "x=0", "x=1/0", "x=-1", "x=1/2/3", "=3", "a@b.c=3"],
)
def test_what_is_no_limit_is_named_with_an_example(word: str) -> None:
    with pytest.raises(ValueError, match=r"is not a limit; write example\.org=20/600"):
        read_limits([word])


def test_two_limits_for_one_domain_are_refused() -> None:
    with pytest.raises(ValueError, match="has two limits"):
        read_limits(["x.test=1", "X.test=2"])
