"""Who looks: a worker that the scheduler asks, and the sites where nobody does."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from digest.config import read_settings
from digest.core.plan import Task, Work
from digest.flows.facts import Duties
from digest.flows.watch import Watchman
from digest.store.engine import reading
from digest.store.prune import chore_done
from digest.wiring import Services
from tests import post
from workers import tasks
from workers.app import use_services
from workers.lookout import look, lookout, stand_in
from workers.scheduler import Ticker

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"
NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def made(engine: Engine, clock: Clock, **settings: object) -> Services:
    wired = Services(
        read_settings(categories=["cs.LG"], secret_key=[SECRET], admins=["ops@example.org"], **settings), clock=clock
    )
    wired.__dict__["engine"] = engine  # a cached property takes what is put there first
    duties = Duties(last_cut_off=wired.last_cut_off, schema=lambda _engine: "current")
    wired.__dict__["watchman"] = Watchman(
        engine=engine, clock=clock, duties=duties, base_url=post.BASE, site_name="x", owners=wired.settings.admins
    )
    return wired


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(engine: Engine, clock: Clock) -> Services:
    return made(engine, clock)


def mails(engine: Engine) -> int:
    return len(post.deliveries(engine, kind="alert"))


def test_the_scheduler_asks_for_a_watch_every_five_minutes_and_a_demo_for_none(
    services: Services, clock: Clock
) -> None:
    enqueued: list[Work] = []
    ticker = Ticker(services, enqueued.append)

    def asked() -> bool:
        enqueued.clear()
        ticker.tick()
        return Work(Task.WATCH) in enqueued

    assert asked()
    look(services, worker=True)
    clock.now += timedelta(minutes=4, seconds=59)
    assert not asked()
    clock.now += timedelta(seconds=1)
    assert asked()
    Ticker(services, enqueued.append, live=False).tick()
    assert enqueued.count(Work(Task.WATCH)) == 1


def test_a_worker_that_is_asked_looks(services: Services, engine: Engine) -> None:
    use_services(services)
    tasks.watch()
    with reading(engine) as session:
        assert chore_done(session, "watch") == NOW


def test_a_dead_scheduler_is_told_by_the_sites_once(services: Services, engine: Engine, clock: Clock) -> None:
    """From the very tick on: the leader is killed, its workers have nothing to do, and three sites go on."""
    ticker = Ticker(services, lambda _work: None)
    for _ in range(4):
        ticker.beat()
        clock.now += timedelta(seconds=30)
    look(services, worker=True)
    sites = [made(engine, clock) for _ in range(3)]
    minutes = 0
    while not mails(engine):
        clock.now += timedelta(minutes=1)
        minutes += 1
        assert minutes < 30, "nobody noticed"
        for site in sites:
            stand_in(site)
    assert minutes <= 11
    for _ in range(30):
        clock.now += timedelta(minutes=1)
        for site in sites:
            stand_in(site)
    assert [one.address for one in post.deliveries(engine, kind="alert")] == ["ops@example.org"]


def test_while_somebody_looks_a_site_does_not(services: Services, engine: Engine, clock: Clock) -> None:
    look(services, worker=True)
    for _ in range(6):
        clock.now += timedelta(minutes=5)
        look(services, worker=True)
        assert stand_in(services) is None
    with reading(engine) as session:
        assert chore_done(session, "watch by the site") is None


def test_a_database_that_is_away_ends_no_lookout(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    class Away:
        def overdue(self) -> bool:
            raise OSError("gone")

    services.__dict__["watchman"] = Away()
    assert stand_in(services) is None


def test_the_lookout_asks_again_and_again_and_ends_with_the_site(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Semaphore(0)
    monkeypatch.setattr("workers.lookout.stand_in", lambda _services: asked.release())
    with lookout(services, every=0.01):
        for _ in range(3):
            assert asked.acquire(timeout=10)
    time.sleep(0.1)
    while asked.acquire(blocking=False):
        pass
    time.sleep(0.1)
    assert not asked.acquire(blocking=False)
