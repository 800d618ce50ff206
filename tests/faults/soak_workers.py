"""Kill real Celery workers at random, over a real Redis that forgets everything now and then."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from digest.flows.trials import try_again
from digest.store.engine import open_engine, reading
from digest.store.schema import upgrade
from digest.store.trials import set_aside
from tests.faults import stage
from tests.faults.broker import Scheduler, Worker, environment, flush, redis_server
from tests.faults.oracle import Verdict, judge
from tests.faults.sink import CountingSink

_TICK = 0.1  # seconds, of the real clock
_LONGEST = 20.0  # seconds without progress after which somebody is killed all the same


class WorkerSoak:
    """Two workers or more, the tick of a scheduler, and one clock for all that jumps past their leases."""

    def __init__(
        self,
        engine: Engine,
        scheduler: Scheduler,
        clock: stage.Clock,
        taken: Callable[[], Counter[str]],
        broker: str,
        *,
        seed: int,
    ) -> None:
        self.engine, self.scheduler, self.clock, self.taken, self.broker = engine, scheduler, clock, taken, broker
        self.chance = random.Random(seed)
        self.ends: Counter[str] = Counter()
        self.audience = 0
        self.day = stage.CUT_OFF.date()

    def run(self, hire: Callable[[], Worker], workers: int, kills: int, killed: Callable[[], None]) -> None:
        """Kill until there were enough, then stop the workers in order and let everything settle."""
        staff = [hire() for _ in range(workers)]
        try:
            self._open_day()
            while self.ends["killed"] < kills:
                self._work(self.taken().total() + self.chance.randint(1, 15))
                place = self.chance.randrange(workers)
                if self.chance.random() < 0.3:
                    flush(self.broker)
                    self.ends["flushed"] += 1
                if self.chance.random() < 0.5:
                    staff[place].kill()
                    staff[place] = hire()
                elif not staff[place].kill_pool():
                    continue
                self.ends["killed"] += 1
                killed()
            for worker in staff:
                code = worker.ask_to_stop()
                self.ends["stopped in order" if code == 0 else "crashed"] += 1
        finally:
            for worker in staff:
                worker.kill()

    def _open_day(self) -> None:
        self.clock.turn(max(self.clock(), stage.cut_off(self.day) + timedelta(seconds=5)))
        stage.list_papers(self.engine, self.day)
        self.audience += stage.confirmed(self.engine)

    def _work(self, goal: int) -> None:
        """Let the workers work until the sink has so many messages."""
        since = time.monotonic()
        while self.taken().total() < goal and time.monotonic() < since + _LONGEST:
            self._move_clock()
            self._try_again()
            self.scheduler.tick()
            time.sleep(_TICK)

    def _try_again(self) -> None:
        """Do as an admin does who knows that it is us who kill the workers: what was set aside is tried again."""
        with reading(self.engine) as session:
            aside = set_aside(session)
        for one in aside:
            try_again(self.engine, one.id, actor="soak", now=self.clock())
            self.ends["set aside"] += 1

    def _move_clock(self) -> None:
        """To where something becomes due; past a lease now and then; to the next day once this one is settled."""
        now = self.clock()
        if not stage.queued(self.engine, self.day):
            self.clock.turn(now + timedelta(seconds=20))  # an issue is asked for again after two minutes
            return
        after = stage.next_instant(self.engine)
        tomorrow = stage.cut_off(self.day + timedelta(days=1))
        if after is None or max(after, now) >= tomorrow:
            self.day += timedelta(days=1)
            self._open_day()
            return
        # What is being worked on has a lease in the future, and gets the time to be finished, mostly.
        jumps = after <= now or self.chance.random() < 0.1
        self.clock.turn(max(now, after) + timedelta(seconds=1) if jumps else now + timedelta(seconds=1))


def soak_workers(
    url: str, *, seed: int, kills: int, readers: int, rate: float, workers: int, killed: Callable[[], None]
) -> tuple[Verdict, Counter[str]]:
    """Soak one database, which must be empty, with workers on a Redis of their own."""
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as broker:
        folder = Path(name)
        with CountingSink(folder / "taken", seed=seed, rate=rate, slow=0.02, stall=1.0) as sink:
            clock = stage.Clock(folder / "clock")
            clock.turn(stage.CUT_OFF)
            engine = open_engine(url)
            upgrade(engine)
            stage.furnish(engine, readers)
            settings = environment(url, broker, sink.url, folder / "clock", FAULT_CHUNK="25")
            scheduler = Scheduler(url, broker, clock)
            run = WorkerSoak(engine, scheduler, clock, sink.taken, broker, seed=seed)
            run.run(lambda: Worker(settings, folder / "workers.log"), workers, kills, killed)
            scene = stage.installed(stage.Stage(database=url, clock=clock, relay=sink.url), stage.SECRET)
            stage.settle(scene, engine)
            verdict = judge(engine, sink.taken(), run.audience)
            engine.dispose()
            scheduler.engine.dispose()
    return verdict, run.ends
