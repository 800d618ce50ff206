"""A domain that takes less gets less; the others, and what somebody waits for, go past it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from digest.core.delivery import Tally
from digest.core.pace import Limit, Pace
from digest.flows.deliver import deliver_due, materialise, sweep
from digest.flows.letters import Courier
from digest.flows.sign_in import request_sign_in
from digest.mail.message import Envelope
from digest.mail.smtp import Relay, Reply, Verdict
from tests import post
from tests.mail.servers import CountingSink
from tests.post import FROZEN_AT, UNTIL, Sink, add_issue, add_readers, at_clock

SLOT = FROZEN_AT + timedelta(hours=2)
MINUTE = timedelta(minutes=1)


def courier(url: str, pace: Pace, lines: int = 8) -> Courier:
    def relay() -> Relay:
        return Relay(url, helo="us.example", connections=lines, timeout=5, final_timeout=5)

    return replace(post.courier(post.Sink()), relay=relay, pace=pace)


def queue(engine: Engine, readers: dict[str, int]) -> None:
    """Readers of several domains, one after another in turn, and an issue for all of them."""
    names = [(n, domain) for domain, number in readers.items() for n in range(number)]
    add_readers(engine, [f"r{n}@{domain}" for n, domain in sorted(names)])
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)


def send(engine: Engine, made: Courier, at: datetime = SLOT, **more: int) -> Tally:
    return deliver_due(engine, made, worker="w", clock=at_clock(at), **more)


@pytest.mark.parametrize("words", ["421 4.7.0 too much", "451 4.7.1 slow down", "452 4.3.1 full", "450 4.4.2 lost"])
def test_a_domain_that_defers_is_left_alone_and_the_others_are_mailed(  # checklist 40
    engine: Engine, words: str
) -> None:
    queue(engine, {"busy.test": 30, "fine.test": 30, "good.test": 30})
    asked: list[str] = []

    def to(recipient: str) -> str | None:
        asked.append(recipient)
        return words if recipient.endswith("@busy.test") and len(asked) < 60 else None

    with CountingSink(to=to) as sink:
        made = courier(sink.url, Pace())
        first = send(engine, made, chunk=20)
        while first.trouble:  # the connections that 421 has closed
            first = send(engine, made, chunk=20)
        rows = post.deliveries(engine)
        waiting = [row for row in rows if row.state == "pending"]
        deferred = [row for row in rows if row.state == "deferred"]
        assert Counter(row.state for row in rows)["accepted"] == 60
        assert 1 <= len(deferred) <= 8  # one for each connection at most, and none after
        assert len(waiting) == 30 - len(deferred)
        assert {row.reason for row in waiting} == {"busy.test asked for less mail and is left alone for a while"}
        assert min(row.due_at for row in waiting) >= SLOT + MINUTE
        assert len({row.due_at for row in waiting}) == len(waiting)  # they do not come back all at once
        assert {(row.attempts, row.message_id) for row in waiting} == {(0, "")}  # nothing was made in vain
        tries = len(asked)
        send(engine, made, SLOT + 0.5 * MINUTE)
        assert len(asked) == tries
        asked.extend([""] * 100)  # it has recovered
        send(engine, made, SLOT + 2 * MINUTE)
        send(engine, made, SLOT + 40 * MINUTE)
        sink.settle()
        assert sorted(sink.taken.values()) == [1] * 90
    assert {(row.state, row.reason) for row in post.deliveries(engine)} == {("accepted", "")}


def test_no_more_are_under_way_to_a_domain_than_it_takes_and_nobody_waits_behind_it(  # checklist 45
    engine: Engine,
) -> None:
    queue(engine, {"small.test": 40, "big.test": 40})
    with CountingSink(pause=0.02) as sink:
        made = courier(sink.url, Pace(limits={"small.test": Limit(at_once=2)}))
        while True:
            send(engine, made, chunk=30)
            later = [row.due_at for row in post.deliveries(engine, state="pending")]
            if not later:
                break
            assert not [row for row in post.deliveries(engine, state="pending") if row.due_at <= SLOT]
            send(engine, made, max(later), chunk=30)
        sink.settle()
        assert sorted(sink.taken.values()) == [1] * 80
        assert sink.most_to["small.test"] == 2
        assert sink.most_to["big.test"] > 4


def test_what_a_minute_does_not_hold_is_put_back_minute_by_minute(engine: Engine) -> None:  # checklist 45
    queue(engine, {"slow.test": 40, "fine.test": 5})
    pace = Pace(limits={"slow.test": Limit(per_minute=12)})
    sink = Sink()
    made = replace(post.courier(sink), pace=pace)
    send(engine, made, chunk=10)
    assert Counter(address.partition("@")[2] for address in sink.recipients) == {"fine.test": 5, "slow.test": 2}
    waiting = post.deliveries(engine, state="pending")
    assert {row.reason for row in waiting} == {"slow.test has had its share of this minute"}
    assert len({row.due_at for row in waiting}) == 38
    at = SLOT
    for minute in range(1, 5):
        before = len(sink.sent)
        for _ in range(12):
            at += timedelta(seconds=5)
            send(engine, made, at)
        assert 10 <= len(sink.sent) - before <= 14 or len(sink.sent) == 45, minute
    assert len(sink.sent) == 45


def test_a_message_is_never_put_back_beyond_its_time(engine: Engine) -> None:
    queue(engine, {"slow.test": 4})
    late = UNTIL - timedelta(seconds=90)
    made = replace(post.courier(Sink()), pace=Pace(limits={"slow.test": Limit(per_minute=1)}))
    send(engine, made, late)
    waiting = post.deliveries(engine, state="pending")
    assert len(waiting) == 3
    assert {row.due_at for row in waiting} == {UNTIL - MINUTE}
    sweep(engine, now=UNTIL)
    assert {row.reason for row in post.deliveries(engine, state="expired")} == {"the next issue is due"}


def test_a_sign_in_mail_passes_a_rate_but_not_a_back_off(engine: Engine) -> None:
    sink = Sink()
    pace = Pace(Limit(at_once=1, per_minute=1))
    made = replace(post.courier(sink), pace=pace)
    queue(engine, {"x.test": 3})
    send(engine, made)
    assert len(sink.sent) == 1
    request_sign_in(engine, "boss@x.test", ["boss@x.test"], now=SLOT)
    send(engine, made)
    assert sink.recipients[-1] == "boss@x.test"
    pace.ended("x.test", SLOT, code=421)
    request_sign_in(engine, "boss@x.test", ["boss@x.test"], now=SLOT)
    send(engine, made)
    assert len(sink.sent) == 2
    (waiting,) = post.deliveries(engine, state="pending", kind="sign-in")
    assert waiting.due_at == SLOT + MINUTE
    send(engine, made, waiting.due_at)
    assert sink.recipients[-1] == "boss@x.test"
    assert len(sink.sent) == 3


def test_letters_made_before_a_domain_defers_are_not_sent_to_it(engine: Engine) -> None:
    queue(engine, {"busy.test": 20})
    asked: list[Envelope] = []

    def answer(envelope: Envelope) -> Reply:
        asked.append(envelope)
        return Reply(Verdict.DEFERRED, 421, "4.7.0 too much")

    tally = send(engine, replace(post.courier(Sink(answer=answer)), pace=Pace()))
    assert len(asked) <= 2  # an envelope was said already behind the first final dot
    assert tally.as_plain() == {"pending": 20 - len(asked), "deferred": len(asked)}


def test_a_run_that_ends_leaves_no_domain_fuller_than_it_is(engine: Engine) -> None:
    queue(engine, {"x.test": 10})
    pace = Pace(Limit(at_once=3))
    sink = Sink()
    tally = send(engine, replace(post.courier(sink), pace=pace), limit=10)
    assert tally.total >= 1
    assert pace._domains["x.test"].under_way == 0
    broken = Sink(away=True)
    queue_more = replace(post.courier(broken), pace=pace)
    send(engine, queue_more, SLOT + 30 * MINUTE)
    assert pace._domains["x.test"].under_way == 0
