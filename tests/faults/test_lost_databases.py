"""A database that goes away, or a disk that is full, once the relay has said 250: nobody is mailed twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.faults.children import run, send
from tests.faults.conftest import READERS, TODAY, Play
from tests.faults.losses import Loss, bring_back, cut, fill_disk, take_away


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """In a folder of its own, which can be taken away."""
    return f"sqlite:///{tmp_path}/volume/digest.db"


def test_a_database_that_is_gone_after_the_reply_leaves_the_message_unknown(play: Play, engine: Engine) -> None:
    play.open_day()
    engine.dispose()
    assert run(send, play.scene, Loss(take_away)) == 1  # it says so, rather than go on without a record
    bring_back(engine)
    took = play.sink.taken()
    assert took
    states = play.finish().states
    assert 1 <= states["unknown"] <= play.scene.connections
    assert set(play.sink.taken().values()) == {1}


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_connections_that_are_cut_after_the_reply_cost_nothing(play: Play, engine: Engine) -> None:
    play.open_day()
    engine.dispose()
    assert run(send, play.scene, Loss(cut)) == 0  # it opens another one, and records what it knows
    assert play.finish().states == {"accepted": READERS}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("point", ["claimed", "intended", "answered"])
def test_a_full_disk_stops_the_sender_before_it_mails_what_it_cannot_record(
    play: Play, engine: Engine, point: str
) -> None:  # checklist 91
    play.open_day()
    engine.dispose()
    assert run(send, play.scene, Loss(fill_disk, point)) == 1
    took = play.sink.taken().total()
    assert took <= (0 if point == "claimed" else play.scene.connections)
    states = play.finish().states  # once there is room again
    assert states.get("unknown", 0) == took


def test_the_day_is_not_lost_with_the_database(play: Play) -> None:
    play.open_day()
    run(send, play.scene, Loss(take_away, "claimed"))
    bring_back(play.engine)
    play.scene.compose(play.engine, TODAY)  # a second time is as good as once
    assert play.finish().states == {"accepted": READERS}
