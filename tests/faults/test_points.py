"""A process that is killed at any named point, with real sockets between it and the relay, keeps the promise."""

from __future__ import annotations

import pytest

from tests import post
from tests.faults.children import Struck, compose, run, send, start, unharmed
from tests.faults.conftest import READERS, TODAY, Play


@pytest.mark.parametrize(("point", "nth"), [("frozen", 1), ("queued", 1), ("queued", 4), ("materialised", 1)])
def test_a_morning_that_is_killed_is_made_good_by_the_next(play: Play, point: str, nth: int) -> None:
    assert run(compose, play.scene, TODAY, Struck(point, nth)) == -9
    queued = len(post.deliveries(play.engine))
    assert queued == READERS if point == "materialised" else queued < READERS
    play.open_day()
    assert play.finish().states == {"accepted": READERS}


@pytest.mark.parametrize(
    ("point", "nth"), [("claimed", 1), *((point, nth) for point in ("intended", "dot", "answered") for nth in (1, 5))]
)
def test_a_sender_that_is_killed_leaves_at_most_one_message_for_each_connection_in_doubt(
    play: Play, point: str, nth: int
) -> None:
    play.open_day()
    assert run(send, play.scene, Struck(point, nth)) == -9
    play.scene.sweep(play.engine)
    took = play.sink.taken()
    play.scene.send(play.engine)  # its leases have not ended: nothing may be taken from it
    assert play.sink.taken() == took
    states = play.finish().states
    assert states.get("unknown", 0) <= play.scene.connections
    assert (point == "claimed") == (states == {"accepted": READERS})


def test_senders_that_are_killed_one_after_another_get_through_and_leave_only_those_in_doubt(play: Play) -> None:
    play.open_day()
    kills = 0
    while run(send, play.scene, Struck("settled")) == -9:
        kills += 1
        play.later(20)
    assert kills >= 1
    assert play.finish().states.get("unknown", 0) <= kills * play.scene.connections


def test_two_schedulers_make_one_issue(play: Play) -> None:  # checklist 86
    mornings = [start(compose, play.scene, TODAY, unharmed) for _ in range(2)]
    for each in mornings:
        each.join(60)
    assert [each.exitcode for each in mornings] == [0, 0]
    assert len(post.deliveries(play.engine)) == READERS
    play.open_day()
    assert play.finish().states == {"accepted": READERS}
