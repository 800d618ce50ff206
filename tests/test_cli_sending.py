"""The editor's commands that send, and the faults that `digest preview` tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from digest.cli.main import app
from digest.flows.audience import materialise
from digest.store.audience import mark_queued
from digest.store.engine import open_engine, writing
from digest.store.schema import upgrade
from tests import post


@pytest.fixture
def now() -> datetime:
    """The commands have the machine's clock; early on its day in UTC there is an hour to come, later there was one."""
    return datetime.now(UTC)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Engine:
    """The database that the commands are told of: today's issue, and a reader whose hour is the last of the day."""
    url = f"sqlite:///{tmp_path}/digest.db"
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("DATABASE_URL", url),
        ("SECRET_KEY", "k9Jx2mQ7vR4tY8wZ1bN6cF3hG5dS0aLp-cli"),
        ("MAIL_FROM", "digest@firstlight.test"),
        ("BASE_URL", "https://firstlight.test"),
        ("POSTAL_ADDRESS", "1 Probe Road"),
        ("ALLOW_TEST_ADDRESSES", "true"),
    ):
        monkeypatch.setenv(f"DIGEST_{name}", value)
    opened = open_engine(url)
    upgrade(opened)
    frozen = now.replace(hour=0, minute=0, second=0, microsecond=0)
    issue = post.add_issue(opened, issued_on=now.date(), frozen_at=frozen)
    post.add_reader(opened, "ann@readers.test", hour=23, categories=["cs.LG"])
    materialise(opened, issue, now=frozen, until=frozen + timedelta(days=1))
    with writing(opened) as session:
        mark_queued(session, issue, frozen)
    return opened


def run(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=typed)


def test_a_test_is_queued_for_the_address_and_no_other(engine: Engine, now: datetime) -> None:
    today = now.date().isoformat()
    done = run("issue", "test", "--to", "ed@readers.test", "--date", today, "--reader", "ann@readers.test")
    assert done.exit_code == 0, done.output
    assert f"a test of the issue of {today} is on its way to ed@readers.test" in done.output
    (letter,) = post.deliveries(engine, kind="test")
    assert (letter.address, letter.state) == ("ed@readers.test", "pending")
    assert run("issue", "test", "--to", "ed@readers.test", "--date", today, "--category", "math.CO").exit_code == 0
    for words in (("--to", "no address"), ("--to", "ed@readers.test", "--reader", "nobody@readers.test")):
        refused = run("issue", "test", "--date", today, *words)
        assert refused.exit_code != 0
    assert len(post.deliveries(engine, kind="test")) == 2


def test_sending_now_asks_for_the_date_and_tells_how_many(engine: Engine, now: datetime) -> None:
    if now.hour == 23:
        pytest.skip("there is no hour left today")
    assert run("issue", "send-now", typed="yes\n").exit_code != 0
    assert post.deliveries(engine, kind="digest")[0].due_at > now
    done = run("issue", "send-now", typed=f"{now.date()}\n")
    assert done.exit_code == 0, done.output
    assert "1 wait for their hour, 0 for another try" in done.output
    assert "1 deliveries of the issue of" in done.output
    assert "0 deliveries" in run("issue", "send-now", "--yes").output
    assert "0 deliveries" in run("issue", "send-now", "--late", "--yes").output
    assert run("issue", "send-now", "--yes", "--date", "2026-01-01").exit_code != 0


def test_preview_tells_size_papers_and_faults_as_json(engine: Engine, now: datetime, tmp_path: Path) -> None:
    told = json.loads(run("preview", "--json", "--date", now.date().isoformat()).stdout)
    assert told["frozen"] is True
    assert told["papers"][0] == {"place": 1, "title": "Paper 1"}
    assert 5_000 < told["html_bytes"] < told["message_bytes"] < 80_000
    assert told["warnings"] == []
    out = tmp_path / "mail.html"
    done = run("preview", "--json", "--out", str(out), "--date", now.date().isoformat())
    assert json.loads(done.stdout)["subject"] == told["subject"]
    assert out.stat().st_size == told["html_bytes"]


def test_preview_tells_what_is_wrong_with_the_mail(
    engine: Engine, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post.deliveries(engine)
    monkeypatch.setenv("DIGEST_BASE_URL", "http://127.0.0.1:8000")
    (warning,) = json.loads(run("preview", "--json", "--date", now.date().isoformat()).stdout)["warnings"]
    assert (warning["about"], warning["grave"]) == ("links", True)
    assert "our own site at an address of this machine" in warning["words"]
    assert warning["remedy"] == "Set DIGEST_BASE_URL to the public address."
