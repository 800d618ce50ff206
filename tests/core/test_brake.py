"""When sending stops by itself, and when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.brake import Counts, Pull, harmless_from, judge

FEW = st.integers(0, 19)


def pull(*, long: Counts | None = None, recent: Counts | None = None) -> Pull:
    return judge(long or Counts(), recent or Counts()).pull


@pytest.mark.parametrize(
    ("sent", "complaints", "expected"),
    [
        (10_000, 9, Pull.GO_ON),
        (10_000, 10, Pull.WARN),
        (10_000, 29, Pull.WARN),
        (10_000, 30, Pull.STOP),
        (20, 1, Pull.GO_ON),  # one angry reader of twenty is a share of 5 % and no pattern
        (20, 2, Pull.WARN),
        (20, 3, Pull.STOP),
        (0, 3, Pull.STOP),
    ],
)
def test_complaints_warn_at_one_in_a_thousand_and_stop_at_three(
    sent: int, complaints: int, expected: Pull
) -> None:  # checklist 81
    judged = judge(Counts(accepted=sent, complaints=complaints), Counts())
    assert judged.pull is expected
    assert bool(judged.words) is (expected is not Pull.GO_ON)


@pytest.mark.parametrize(
    ("sent", "hard", "expected"),
    [
        (1_000, 19, Pull.GO_ON),
        (1_000, 21, Pull.WARN),
        (1_000, 50, Pull.STOP),
        (19, 19, Pull.GO_ON),
        (100, 20, Pull.STOP),
    ],
)
def test_one_hard_bounce_in_twenty_stops(sent: int, hard: int, expected: Pull) -> None:  # checklist 46
    counts = Counts(accepted=sent - hard, rejected=hard, hard=hard)
    assert pull(long=counts) is expected
    assert pull(recent=counts) is expected


@pytest.mark.parametrize("status", ["5.7.26", "5.7.515", "5.7.25"])
def test_refusals_of_who_we_are_stop_early(status: str) -> None:  # checklist 46
    assert pull(recent=Counts(accepted=91, rejected=9, policy={status: 9})) is Pull.GO_ON
    assert pull(recent=Counts(accepted=90, rejected=10, policy={status: 10})) is Pull.STOP
    assert pull(recent=Counts(accepted=9_990, rejected=10, policy={status: 10})) is Pull.WARN
    assert pull(recent=Counts(accepted=90, rejected=10, policy={"5.7.1": 10})) is Pull.GO_ON
    [words] = judge(Counts(), Counts(rejected=10, policy={status: 10})).words
    assert status in words
    assert "digest doctor" in words


def test_many_refusals_for_policy_stop() -> None:  # checklist 46
    assert pull(recent=Counts(accepted=950, rejected=50, policy={"5.7.1": 50})) is Pull.WARN
    assert pull(recent=Counts(accepted=800, rejected=200, policy={"5.7.1": 100, "5.7.0": 100})) is Pull.STOP


@given(accepted=st.integers(0, 10**7), hard=FEW, complaints=st.integers(0, 1), policy=st.integers(0, 9))
def test_a_handful_of_cases_never_stops(accepted: int, hard: int, complaints: int, policy: int) -> None:
    counts = Counts(accepted=accepted, hard=hard, complaints=complaints, policy={"5.7.26": policy})
    assert pull(long=counts, recent=counts) is Pull.GO_ON


@given(accepted=st.integers(0, 1_000), hard=st.integers(0, 1_000), complaints=st.integers(0, 10))
def test_more_harm_never_lets_go(accepted: int, hard: int, complaints: int) -> None:
    order = list(Pull)
    before = pull(long=Counts(accepted=accepted, hard=hard, complaints=complaints))
    after = pull(long=Counts(accepted=accepted, hard=hard + 1, complaints=complaints))
    if accepted >= hard + 1:  # as long as every bounce is one of a message that went out
        assert order.index(after) >= order.index(before)


@given(
    accepted=st.integers(0, 10**5),
    hard=st.integers(0, 300),
    complaints=st.integers(0, 30),
    policy=st.dictionaries(st.sampled_from(["5.7.1", "5.7.26"]), st.integers(0, 100)),
)
def test_counting_further_than_harmless_changes_nothing(
    accepted: int, hard: int, complaints: int, policy: dict[str, int]
) -> None:
    held_against = Counts(hard=hard, complaints=complaints, policy=policy)
    counted = min(accepted, harmless_from(held_against) + 1)
    whole, part = (replace(held_against, accepted=number) for number in (accepted, counted))
    assert judge(whole, whole).pull is judge(part, part).pull


def test_what_stops_is_said_first() -> None:
    judged = judge(Counts(accepted=1_000, hard=30, complaints=50), Counts())
    assert judged.pull is Pull.STOP
    assert "complaints" in judged.words[0]
    assert len(judged.words) == 2
