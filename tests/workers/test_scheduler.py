"""The tick: what it enqueues, and that a bad minute does not stop it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from digest.config import read_settings
from digest.core.plan import Task, Work
from digest.flows import subscribe
from digest.wiring import Services
from workers.scheduler import Ticker

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"
NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def services(engine: Engine) -> Services:
    wired = Services(read_settings(categories=["cs.LG", "cs.CL"], secret_key=[SECRET]), clock=Clock(NOW))
    wired.__dict__["engine"] = engine  # a cached property takes what is put there first
    return wired


def test_the_first_tick_reads_every_source_scores_and_composes(services: Services) -> None:
    enqueued: list[Work] = []
    Ticker(services, enqueued.append).tick()
    assert Work(Task.COMPOSE, issued_on=NOW.date()) in enqueued
    assert [(work.source, work.scope) for work in enqueued if work.task is Task.INGEST] == [
        ("arxiv-rss", "cs.LG"),
        ("arxiv-rss", "cs.CL"),
        ("hf", "daily"),
        ("arxiv-api", "cs.LG"),
        ("arxiv-api", "cs.CL"),
    ]
    assert Work(Task.SCORE) in enqueued


def test_a_source_asked_for_is_not_asked_for_again_at_the_next_tick(services: Services) -> None:
    enqueued: list[Work] = []
    ticker = Ticker(services, enqueued.append)
    ticker.tick()
    enqueued.clear()
    services.clock.now += timedelta(seconds=30)  # type: ignore[attr-defined]
    ticker.tick()
    assert not [work for work in enqueued if work.task is Task.INGEST]


def test_a_committed_delivery_is_found_without_the_broker(services: Services) -> None:
    subscribe.request(services.engine, services.tokens, "ada@example.org", now=NOW, ip="127.0.0.1", source="test")
    enqueued: list[Work] = []
    Ticker(services, enqueued.append, live=False).tick()
    assert Work(Task.DELIVER) in enqueued


def test_a_tick_survives_a_broker_that_is_away(services: Services) -> None:
    def refuse(work: Work) -> None:
        raise OperationalError("broker away", None, Exception())

    ticker = Ticker(services, refuse)
    ticker.tick_safely()  # logs, and does not raise
    enqueued: list[Work] = []
    Ticker(services, enqueued.append).tick()
    assert enqueued
