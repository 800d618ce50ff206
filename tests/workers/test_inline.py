"""The workers of `digest up`: in threads, on the in-memory broker, and not in each other's way."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.config import read_settings
from digest.flows import subscribe
from digest.mail.local_inbox import LocalInbox, stored_messages
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
