"""No enumeration by timing: the measurement in small, for every change; `python -m tests.web.timing` is the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.web.pace import EVEN, EvenPace
from tests.web.timing import compared, measure

BY_CHANCE = 0.0001  # of one comparison; ten of them fail one run in a thousand


@pytest.mark.alone
@pytest.mark.timeout(600)
def test_how_long_an_answer_takes_does_not_tell_whose_address_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # checklist 47
    monkeypatch.setattr("tests.web.timing.SLOWED", 0.25)  # forty would not tell less on a busy machine
    taken = measure(f"sqlite:///{tmp_path}/timing.db", 40)
    found = compared(taken)
    assert max(found.pop("slowed")) < BY_CHANCE
    assert {standing: p for standing, p in found.items() if min(p) < BY_CHANCE} == {}
    assert min(min(times) for times in taken.values()) >= EVEN


def test_the_answers_of_a_site_are_held_back_unless_somebody_says_otherwise() -> None:
    assert EvenPace().seconds == EVEN == 0.1
