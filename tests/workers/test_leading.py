"""Of several schedulers one ticks; when it is gone another does, within 30 seconds, and no tick is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine

from digest.config import read_settings
from digest.core.plan import Task, Work
from digest.flows.leading import who_leads
from digest.store.engine import writing
from digest.store.lead import take_lead
from digest.wiring import Services
from workers.scheduler import Ticker

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"
NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, not even what handles errors."""


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def scheduler(engine: Engine, clock: Clock) -> Callable[..., Ticker]:
    """Make a scheduler of its own name, which adds to a list what it enqueues."""

    def make(name: str, enqueued: list[tuple[str, Work]], until: int = 1000) -> Ticker:
        wired = Services(read_settings(categories=["cs.LG"], secret_key=[SECRET]), clock=clock)
        wired.__dict__["engine"] = engine  # a cached property takes what is put there first

        def enqueue(work: Work) -> None:
            if len(enqueued) >= until:
                raise Killed
            enqueued.append((name, work))

        return Ticker(wired, enqueue, holder=name)

    return make


def test_one_of_two_leads_and_ticks(engine: Engine, clock: Clock, scheduler: Callable[..., Ticker]) -> None:
    enqueued: list[tuple[str, Work]] = []
    first, second = scheduler("a", enqueued), scheduler("b", enqueued)
    for _ in range(60):  # five minutes of beats
        first.beat()
        second.beat()
        clock.move(5)
    assert {name for name, _work in enqueued} == {"a"}
    found = who_leads(engine)
    assert found is not None
    assert (found.holder, found.fence, found.leading_since) == ("a", 1, NOW)


def test_ticks_come_every_30_seconds_with_whatever_leader(clock: Clock, scheduler: Callable[..., Ticker]) -> None:
    enqueued: list[tuple[str, Work]] = []
    ticks = []
    alive = [scheduler(name, enqueued) for name in "abcdef"]
    for beat in range(240):  # twenty minutes; every two of them whoever leads is killed
        ticks += [clock.now for one in alive if one.beat() is not None]
        if beat % 24 == 23 and len(alive) > 1:
            led = alive[0]._seat.fence, alive[0].holder
            assert led[0], "the one that is killed leads"
            alive.pop(0)
        clock.move(5)
    gaps = [(after - before).total_seconds() for before, after in pairwise(ticks)]
    assert min(gaps) == 30, "none doubled"
    assert max(gaps) <= 60, "none lost: the tick that was due while nobody led came when another did"
    assert len({name for name, _work in enqueued}) == 6


def test_at_whatever_second_a_leader_is_killed_another_follows_within_30_and_no_tick_is_lost_or_doubled(
    clock: Clock, scheduler: Callable[..., Ticker]
) -> None:
    enqueued: list[tuple[str, Work]] = []
    names = iter("abcdefghijklmnopqrstuvwxyz")
    # Each beats every five seconds, and no two of them at the same.
    alive = [(scheduler(next(names), enqueued), 0), (scheduler(next(names), enqueued), 2)]
    ticks: list[datetime] = []
    asked: list[datetime] = []
    killed_at: datetime | None = None
    takeovers: list[float] = []
    for second in range(12 * 77):  # 77 and 5 share no divisor, so every second of a beat and of a tick has its turn
        for one, phase in list(alive):
            if second % 5 == phase:
                done = one.beat()
                ticks += [clock.now] if done is not None else []
                asked += [clock.now for work in done or () if work.task is Task.COMPOSE]
                if killed_at is not None and one._seat.fence:
                    takeovers.append((clock.now - killed_at).total_seconds())
                    killed_at = None
        if second % 77 == 76:
            leader = next(pair for pair in alive if pair[0]._seat.fence)
            alive.remove(leader)  # SIGKILL: it beats no more, and gives nothing back
            alive.append((scheduler(next(names), enqueued), (leader[1] + 3) % 5))
            killed_at = clock.now
        clock.move(1)
    assert len(takeovers) == 11
    assert min(takeovers) >= 15
    assert max(takeovers) <= 30
    gaps = [(after - before).total_seconds() for before, after in pairwise(ticks)]
    assert min(gaps) >= 27.5, "none doubled: half a beat early is on time"
    assert max(gaps) <= 30 + 5 + 30, "none lost: the one that fell due while nobody led came with the next leader"
    waits = [(after - before).total_seconds() for before, after in pairwise(asked)]
    assert min(waits) >= 120, "what is under way is not asked for again, whoever asked"
    assert max(waits) <= 120 + 65


def test_a_killed_leader_is_followed_within_30_seconds_and_its_tick_is_not_repeated(
    engine: Engine, clock: Clock, scheduler: Callable[..., Ticker]
) -> None:
    enqueued: list[tuple[str, Work]] = []
    first, second = scheduler("a", enqueued), scheduler("b", enqueued)
    assert first.beat()
    asked = [work for _name, work in enqueued]
    enqueued.clear()
    waited = 0
    while not (second.beat() is not None or second._seat.fence):  # the first one never beats again
        clock.move(5)
        waited += 5
    assert waited <= 25
    clock.move(30)
    second.beat()
    # What the first one put on the queue is under way; of that, only what is asked at every tick comes again.
    assert {work for _name, work in enqueued}.isdisjoint(work for work in asked if work.task is not Task.DELIVER)
    found = who_leads(engine)
    assert found is not None
    assert (found.holder, found.fence) == ("b", 2)


def test_a_tick_whose_leader_is_killed_midway_is_done_by_the_next(
    clock: Clock, scheduler: Callable[..., Ticker]
) -> None:
    whole: list[tuple[str, Work]] = []
    half: list[tuple[str, Work]] = []
    dying = scheduler("a", half, until=2)
    with pytest.raises(Killed):
        dying.beat()
    clock.move(25)
    successor = scheduler("b", whole)
    assert successor.beat(), "it does not wait for the next half minute: that tick never ended"
    assert {work for _name, work in half} < {work for _name, work in whole}


def test_a_leader_that_was_stopped_and_resumed_finds_its_fence_risen_and_does_nothing(
    engine: Engine, clock: Clock, scheduler: Callable[..., Ticker]
) -> None:
    enqueued: list[tuple[str, Work]] = []
    stopped = scheduler("a", enqueued)
    other = scheduler("b", enqueued)

    def stop_at_the_second(work: Work) -> None:
        enqueued.append(("a", work))
        if len(enqueued) == 1:  # SIGSTOP here, for a minute; then SIGCONT
            clock.move(60)
            assert other.beat() is not None

    stopped._enqueue = stop_at_the_second
    done = stopped.beat()
    assert done is not None
    assert len(done) == 1, "what it had begun; the rest is the other's"
    assert [name for name, _work in enqueued].count("a") == 1
    enqueued.clear()
    for _ in range(12):
        clock.move(5)
        assert stopped.beat() is None
        other.beat()
    assert {name for name, _work in enqueued} <= {"b"}
    found = who_leads(engine)
    assert found is not None
    assert (found.holder, found.fence) == ("b", 2)


def test_an_orderly_end_lets_another_lead_at_once(clock: Clock, scheduler: Callable[..., Ticker]) -> None:
    enqueued: list[tuple[str, Work]] = []
    first, second = scheduler("a", enqueued), scheduler("b", enqueued)
    first.beat()
    second.beat()
    first.leave()
    clock.move(5)
    second.beat()
    assert second._seat.fence == 2


def test_a_lease_from_a_clock_that_was_years_ahead_keeps_nobody_waiting(engine: Engine) -> None:
    with writing(engine) as session:
        assert take_lead(session, "a", NOW + timedelta(days=700)) == 1
    with writing(engine) as session:
        assert take_lead(session, "b", NOW) == 2
