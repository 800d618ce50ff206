"""Logs go to standard error as lines of JSON, tell a day from tick to reply, and name no reader."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from digest.flows import subscribe
from digest.flows.audience import materialise
from digest.store.dialects import table_of
from digest.store.engine import open_engine, reading
from digest.store.tables import Delivery
from digest.tokens import Tokens
from tests import post
from tests.mail.servers import RESET, CountingSink
from tests.workers.test_processes import SECRET, broker_url, environment  # noqa: F401  # fixtures

SCRIPT = """
import logging, structlog, sys
from digest.logs import adopt, configure_logs, correlated, log_surprise
from digest.tokens import Tokens
configure_logs()
adopt("info", Tokens([sys.argv[1]]))
log = structlog.get_logger("test")
address = "ada" + "@" + "example.org"
def deliver(address):
    raise ValueError(f"refused: {address}")
with correlated() as correlation:
    try:
        deliver(address)
    except ValueError as error:
        log.exception("delivery_failed", delivery=7, to=address)
        logging.getLogger("celery").exception("task of %s failed", address)
        try:
            raise RuntimeError("again") from error
        except RuntimeError as chained:
            log_surprise(chained)
log.debug("this is below the level")
"""


def test_no_line_shows_an_address_and_every_line_is_json() -> None:  # checklist 57
    ran = subprocess.run([sys.executable, "-c", SCRIPT, SECRET], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["event"].partition(" ")[0] for line in lines] == ["delivery_failed", "task", "failed"]
    assert "ada" not in ran.stderr
    assert len({line["correlation"] for line in lines}) == 1
    name = f"[address:{Tokens([SECRET]).address_hashes('ada@example.org')[0][:16]}]"
    assert lines[0]["to"] == name
    assert f"refused: {name}" in json.dumps(lines[0]["exception"])
    assert lines[1]["logger"] == "celery"
    assert all(set(line) >= {"event", "level", "timestamp", "correlation"} for line in lines)


def test_an_error_that_nothing_caught_is_logged_and_not_printed(tmp_path: Path) -> None:
    script = (
        "import sys; from digest.cli import main; sys.argv = ['digest', 'sweep']\n"
        "def fail(*_, **__): raise KeyError('ada@example.org')\n"
        "import digest.flows.deliver as d; d.sweep = fail\n"
        "main.main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, env=clear(os.environ)
    )
    assert ran.returncode == 1
    last = json.loads(ran.stderr.splitlines()[-1])
    assert (last["event"], last["error"], last["level"]) == ("failed", "KeyError", "critical")
    assert "ada" not in ran.stderr


def test_the_local_inbox_says_nothing_of_each_command(tmp_path: Path) -> None:
    script = (
        "import logging, smtplib, sys; from pathlib import Path; from digest.logs import configure_logs\n"
        "from digest.mail.local_inbox import LocalInbox\n"
        "configure_logs(); inbox = LocalInbox(Path(sys.argv[1])); inbox.start()\n"
        "with smtplib.SMTP('127.0.0.1', int(inbox.url.rpartition(':')[2])) as relay:\n"
        "    relay.sendmail('a@example.org', 'b@example.org', 'Subject: x')\n"
        "inbox.stop(); logging.getLogger('mail.log').warning('heard')"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert [json.loads(line)["event"] for line in ran.stderr.splitlines()] == ["heard"]
    assert len(list(tmp_path.glob("*.eml"))) == 1


def clear(environ: Any) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith("DIGEST_")}


def secrets_of(engine: Engine, tokens: Tokens) -> set[str]:
    """Everything that must not be found in a log: addresses, and the tokens of their links."""
    delivery = table_of(Delivery)
    found = {f"reader{n}@example.org" for n in range(30)} | {"newcomer@example.net", "editor@example.com"}
    found |= {tokens.sign(purpose, {"s": n}) for n in range(1, 40) for purpose in ("unsubscribe", "preferences")}
    with reading(engine) as session:
        found |= {own_id for own_id in session.connection().scalars(select(delivery.c.message_id)) if own_id}
    return found


@pytest.mark.redis
@pytest.mark.timeout(240)
def test_a_day_can_be_followed_from_its_tick_to_the_replies_and_names_nobody(  # checklist 57
    tmp_path: Path,
    environment: dict[str, str],  # noqa: F811  # the fixture
    broker_url: str,  # noqa: F811  # the fixture
) -> None:
    engine = open_engine(environment["DIGEST_DATABASE_URL"])
    post.add_readers(engine, [f"reader{n}@example.org" for n in range(30)])
    now = datetime.now(UTC)
    issue = post.add_issue(engine, issued_on=now.date(), frozen_at=now)
    tokens = Tokens([SECRET])
    subscribe.request(engine, tokens, "newcomer@example.net", now=now, ip="127.0.0.1", source="test")
    materialise(engine, issue, now=now, until=now.replace(hour=23, minute=59, second=59), immediately=True)

    def answer(verb: str, number: int) -> str | None:
        """Refusals that repeat the address, as most servers' do, and connections that end at the worst moment."""
        if verb == "RCPT" and number % 7 == 3:
            return f"550 5.1.1 <reader{number}@example.org>: Recipient address rejected: reader{number}@example.org"
        if verb == "RCPT" and number % 7 == 5:
            return f"451 4.7.1 reader{number}@example.org try later"
        return RESET if verb == "." and number == 9 else None

    log = tmp_path / "log"
    with CountingSink(answer=answer) as sink:
        environment |= {
            "DIGEST_BROKER_URL": broker_url,
            "DIGEST_SMTP_URL": sink.url,
            "DIGEST_LOG_LEVEL": "debug",
            "DIGEST_CATEGORIES": "",
            "PYTHONUNBUFFERED": "1",
        }
        with log.open("w") as stream:
            started = [
                subprocess.Popen(
                    [sys.executable, "-m", "digest", *words], env=environment, stdout=stream, stderr=stream
                )
                for words in (["worker", "--concurrency", "1", "--queues", "send"], ["scheduler"])
            ]
            try:
                deadline = time.monotonic() + 120
                # Not until all is sent: a domain that puts mail off is left alone for minutes.
                while not all(word in log.read_text() for word in ('"delivered"', '"250 ', '"550 ', '"451 ')):
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.3)
            finally:
                for process in started:
                    process.send_signal(signal.SIGTERM)
                assert [process.wait(60) for process in started] == [0, 0]
    written = log.read_text()
    for secret in secrets_of(engine, tokens):
        assert secret not in written, secret
    assert not re.search(r"reader\d+@|@example", written)
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert len(lines) > 10
    replies = [line for line in lines if line["event"] == "smtp_reply"]
    assert {line["reply"][:3] for line in replies} == {"250", "550", "451"}
    refused = next(line["reply"] for line in replies if line["reply"].startswith("550"))
    assert refused.startswith("550 5.1.1 <[address:"), "one can still see what was said, and of whom"
    ticks = {line["correlation"] for line in lines if line["event"] == "tick"}
    followed = {
        event: {line["correlation"] for line in lines if line["event"] == event}
        for event in ("claimed", "smtp_reply", "delivered")
    }
    for event, seen in followed.items():
        assert seen & ticks, event
    first = next(iter(followed["smtp_reply"] & ticks))
    told = [line["event"] for line in lines if line.get("correlation") == first]
    assert {"tick", "claimed", "smtp_reply", "delivered"} <= set(told)
    engine.dispose()
