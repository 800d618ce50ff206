"""A worker that is stopped and goes on later mails nothing that others took over, or that readers no longer want."""

from __future__ import annotations

import signal
from datetime import timedelta

from digest.flows.deliver import resend_unknown
from tests import post
from tests.faults import stage
from tests.faults.children import Struck, go_on, send, start, stopped, wait_for
from tests.faults.conftest import READERS, Play


def test_a_worker_stopped_with_its_claims_finds_them_lost(play: Play) -> None:  # checklist 87
    play.open_day()
    sleeper = start(send, play.scene, Struck("claimed", 1, signal.SIGSTOP))
    wait_for(lambda: stopped(sleeper))
    play.later(6)  # the lease of a claim is five minutes
    play.scene.send(play.engine)
    assert play.sink.taken().total() == READERS
    go_on(sleeper)
    sleeper.join(60)
    assert sleeper.exitcode == 0
    assert play.finish().states == {"accepted": READERS}


def test_a_worker_stopped_after_its_intents_hands_over_what_nobody_else_may(play: Play) -> None:
    play.open_day()
    sleeper = start(send, play.scene, Struck("intended", 1, signal.SIGSTOP))
    wait_for(lambda: stopped(sleeper))
    play.later(16)  # the lease of an intent is fifteen minutes
    play.scene.send(play.engine)
    doubtful = post.deliveries(play.engine, state="unknown")
    assert 1 <= len(doubtful) <= play.scene.connections
    assert play.sink.taken().total() == READERS - len(doubtful)
    go_on(sleeper)
    sleeper.join(60)
    assert sleeper.exitcode == 0
    # It still holds the fence, so what the relay told it late is believed.
    states = play.finish().states
    assert states["accepted"] >= READERS - len(doubtful)


def test_the_late_answer_to_what_an_admin_sent_again_is_not_believed(play: Play) -> None:
    play.open_day()
    sleeper = start(send, play.scene, Struck("dot", 1, signal.SIGSTOP))
    wait_for(lambda: stopped(sleeper))
    wait_for(lambda: play.sink.taken().total() >= 1)
    play.later(16)
    row = next(row for row in post.deliveries(play.engine, state="unknown") if row.message_id in play.sink.taken())
    assert row.id is not None
    assert resend_unknown(play.engine, [row.id], now=play.scene.clock()) == 1
    go_on(sleeper)
    sleeper.join(60)
    assert sleeper.exitcode == 0
    assert post.deliveries(play.engine, id=row.id)[0].state == "pending"
    play.scene.send(play.engine)
    assert play.sink.taken()[row.message_id] == 2  # the risk that the admin took, and was told of


def test_who_leaves_or_complains_while_claimed_is_not_mailed(play: Play) -> None:  # checklist 61
    play.open_day()
    sleeper = start(send, play.scene, Struck("claimed", 1, signal.SIGSTOP))
    wait_for(lambda: stopped(sleeper))
    now = play.scene.clock() + timedelta(seconds=1)
    stage.leave(play.engine, 2, now)
    stage.ban(play.engine, 7, now)
    go_on(sleeper)
    sleeper.join(60)
    assert sleeper.exitcode == 0
    assert play.finish().states == {"accepted": READERS - 2, "skipped": 1, "suppressed": 1}
    gone = post.deliveries(play.engine, subscriber_id=2) + post.deliveries(play.engine, subscriber_id=7)
    assert not {row.message_id for row in gone} & set(play.sink.taken())
