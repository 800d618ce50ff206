"""The tick: what it enqueues, and that a bad minute does not stop it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from digest.config import read_settings
from digest.core.capture import RunStatus
from digest.core.plan import Task, Work
from digest.errors import ConfigError, NotFound
from digest.flows import subscribe
from digest.flows.trials import try_again
from digest.outside import SIGNAL_SERVICES
from digest.store.engine import reading, writing
from digest.store.runs import begin_run, finish_run
from digest.store.tables import TaskAside
from digest.store.trials import set_aside
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
    ticker.beat_safely()  # logs, and does not raise
    enqueued: list[Work] = []
    Ticker(services, enqueued.append).tick()
    assert enqueued


def test_each_service_is_asked_for_signals_when_it_is_due_and_not_again_while_it_is_asked(services: Services) -> None:
    enqueued: list[Work] = []
    ticker = Ticker(services, enqueued.append)
    ticker.tick()
    asked = [work.source for work in enqueued if work.task is Task.REFRESH]
    assert asked == ["github", "hacker-news", "semantic-scholar", "openalex"]
    enqueued.clear()
    services.clock.now += timedelta(minutes=39)  # type: ignore[attr-defined]
    ticker.tick()
    assert not [work for work in enqueued if work.task is Task.REFRESH]
    with writing(services.engine) as session:
        run_id = begin_run(session, "github", "signals", "", now=services.clock())
        finish_run(session, run_id, RunStatus.OK, "", now=services.clock())
    services.clock.now += timedelta(minutes=29)  # type: ignore[attr-defined]
    ticker.tick()
    asked = [work.source for work in enqueued if work.task is Task.REFRESH]
    assert asked == ["hacker-news", "semantic-scholar", "openalex"]


def test_what_is_set_aside_is_not_enqueued_and_told_until_it_is_released(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    compose = Work(Task.COMPOSE, issued_on=NOW.date())
    with writing(services.engine) as session:
        session.add(TaskAside(key=compose.key, tries=3, began_at=NOW, at=NOW))
    enqueued: list[Work] = []
    ticker = Ticker(services, enqueued.append)
    ticker.tick()
    ticker.tick()
    assert compose not in enqueued
    assert Work(Task.SCORE) in enqueued, "the rest goes on"
    said = [line for line in capsys.readouterr().out.splitlines() if "holding_back" in line]
    assert len(said) == 1, "told once, and not at every tick"
    assert "compose 2026-05-20" in said[0]
    with reading(services.engine) as session:
        aside = set_aside(session)[0]
    try_again(services.engine, aside.id, actor="ada@example.org", now=NOW)
    ticker.tick()
    assert compose in enqueued, "at once"


def test_a_demo_asks_no_service(services: Services) -> None:
    enqueued: list[Work] = []
    Ticker(services, enqueued.append, live=False).tick()
    assert not [work for work in enqueued if work.task in (Task.REFRESH, Task.INGEST)]


def test_tokens_go_to_the_service_they_are_for_and_nowhere_else() -> None:
    wired = Services(read_settings(github_token="gh-token", semantic_scholar_key=" s2-key\n"))
    for name in SIGNAL_SERVICES:
        with wired.http_client(name) as client:
            sent = dict(client.headers)
        assert (sent.get("authorization") == "Bearer gh-token") is (name == "github")
        assert (sent.get("x-api-key") == "s2-key") is (name == "semantic-scholar")
        assert wired.signal_service(name).name == name
        assert wired.signal_limit(name) >= wired.signal_service(name).per_request
    with pytest.raises(ConfigError, match="DIGEST_GITHUB_TOKEN") as refused:
        read_settings(github_token="two words")
    assert "two words" not in str(refused.value)
    with pytest.raises(NotFound, match="openalex"):
        wired.signal_service("altmetric")
