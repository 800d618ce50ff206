"""Many connections, one committer: a kill, a lost connection or a stop leaves at most one in doubt on each."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from digest.core.delivery import DeliveryState
from digest.flows.deliver import deliver_due, materialise, sweep
from digest.flows.letters import Courier
from digest.mail.smtp import Relay
from digest.store import audience, subscribers
from digest.store.engine import open_engine, reading, writing
from tests import post
from tests.faults.test_killed_workers import SAYS_SO
from tests.mail.servers import DROP, RESET, CountingSink
from tests.post import FROZEN_AT, TOKENS, UNTIL, add_issue, add_readers, at_clock

SLOT = FROZEN_AT + timedelta(hours=2)
LATER = SLOT + timedelta(minutes=20)
AUDIENCE = 40
LINES = 4
_SPAWN = multiprocessing.get_context("spawn")


def courier(url: str, lines: int = LINES) -> Courier:
    def relay() -> Relay:
        return Relay(url, helo="us.example", connections=lines, timeout=5, final_timeout=5)

    return replace(post.courier(post.Sink()), relay=relay)


def queued(engine: Engine, number: int = AUDIENCE) -> int:
    add_readers(engine, [f"r{n}@example.test" for n in range(number)])
    issue = add_issue(engine)
    assert materialise(engine, issue, now=FROZEN_AT, until=UNTIL) == number
    return issue


def killed_at(database: str, smtp: str, point: str, nth: int) -> None:
    """Work in a child process until the nth time `point` is reached, and die there."""
    seen: Counter[str] = Counter()

    def reach(name: str) -> None:
        seen[name] += 1
        if name == point and seen[name] == nth:
            post.die(name)

    deliver_due(open_engine(database), courier(smtp), worker="doomed", clock=at_clock(SLOT), checkpoint=reach, chunk=15)


def check(engine: Engine, sink: CountingSink, issue: int, number: int = AUDIENCE) -> Counter[str]:
    """Hold the oracle: nothing twice, nothing accepted that was not taken, nothing missing without a word."""
    sink.settle()
    assert set(sink.taken.values()) <= {1}, "a message was taken twice"
    rows = post.deliveries(engine, kind="digest")
    assert {row.message_id for row in rows if row.state == "accepted"} <= set(sink.taken)
    assert all(row.state in SAYS_SO for row in rows if row.message_id not in sink.taken)
    with reading(engine) as session:
        tally = audience.tally(session, issue)
    assert tally.total == number
    assert tally.unsettled == 0
    return Counter(row.state for row in rows)


def carry_on(engine: Engine, sink: CountingSink) -> None:
    """What comes after the leases have ended."""
    sweep(engine, now=LATER)
    deliver_due(engine, courier(sink.url), worker="next", clock=at_clock(LATER))
    sweep(engine, now=LATER)


@pytest.mark.parametrize(
    ("point", "nth"), [("claimed", 2), ("intended", 7), ("dot", 7), ("answered", 9), ("settled", 3)]
)
def test_a_killed_worker_leaves_at_most_one_in_doubt_on_each_connection(
    engine: Engine, database_url: str, point: str, nth: int
) -> None:
    issue = queued(engine)
    with CountingSink() as sink:
        child = _SPAWN.Process(target=killed_at, args=(database_url, sink.url, point, nth))
        child.start()
        child.join(60)
        assert child.exitcode == -9
        sink.settle()
        # At once, nothing may be taken from the worker that might still live ...
        sweep(engine, now=SLOT)
        free = sum(row.state == "pending" for row in post.deliveries(engine))
        before = sum(sink.taken.values())
        deliver_due(engine, courier(sink.url), worker="eager", clock=at_clock(SLOT))
        sink.settle()
        assert sum(sink.taken.values()) == before + free
        # ... and once its leases have ended, another carries on.
        carry_on(engine, sink)
        states = check(engine, sink, issue)
    assert states["unknown"] <= LINES
    assert states["accepted"] == AUDIENCE - states["unknown"]


def test_the_batches_leave_what_one_after_another_would(engine: Engine) -> None:
    """Accepted, deferred, rejected, broken off: the rows are those that a single connection writes."""

    def answer(verb: str, number: int) -> str | None:
        return {("RCPT", 3): "550 5.1.1 nobody", ("RCPT", 6): "451 4.2.1 later", (".", 9): "554 5.6.0 no"}.get(
            (verb, number)
        )

    issue = queued(engine)
    with CountingSink(answer=answer) as sink:
        tally = deliver_due(engine, courier(sink.url), worker="w", clock=at_clock(SLOT))
    assert tally.as_plain() == {"deferred": 1, "accepted": AUDIENCE - 3, "failed": 2}
    rows = post.deliveries(engine)
    assert {row.attempts for row in rows} == {row.fence for row in rows} == {1}
    assert {row.reply for row in rows if row.state == "failed"} == {"550 5.1.1 nobody", "554 5.6.0 no"}
    (deferred,) = [row for row in rows if row.state == "deferred"]
    assert timedelta(minutes=24) <= deferred.due_at - SLOT <= timedelta(minutes=36)
    assert all(row.claimed_by == "" and row.lease_until is None for row in rows)
    assert {post.subscription(engine, row.subscriber_id).last_digest_at for row in rows} == {SLOT}
    assert all(row.paper_ids == list(range(1, 11)) for row in rows)
    assert issue


@pytest.mark.parametrize("seed", range(6))
def test_connections_lost_at_random_lose_nobody_and_mail_nobody_twice(sqlite_engine: Engine, seed: int) -> None:
    chance = random.Random(seed)

    def answer(verb: str, _number: int) -> str | None:
        if verb in ("EHLO", "QUIT", "RSET") or chance.random() > 0.12:
            return None
        return chance.choice([DROP, RESET, "421 4.3.2 going", "451 4.3.0 later", "550 5.7.1 no", "nonsense"])

    issue = queued(sqlite_engine)
    with CountingSink(answer=answer) as sink:
        at = SLOT
        for _ in range(60):
            deliver_due(sqlite_engine, courier(sink.url), worker="w", clock=at_clock(at), chunk=11)
            at += timedelta(minutes=20)
            sweep(sqlite_engine, now=at)
            with reading(sqlite_engine) as session:
                if not audience.tally(session, issue).unsettled:
                    break
        states = check(sqlite_engine, sink, issue)
    assert states["accepted"] > AUDIENCE / 4


def test_a_stop_finishes_what_is_under_way_and_gives_back_the_rest(engine: Engine) -> None:  # checklist 95
    issue = queued(engine, 120)
    with CountingSink() as sink:
        tally = deliver_due(
            engine, courier(sink.url), worker="w", clock=at_clock(SLOT), stopping=lambda: sum(sink.taken.values()) > 10
        )
        sink.settle()
        assert tally.trouble == "asked to stop"
        assert tally[DeliveryState.ACCEPTED] == sum(sink.taken.values()) < 120
        assert {row.state for row in post.deliveries(engine)} == {"accepted", "pending"}
        deliver_due(engine, courier(sink.url), worker="w", clock=at_clock(SLOT))
        assert check(engine, sink, issue, 120) == {"accepted": 120}


def test_a_pause_stops_every_connection_within_one_message(engine: Engine) -> None:  # checklist 92
    issue = queued(engine, 100)
    with CountingSink() as sink:
        held_at = 0

        def checkpoint(name: str) -> None:
            nonlocal held_at
            if name == "answered" and not held_at and sum(sink.taken.values()) >= 12:
                with writing(engine) as session:
                    audience.hold_issue(session, issue)
                held_at = sum(sink.taken.values())

        tally = deliver_due(engine, courier(sink.url), worker="w", clock=at_clock(SLOT), checkpoint=checkpoint)
        sink.settle()
        assert sum(sink.taken.values()) <= held_at + LINES
    assert tally[DeliveryState.ACCEPTED] == sum(sink.taken.values())
    assert tally[DeliveryState.PENDING] == 100 - sum(sink.taken.values())


def test_who_leaves_or_is_banned_meanwhile_is_not_mailed(engine: Engine) -> None:  # checklist 60, 61
    from digest.flows.subscribe import unsubscribe

    issue = queued(engine, 60)
    done: list[str] = []
    with CountingSink() as sink:

        def checkpoint(name: str) -> None:
            if name != "answered" or done:
                return
            done.extend(["r50@example.test", "r51@example.test"])
            token = TOKENS.sign("unsubscribe", {"s": 51})
            unsubscribe(engine, TOKENS, token, now=SLOT, ip="", source="test")
            with writing(engine) as session:
                hashes = TOKENS.address_hashes("r51@example.test")
                subscribers.suppress(session, "r51@example.test", hashes, "complaint", SLOT)

        deliver_due(engine, courier(sink.url), worker="w", clock=at_clock(SLOT), checkpoint=checkpoint)
        states = check(engine, sink, issue, 60)
    assert states == {"accepted": 58, "skipped": 1, "suppressed": 1}


class DiskFull(Exception):
    """What the nth commit meets."""


@pytest.mark.parametrize("nth", range(2, 7))
def test_a_commit_that_fails_waits_for_the_answers_and_loses_none(engine: Engine, nth: int) -> None:  # checklist 91
    issue = queued(engine)
    commits = 0

    def fail(_connection: object) -> None:
        nonlocal commits
        commits += 1
        if commits == nth:
            raise DiskFull

    with CountingSink() as sink:
        event.listen(engine, "commit", fail)
        with pytest.raises(DiskFull):
            deliver_due(engine, courier(sink.url), worker="w", clock=at_clock(SLOT), chunk=15)
        event.remove(engine, "commit", fail)
        sink.settle()
        rows = post.deliveries(engine)
        assert {row.message_id for row in rows if row.state == "accepted"} == set(sink.taken)
        assert {row.state for row in rows} <= {"accepted", "pending"}
        deliver_due(engine, courier(sink.url), worker="w", clock=at_clock(SLOT))
        assert check(engine, sink, issue) == {"accepted": AUDIENCE}


def test_workers_side_by_side_over_many_connections_mail_nobody_twice(engine: Engine, database_url: str) -> None:
    issue = queued(engine, 120)
    with CountingSink() as sink:
        children = [_SPAWN.Process(target=_work, args=(database_url, sink.url)) for _ in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join(60)
        assert [child.exitcode for child in children] == [0, 0]
        assert check(engine, sink, issue, 120) == {"accepted": 120}


def _work(database: str, smtp: str) -> None:
    engine = open_engine(database)
    deliver_due(engine, courier(smtp), worker=str(time.monotonic_ns()), clock=at_clock(SLOT), limit=500, chunk=9)


def test_memory_holds_a_chunk_and_no_more(sqlite_engine: Engine) -> None:  # checklist 90
    from digest.flows.stock import Stock

    queued(sqlite_engine, 300)
    most = 0
    look_up: Callable[[Stock], None] = Stock.look_up

    def watched(stock: Stock) -> None:
        nonlocal most
        look_up(stock)
        most = max(most, len(stock.waiting), len(stock._readers), len(stock._hashes), len(stock._made))

    with CountingSink() as sink, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stock, "look_up", watched)
        tally = deliver_due(sqlite_engine, courier(sink.url), worker="w", clock=at_clock(SLOT), limit=1000, chunk=20)
    assert tally[DeliveryState.ACCEPTED] == 300
    assert most <= 20
