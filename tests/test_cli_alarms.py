"""`digest alarms` as an operator uses it: what holds, and whether telling works."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from digest.cli.main import app
from digest.config import read_settings
from digest.flows.leading import Seat
from digest.mail.local_inbox import LocalInbox, stored_messages
from digest.store.dialects import table_of
from digest.store.engine import open_engine, writing
from digest.store.tables import SchedulerLease
from digest.wiring import Services
from workers.lookout import look

run = CliRunner().invoke


@pytest.fixture
def posted() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a receiver, and what it was told."""
    told: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/alerts", told
        server.shutdown()
        thread.join()


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database that the commands are told of."""
    named = f"sqlite:///{tmp_path}/digest.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_DATABASE_URL", named)
    monkeypatch.setenv("DIGEST_SECRET_KEY", "kX2vQ9mZ7rT4wB8nL5jH3gF6dS1aP0oY")
    assert run(app, ["status"]).exit_code == 0  # makes the tables
    return named


def test_it_lists_what_holds_with_what_to_do_and_its_status_wakes_somebody(url: str) -> None:
    quiet = run(app, ["alarms"])
    assert (quiet.exit_code, quiet.stdout) == (0, "no alarm holds\n")
    now = datetime.now(UTC)
    engine = open_engine(url)
    Seat(engine, "here:1").take(now)
    with writing(engine) as session:
        session.connection().execute(update(table_of(SchedulerLease)).values(ticked_at=now - timedelta(minutes=9)))
    engine.dispose()
    look(Services(read_settings()), worker=True)
    shown = run(app, ["alarms"])
    assert shown.exit_code == 1
    assert "PAGE: The scheduler has stopped (since" in shown.stdout
    assert "-> See whether a scheduler runs" in shown.stdout
    assert "/admin/deliveries" in shown.stdout
    assert "last told at" in shown.stdout
    told = run(app, ["alarms", "--json"])
    found = json.loads(told.stdout)
    assert told.exit_code == 1
    assert [one["key"] for one in found["alarms"]] == ["scheduler-stopped"]
    assert found["heartbeat"] is None
    assert "alarm: The scheduler has stopped" in run(app, ["status"]).stdout
    assert json.loads(run(app, ["status", "--json"]).stdout)["alarms"] == ["scheduler-stopped"]


def test_a_trial_goes_by_both_ways_and_says_how_each_went(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, posted: tuple[str, list[bytes]]
) -> None:
    from digest.flows.deliver import deliver_due

    address, told = posted
    outbox = tmp_path / "outbox"
    with LocalInbox(outbox) as inbox:
        monkeypatch.setenv("DIGEST_ADMINS", "ops@example.org")
        monkeypatch.setenv("DIGEST_SMTP_URL", inbox.url)
        monkeypatch.setenv("DIGEST_MAIL_FROM", "digest@example.org")
        monkeypatch.setenv("DIGEST_ALERT_WEBHOOK", address)
        monkeypatch.setenv("DIGEST_ALERT_SECRET", "a-secret-of-theirs-and-ours")
        services = Services(read_settings())
        done = threading.Event()

        def worker() -> None:
            while not done.wait(0.2):
                deliver_due(services.engine, services.courier, worker="w", clock=services.clock)

        thread = threading.Thread(target=worker)
        thread.start()
        try:
            tried = run(app, ["alarms", "test", "--wait", "30"])
        finally:
            done.set()
            thread.join()
            services.engine.dispose()
        assert tried.exit_code == 0, tried.stdout
        assert "webhook: posting to it ..." in tried.stderr
        assert "mail: it is on the queue; waiting for a worker to send it, 30 s at most ..." in tried.stderr
        assert "webhook: 127.0.0.1 answered 204" in tried.stdout
        assert "mail: delivery 1 is accepted" in tried.stdout
        assert len(told) == 1
        assert json.loads(told[0])["kind"] == "trial"
        assert len(list(stored_messages(outbox))) == 1


def test_a_trial_that_reaches_nobody_fails_and_says_what_to_do(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "set DIGEST_ADMINS" in str(run(app, ["alarms", "test"]).exception)
    monkeypatch.setenv("DIGEST_ADMINS", "ops@example.org")
    tried = run(app, ["alarms", "test", "--wait", "0"])
    assert tried.exit_code == 1
    assert "it waits for a worker" in tried.stdout
    monkeypatch.setenv("DIGEST_ALERT_SECRET", "a-secret-of-theirs-and-ours")
    monkeypatch.setenv("DIGEST_ALERT_WEBHOOK", "http://127.0.0.1:9/closed")
    tried = run(app, ["alarms", "test", "--wait", "0"])
    assert tried.exit_code == 1
    assert "webhook: 127.0.0.1 cannot be reached" in tried.stdout


def test_the_rules_are_printed_as_the_manual_has_them(url: str) -> None:
    assert "| `scheduler-stopped` | yes |" in run(app, ["alarms", "rules"]).stdout
