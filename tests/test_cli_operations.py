"""`digest status`, `metrics`, `backup`, `restore` and `prune` as an operator uses them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli.main import app
from digest.flows.leading import Seat
from digest.store.engine import open_engine, reading, writing
from digest.store.tables import Delivery, SpentToken
from tests import post

run = CliRunner().invoke


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database that the commands are told of, with an issue that is due to a reader."""
    named = f"sqlite:///{tmp_path}/digest.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_DATABASE_URL", named)
    monkeypatch.setenv("DIGEST_SECRET_KEY", "kX2vQ9mZ7rT4wB8nL5jH3gF6dS1aP0oY")
    assert run(app, ["status"]).exit_code == 0  # makes the tables
    now = datetime.now(UTC)
    engine = open_engine(named)
    post.add_readers(engine, ["ada@example.org"])
    issue = post.add_issue(engine, issued_on=now.date(), frozen_at=now - timedelta(hours=2))
    with writing(engine) as session:
        session.add(
            Delivery(
                kind="digest",
                state="pending",
                issue_id=issue,
                subscriber_id=1,
                local_date=now.date(),
                due_at=now - timedelta(hours=1),
                expires_at=now + timedelta(hours=20),
                created_at=now,
            )
        )
        session.add(SpentToken(token_hash="old", purpose="confirm", spent_at=now - timedelta(days=40)))
    Seat(engine, "here:1").take(now)
    engine.dispose()
    return named


def test_status_tells_people_and_programs(url: str) -> None:
    shown = run(app, ["status"]).stdout
    assert "leader: here:1, since" in shown
    assert "1 pending" in shown
    assert "oldest due digest: 60 min ago" in shown
    told = json.loads(run(app, ["status", "--json"]).stdout)
    assert told["leader"] == "here:1"
    assert told["issues"][0]["deliveries"] == {"pending": 1}
    assert (told["unknown"], told["deferred"], told["oldest_due"]["prompt"]) == (0, 0, None)
    assert "firstlight_leader 1.0" in run(app, ["metrics"]).stdout


def test_no_backup_is_taken_of_a_database_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong directory or setting must not give an empty copy that looks like a good one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_DATABASE_URL", f"sqlite:///{tmp_path}/mistyped.db")
    monkeypatch.setenv("DIGEST_SECRET_KEY", "kX2vQ9mZ7rT4wB8nL5jH3gF6dS1aP0oY")
    refused = run(app, ["backup", "copy.db"])
    assert refused.exit_code == 1
    assert "the database is empty" in str(refused.exception)
    assert not (tmp_path / "copy.db").exists()


def test_a_backup_is_taken_and_restored_and_says_what_to_do_next(url: str, tmp_path: Path) -> None:
    taken = run(app, ["backup", "copy.db"])
    assert taken.exit_code == 0
    assert "copy.db.sha256 has its checksum" in taken.stdout
    engine = open_engine(url)
    with writing(engine) as session:
        session.get_one(Delivery, 1).state = "accepted"
    refused = run(app, ["restore", "copy.db", "--yes"])
    assert "stop web, workers and schedulers" in str(refused.exception)
    Seat(engine, "here:1", fence=1).leave(datetime.now(UTC))
    engine.dispose()
    assert run(app, ["restore", "copy.db"], input="n\n").exit_code == 1
    restored = run(app, ["restore", "copy.db", "--yes"])
    assert restored.exit_code == 0
    assert "1 deliveries that were due are unknown" in restored.stdout
    assert "docs/operations.md" in restored.stdout
    with reading(engine) as session:
        assert session.get_one(Delivery, 1).state == "unknown"
    engine.dispose()
    shown = run(app, ["status"]).stdout
    assert "the backup copy.db, written" in shown
    assert json.loads(run(app, ["status", "--json"]).stdout)["restored"]["times"] == 1


def test_an_issue_that_may_have_gone_out_before_a_restore_is_made_only_by_who_is_sure(url: str) -> None:
    engine = open_engine(url)
    Seat(engine, "here:1", fence=1).leave(datetime.now(UTC))
    engine.dispose()
    run(app, ["backup", "copy.db"])
    assert run(app, ["restore", "copy.db", "--yes"]).exit_code == 0
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    refused = run(app, ["compose", "--date", yesterday])
    assert "--after-restore" in str(refused.exception)
    assert run(app, ["compose", "--date", yesterday, "--after-restore"]).exit_code == 0


def test_a_day_with_nothing_to_show_is_not_said_to_have_an_issue(url: str) -> None:
    assert run(app, ["compose"]).stdout.startswith("issue of ")
    assert run(app, ["compose", "--date", "1991-01-01"]).stdout.startswith("no issue of 1991-01-01 was made")


def test_prune_counts_first_and_then_deletes(url: str) -> None:
    assert "spent links: 1 would be deleted" in run(app, ["prune", "--dry-run"]).stdout
    assert "spent links: 1 deleted" in run(app, ["prune"]).stdout
    assert "spent links: 0 would be deleted" in run(app, ["prune", "--dry-run"]).stdout
    assert re.search(r"^prune: \d+ s ago$", run(app, ["status"]).stdout, re.MULTILINE)


def test_the_name_of_a_reader_in_the_log_can_be_asked_for(url: str) -> None:
    named = run(app, ["log-name", "Ada@Example.org"]).stdout
    assert named.startswith("address:")
    assert named == run(app, ["log-name", "ada@example.org"]).stdout
