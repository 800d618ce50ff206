"""`digest brake` as an operator uses it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli.main import app
from digest.store.engine import open_engine, writing
from digest.store.tables import BounceEvent


def test_it_says_how_the_brake_stands_and_lets_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/digest.db"
    monkeypatch.setenv("DIGEST_DATABASE_URL", url)
    monkeypatch.setenv("DIGEST_SECRET_KEY", "kX2vQ9mZ7rT4wB8nL5jH3gF6dS1aP0oY")
    run = CliRunner().invoke
    shown = run(app, ["brake", "show"])
    assert (shown.exit_code, shown.stdout) == (0, "go on\n")
    engine = open_engine(url)
    with writing(engine) as session:
        for number in range(3):
            session.add(
                BounceEvent(
                    event_key=str(number),
                    kind="complaint",
                    action="suppress",
                    subscriber_id=number,
                    received_at=datetime.now(UTC),
                )
            )
    engine.dispose()
    shown = run(app, ["brake", "show", "--json"])
    assert shown.exit_code == 1
    assert json.loads(shown.stdout)["pull"] == "stop"
    assert run(app, ["brake", "release"]).stdout == "0 issues go on; what came back before now counts no more\n"
    assert run(app, ["brake", "show"]).exit_code == 0
