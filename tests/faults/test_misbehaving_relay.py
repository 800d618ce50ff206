"""Whatever a relay does at any verb, what is recorded is the truth or says that it is not known."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests import post
from tests.faults import stage
from tests.faults.conftest import READERS, TODAY, Play
from tests.faults.sink import DROP, FAULTS, RESET, STALL, TAKE_AND, CountingSink
from tests.faults.stage import CUT_OFF, Clock, Stage

EACH = [(verb, answer) for verb, answers in FAULTS.items() for answer in answers]


@pytest.mark.parametrize(("verb", "answer"), EACH)
def test_one_odd_answer_neither_doubles_nor_loses_a_message(
    engine: Engine, database_url: str, tmp_path: Path, verb: str, answer: str
) -> None:
    stage.furnish(engine, READERS)
    stage.list_papers(engine, TODAY)
    clock = Clock(tmp_path / "clock")
    clock.turn(CUT_OFF)
    with CountingSink(tmp_path / "taken", {verb: ["", "", answer, ""]}) as sink:
        play = Play(Stage(database=database_url, clock=clock, relay=sink.url), engine, sink)
        play.open_day()
        play.scene.send(engine)
        odd = doubtful(engine)
        states = play.finish(tries=3).states
        taken = sink.taken()
    if verb == "." and answer in {DROP, RESET, STALL, TAKE_AND + DROP, TAKE_AND + RESET, TAKE_AND + STALL}:
        (own_id,) = odd
        assert (own_id in taken) == answer.startswith(TAKE_AND)  # nobody could tell, and nobody pretends to
        assert states == {"accepted": READERS - 1, "unknown": 1}
    elif answer.startswith("5"):
        assert states == {"accepted": READERS - 1, "failed": 1}
    else:
        assert states == {"accepted": READERS}


def doubtful(engine: Engine) -> list[str]:
    """The messages that may or may not have been taken."""
    return [row.message_id for row in post.deliveries(engine, state="unknown")]
