"""The long-running commands as real processes on a real broker, and what they refuse."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from digest.flows import subscribe
from digest.flows.audience import materialise
from digest.mail.local_inbox import LocalInbox, stored_messages
from digest.store.engine import open_engine
from digest.store.schema import upgrade
from digest.tokens import Tokens
from tests import post
from tests.conftest import absent
from tests.mail.servers import CountingSink

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"


@pytest.fixture
def broker_url() -> Iterator[str]:
    """A Redis database that nothing else uses, emptied before and after."""
    url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
    client = redis.Redis.from_url(url)
    try:
        client.ping()
    except redis.exceptions.ConnectionError:
        absent("Redis")
    client.flushdb()
    yield url
    client.flushdb()
    client.close()


@pytest.fixture
def environment(tmp_path: Path, database_url: str) -> dict[str, str]:
    """The environment of an installation on a fresh, current database."""
    engine = open_engine(database_url)
    upgrade(engine)
    engine.dispose()
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")},
        "DIGEST_DATABASE_URL": database_url,
        "DIGEST_SECRET_KEY": SECRET,
        "DIGEST_ADMINS": "admin@example.org",
        "DIGEST_MAIL_FROM": "digest@example.org",
    }


def digest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "digest", *arguments]


def refusal(arguments: list[str], environment: dict[str, str]) -> str:
    finished = subprocess.run(
        digest(*arguments), env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stderr


def wait_for(condition: Callable[[], bool], seconds: float = 45) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


SUBSCRIBE = """
from datetime import UTC, datetime
from digest.flows import subscribe
from digest.flows.audience import materialise
from workers.app import services

wired = services()
subscribe.request(
    wired.engine, wired.tokens, "ada@example.org", now=datetime.now(UTC), ip="127.0.0.1", source="test"
)
wired.kick()
"""


@pytest.mark.redis
@pytest.mark.timeout(180)
def test_a_worker_process_sends_what_another_process_committed(
    tmp_path: Path, environment: dict[str, str], broker_url: str
) -> None:
    with LocalInbox(tmp_path / "outbox") as inbox:
        environment |= {"DIGEST_BROKER_URL": broker_url, "DIGEST_SMTP_URL": inbox.url}
        with subprocess.Popen(digest("worker", "--concurrency", "1"), env=environment) as worker:
            try:
                subprocess.run([sys.executable, "-c", SUBSCRIBE], env=environment, check=True, timeout=60)
                wait_for(lambda: bool(stored_messages(tmp_path / "outbox")))
            finally:
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(60) == 0
    assert [message.recipient for message in stored_messages(tmp_path / "outbox")] == ["ada@example.org"]


@pytest.mark.redis
@pytest.mark.timeout(180)
def test_a_worker_that_is_told_to_stop_finishes_what_is_under_way_and_gives_back_the_rest(  # checklist 95
    environment: dict[str, str], broker_url: str
) -> None:
    engine = open_engine(environment["DIGEST_DATABASE_URL"])
    post.add_readers(engine, [f"r{n}@example.org" for n in range(400)])
    now = datetime.now(UTC)
    issue = post.add_issue(engine, issued_on=now.date(), frozen_at=now)
    materialise(engine, issue, now=now, until=now + timedelta(days=1), immediately=True)

    def slowly(verb: str, _number: int) -> str | None:
        if verb == ".":
            time.sleep(0.2)
        return None

    with CountingSink(answer=slowly) as sink:
        environment |= {
            "DIGEST_BROKER_URL": broker_url,
            "DIGEST_SMTP_URL": sink.url,
            "DIGEST_SMTP_CONNECTIONS": "4",
        }
        with subprocess.Popen(digest("worker", "--concurrency", "1", "--queues", "send"), env=environment) as worker:
            try:
                subprocess.run(
                    [sys.executable, "-c", "from workers.app import services\nservices().kick()"],
                    env=environment,
                    check=True,
                    timeout=60,
                )
                wait_for(lambda: sum(sink.taken.values()) >= 8)
            finally:
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(60) == 0
        sink.settle()
    states = Counter(row.state for row in post.deliveries(engine))
    engine.dispose()
    assert set(sink.taken.values()) == {1}
    assert states == {"accepted": len(sink.taken), "pending": 400 - len(sink.taken)}
    assert len(sink.taken) < 400


@pytest.mark.redis
@pytest.mark.timeout(180)
def test_the_scheduler_finds_in_sql_what_the_broker_forgot(
    tmp_path: Path, environment: dict[str, str], broker_url: str
) -> None:
    environment |= {"DIGEST_BROKER_URL": broker_url, "DIGEST_CATEGORIES": ""}
    engine = open_engine(environment["DIGEST_DATABASE_URL"])
    subscribe.request(engine, Tokens([SECRET]), "ada@example.org", now=datetime.now(UTC), ip="127.0.0.1", source="test")
    engine.dispose()  # nobody told the broker
    with LocalInbox(tmp_path / "outbox") as inbox:
        environment["DIGEST_SMTP_URL"] = inbox.url
        with (
            subprocess.Popen(digest("worker", "--concurrency", "1", "--queues", "send"), env=environment) as worker,
            subprocess.Popen(digest("scheduler"), env=environment) as scheduler,
        ):
            try:
                wait_for(lambda: bool(stored_messages(tmp_path / "outbox")))
            finally:
                for process in (scheduler, worker):
                    process.send_signal(signal.SIGTERM)
                assert (scheduler.wait(60), worker.wait(60)) == (0, 0)


@pytest.mark.parametrize("command", [["web", "--port", "0"], ["worker"], ["scheduler"]])
def test_a_process_refuses_an_empty_database(command: list[str], sqlite_url: str) -> None:
    environment = os.environ | {
        "DIGEST_DATABASE_URL": sqlite_url,
        "DIGEST_SECRET_KEY": SECRET,
        "DIGEST_BROKER_URL": "redis://127.0.0.1:6379/9",
    }
    assert "digest db upgrade" in refusal(command, environment)


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [("", "DIGEST_SECRET_KEY is not set"), ("short", "DIGEST_SECRET_KEY is weak"), ("a" * 64, "is weak")],
)
def test_the_site_refuses_a_missing_or_weak_secret(secret: str, complaint: str, sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    engine.dispose()
    environment = os.environ | {"DIGEST_DATABASE_URL": sqlite_url, "DIGEST_SECRET_KEY": secret}
    assert complaint in refusal(["web", "--port", "0"], environment)


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_a_lone_process_refuses_the_in_memory_broker(command: str, sqlite_url: str) -> None:
    environment = os.environ | {"DIGEST_DATABASE_URL": sqlite_url, "DIGEST_SECRET_KEY": SECRET}
    assert "digest up" in refusal([command], environment | {"DIGEST_BROKER_URL": "memory://"})
