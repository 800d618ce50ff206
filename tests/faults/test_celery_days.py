"""Real Celery workers on a real Redis: killed before they acknowledge, asked to stop, and robbed of their broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from celery.signals import worker_init
from sqlalchemy import Engine

from digest.config import read_settings
from digest.store.engine import open_engine
from digest.store.schema import upgrade
from digest.wiring import Services
from tests import post
from tests.conftest import absent
from tests.faults import stage
from tests.faults.broker import Scheduler, Worker, environment, flush, redis_server
from tests.faults.children import wait_for
from tests.faults.conftest import TODAY
from tests.faults.oracle import judge
from tests.faults.sink import CountingSink
from tests.faults.stage import CUT_OFF, SECRET, Clock, Stage
from workers import app

READERS = 60
pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]


class Day:
    """A day whose every slot has come, a slow relay, a broker, and the scheduler's tick by hand."""

    def __init__(self, folder: Path, database: str, broker: str) -> None:
        self.folder, self.broker = folder, broker
        self.sink = CountingSink(folder / "taken", slow=0.03)
        self.clock = Clock(folder / "clock")
        self.clock.turn(CUT_OFF + timedelta(seconds=5))
        self.engine = open_engine(database)
        upgrade(self.engine)
        stage.furnish(self.engine, READERS)
        stage.list_papers(self.engine, TODAY)
        scene = Stage(database=database, clock=self.clock, relay=self.sink.url)
        scene.compose(self.engine, TODAY)
        self.clock.turn(CUT_OFF + timedelta(hours=23))
        self.scheduler = Scheduler(database, broker, self.clock)
        self.workers: list[Worker] = []

    def worker(self, **faults: str) -> Worker:
        settings = environment(
            self.engine.url.render_as_string(hide_password=False),
            self.broker,
            self.sink.url,
            self.folder / "clock",
            **faults,
        )
        self.workers.append(Worker(settings, self.folder / "worker.log"))
        return self.workers[-1]

    def tick_until(self, condition: Callable[[], bool]) -> None:
        """Tick as the scheduler does, only sooner, until something has happened."""

        def ticked() -> bool:
            self.scheduler.tick()
            return condition()

        wait_for(ticked, 90)

    def took(self, at_least: int) -> Callable[[], bool]:
        return lambda: self.sink.taken().total() >= at_least

    def states(self) -> set[str]:
        return {row.state for row in post.deliveries(self.engine)}


@pytest.fixture
def day(tmp_path: Path, database_url: str) -> Iterator[Day]:
    """A day, once for each kind of database; what is left of it is killed at the end."""
    try:
        server = redis_server(tmp_path)
        with server as broker:
            made = Day(tmp_path, database_url, broker)
            with _ending(made):
                yield made
    except FileNotFoundError:
        absent("redis-server")


@contextmanager
def _ending(day: Day) -> Iterator[None]:
    with day.sink:
        try:
            yield
        finally:
            for worker in day.workers:
                worker.kill()
            _dispose(day.engine, day.scheduler.engine)


def _dispose(*engines: Engine) -> None:
    for engine in engines:
        engine.dispose()


def test_a_task_killed_before_it_is_acknowledged_runs_again_and_mails_nobody_again(day: Day, tmp_path: Path) -> None:
    struck = tmp_path / "struck"
    day.worker(FAULT_AT="unacknowledged:1:SIGKILL", FAULT_STRUCK=str(struck), FAULT_CHUNK="20")
    day.tick_until(struck.exists)
    # Celery's parent sees its pool die and gives the message back; the scheduler is not needed for it.
    day.tick_until(lambda: day.states() == {"accepted"})
    verdict = judge(day.engine, day.sink.taken(), READERS)
    assert verdict.holds, verdict


def test_a_worker_asked_to_stop_finishes_what_is_in_flight_and_gives_back_the_rest(day: Day) -> None:  # checklist 95
    worker = day.worker()
    day.tick_until(day.took(3))
    assert worker.ask_to_stop() == 0
    rows = post.deliveries(day.engine)
    assert {row.state for row in rows} == {"accepted", "pending"}
    assert {row.message_id for row in rows if row.state == "accepted"} == set(day.sink.taken())
    assert {row.claimed_by for row in rows} == {""}
    day.worker()
    day.tick_until(lambda: day.states() == {"accepted"})
    assert judge(day.engine, day.sink.taken(), READERS).holds


def test_a_broker_that_forgets_everything_costs_a_tick(day: Day) -> None:  # checklist 89
    day.worker(FAULT_CHUNK="10")
    for so_far in (1, 15, 30, 45):
        day.tick_until(day.took(so_far))
        flush(day.broker)
    day.tick_until(lambda: day.states() == {"accepted"})
    assert judge(day.engine, day.sink.taken(), READERS).holds


def test_the_processes_of_a_pool_inherit_no_connection(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services(read_settings(database_url=database_url, secret_key=[SECRET]))
    upgrade(services.engine)
    monkeypatch.setattr(app, "_in_use", [services])
    worker_init.send(sender=None)  # as Celery does before it forks
    assert services.engine.pool.checkedin() == 0  # type: ignore[attr-defined]  # a queue pool has it
