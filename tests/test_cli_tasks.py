"""`digest tasks` as an operator uses it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli.main import app
from digest.core.plan import Task, Work
from digest.store.engine import open_engine, writing
from digest.store.tables import TaskAside

NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


def test_it_lists_what_is_set_aside_and_lets_it_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/digest.db"
    monkeypatch.setenv("DIGEST_DATABASE_URL", url)
    run = CliRunner().invoke
    shown = run(app, ["tasks", "list"])
    assert (shown.exit_code, shown.stdout) == (0, "no task is set aside\n")
    engine = open_engine(url)
    works = (Work(Task.INGEST, source="hf", scope="daily"), Work(Task.SCORE), Work(Task.DELIVER))
    with writing(engine) as session:
        for work in works:
            session.add(TaskAside(key=work.key, tries=3, worker="a:7", began_at=NOW, at=NOW, words="signal 9"))
    engine.dispose()
    shown = run(app, ["tasks", "list"])
    assert shown.exit_code == 1
    assert "1: ingest hf daily: 3 tries, the last on a:7 at 20 May 06:00 UTC: signal 9\n" in shown.stdout
    listed = json.loads(run(app, ["tasks", "list", "--json"]).stdout)
    assert [(one["number"], one["task"], one["arguments"]) for one in listed] == [
        (3, "deliver", []),
        (2, "score", []),
        (1, "ingest", ["hf", "daily"]),
    ]
    assert "set aside: score, after 3 tries; see: digest tasks list" in run(app, ["status"]).stdout
    assert len(json.loads(run(app, ["status", "--json"]).stdout)["set_aside"]) == 3
    assert run(app, ["tasks", "retry", "1"]).stdout == "ingest hf daily is tried again\n"
    assert run(app, ["tasks", "forget", "2"]).stdout == "score is left undone for a day\n"
    assert "no mail goes out" in str(run(app, ["tasks", "forget", "3"]).exception)
    assert "digest tasks list" in str(run(app, ["tasks", "retry", "1"]).exception)
    run(app, ["tasks", "retry", "3"])
    assert run(app, ["tasks", "list"]).exit_code == 0
