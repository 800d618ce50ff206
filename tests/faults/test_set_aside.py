"""Tasks that kill their worker each time, in real Celery workers on a real Redis: set aside after three tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from digest.core.plan import Task, Work
from digest.flows.trials import try_again
from digest.store.engine import open_engine, reading
from digest.store.schema import upgrade
from digest.store.trials import SetAside, set_aside
from tests import post
from tests.conftest import absent
from tests.faults import stage
from tests.faults.broker import Scheduler, Worker, environment, redis_server
from tests.faults.children import wait_for
from tests.faults.conftest import TODAY
from tests.faults.oracle import judge
from tests.faults.sink import CountingSink
from tests.faults.stage import CUT_OFF, Clock

READERS = 12
COMPOSE = Work(Task.COMPOSE, issued_on=TODAY)
pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]


class Place:
    """A morning after its cut-off, a broker, and workers to which something happens."""

    def __init__(self, folder: Path, database: str, broker: str, sink: CountingSink) -> None:
        self.folder, self.broker, self.sink = folder, broker, sink
        self.clock = Clock(folder / "clock")
        self.clock.turn(CUT_OFF + timedelta(seconds=5))
        self.engine = open_engine(database)
        upgrade(self.engine)
        stage.furnish(self.engine, READERS)
        stage.list_papers(self.engine, TODAY)
        self.scheduler = Scheduler(database, broker, self.clock)
        self.hired: list[Worker] = []

    def hire(self, **faults: str) -> Worker:
        url = self.engine.url.render_as_string(hide_password=False)
        settings = environment(url, self.broker, self.sink.url, self.folder / "clock", **faults)
        self.hired.append(Worker(settings, self.folder / "worker.log"))
        return self.hired[-1]

    def tick_until(self, condition: Callable[[], object]) -> None:
        def ticked() -> bool:
            self.scheduler.tick()
            return bool(condition())

        wait_for(ticked, 90)

    def aside(self) -> list[SetAside]:
        with reading(self.engine) as session:
            return set_aside(session)

    def states(self) -> set[str]:
        return {row.state for row in post.deliveries(self.engine)}

    def close(self) -> None:
        for worker in self.hired:
            worker.kill()
        self.engine.dispose()
        self.scheduler.engine.dispose()


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Place]:
    with ExitStack() as stack:
        sink = stack.enter_context(CountingSink(tmp_path / "taken"))
        try:
            broker = stack.enter_context(redis_server(tmp_path))
        except FileNotFoundError:
            absent("redis-server")
        made = Place(tmp_path, database_url, broker, sink)
        stack.callback(made.close)
        yield made


def test_a_task_that_kills_its_process_is_set_aside_after_three_tries_and_goes_on_once_released(place: Place) -> None:
    poisoned = place.hire(FAULT_AT="frozen:1:SIGKILL")
    place.tick_until(place.aside)
    found = place.aside()[0]
    assert (found.work, found.tries) == (COMPOSE, 3)
    assert "SIGKILL" in found.words
    assert found.worker.partition(":")[2].isdigit()
    assert COMPOSE not in place.scheduler.tick(), "the tick must not put it again"
    place.clock.turn(place.clock() + timedelta(hours=2))
    assert COMPOSE not in place.scheduler.tick(), "also not later"
    assert poisoned.process.poll() is None, "its worker is alive, and takes other work"

    poisoned.kill()
    place.hire()
    try_again(place.engine, found.id, actor="ada@example.org", now=place.clock())
    place.tick_until(lambda: stage.queued(place.engine, TODAY))
    place.clock.turn(CUT_OFF + timedelta(hours=23))
    place.tick_until(lambda: place.states() == {"accepted"})
    assert not place.aside()
    verdict = judge(place.engine, place.sink.taken(), READERS)
    assert verdict.holds, verdict


def test_a_task_that_kills_its_whole_worker_is_set_aside_after_three_workers(place: Place) -> None:
    for number in range(1, 4):
        worker = place.hire(FAULT_AT="frozen:1:SIGKILL", FAULT_WHOLE="1")
        place.clock.turn(CUT_OFF + timedelta(minutes=3 * number))  # or the tick believes it under way
        place.tick_until(lambda gone=worker: gone.process.poll() is not None)
        assert not place.aside()
    survivor = place.hire(FAULT_AT="frozen:1:SIGKILL", FAULT_WHOLE="1")
    place.clock.turn(CUT_OFF + timedelta(minutes=12))
    place.tick_until(place.aside)
    found = place.aside()[0]
    assert (found.work, found.tries, found.words) == (COMPOSE, 3, "its process is gone")
    assert survivor.process.poll() is None
    assert COMPOSE not in place.scheduler.tick()
