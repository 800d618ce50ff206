"""The workers of `digest up`: in threads, on the in-memory broker, and not in each other's way."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from digest.config import read_settings
from digest.core.asker import Asker
from digest.flows import subscribe
from digest.flows.errands import ask_to_fill_in, ask_to_run
from digest.mail.local_inbox import LocalInbox, stored_messages
from digest.store.engine import reading
from digest.store.errands import Errand, errands
from workers import tasks
from workers.app import kick, prepare, use_services
from workers.inline import worker_threads

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"


class SlowSource:
    """A source that does not answer until it is told to."""

    name = "arxiv-rss"

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answer = threading.Event()

    def fetch(self, *_: object) -> list[object]:
        self.asked.set()
        assert self.answer.wait(30)
        return []


def test_a_source_that_does_not_answer_holds_up_no_mail(
    tmp_path: Path, sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SlowSource()
    with LocalInbox(tmp_path / "outbox") as inbox:
        services = prepare(
            read_settings(
                database_url=str(sqlite_engine.url),
                broker_url="memory://",
                smtp_url=inbox.url,
                secret_key=[SECRET],
                mail_from="digest@example.org",
            )
        )
        monkeypatch.setattr(services, "live_source", lambda _name: source)
        use_services(services)
        with worker_threads():
            tasks.ingest.delay("arxiv-rss", "cs.LG")
            assert source.asked.wait(30)
            subscribe.request(
                services.engine,
                services.tokens,
                "ada@example.org",
                now=datetime.now(UTC),
                ip="127.0.0.1",
                source="test",
            )
            kick()
            deadline = time.monotonic() + 30
            while not stored_messages(tmp_path / "outbox"):
                assert time.monotonic() < deadline, "the mail waits for the source"
                time.sleep(0.05)
            source.answer.set()
        services.engine.dispose()


def test_what_is_asked_of_a_source_is_done_by_a_worker(
    tmp_path: Path, sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = prepare(
        read_settings(
            database_url=str(sqlite_engine.url), broker_url="memory://", secret_key=[SECRET], smtp_url="smtp://x"
        )
    )
    days: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        days.append(request.url.params["date"])
        return httpx.Response(200, content=b"[]")

    monkeypatch.setattr(services, "http_client", lambda _name: httpx.Client(transport=httpx.MockTransport(answer)))
    use_services(services)
    asker = Asker("ed@example.org", services.clock())
    source, today = services.live_source("hf"), services.clock().date()
    ask_to_fill_in(services.engine, source, "daily", today - timedelta(days=3), asker, pace=0.5)
    ask_to_run(services.engine, "hf", "daily", asker)
    with worker_threads():
        services.errand("hf", "daily")
        deadline = time.monotonic() + 30
        while not all(one.ended_at for one in _errands(services.engine)):
            assert time.monotonic() < deadline, "nobody does it"
            time.sleep(0.05)
    assert {(one.kind, one.outcome) for one in _errands(services.engine)} == {("run", "done"), ("back-fill", "done")}
    assert len(days) == 2 + 4, "the reading of today and yesterday, then four days, by one message"
    services.engine.dispose()


def _errands(engine: Engine) -> list[Errand]:
    with reading(engine) as session:
        return errands(session)
