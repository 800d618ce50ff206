"""`digest refresh`: a recorded answer is printed, a live one is asked for and reported."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from digest.cli.main import app
from digest.errors import NotFound, RefusedInput
from digest.wiring import Services


@pytest.fixture(autouse=True)
def _own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_DATABASE_URL", f"sqlite:///{tmp_path}/digest.db")


def test_a_recorded_answer_is_printed_and_nothing_is_stored(tmp_path: Path) -> None:
    hits = [{"objectID": "7", "url": "https://arxiv.org/abs/2605.01234v1", "points": 12, "num_comments": 3}]
    (tmp_path / "answer.json").write_text(json.dumps({"hits": hits}))
    shown = CliRunner().invoke(app, ["refresh", "hacker-news", "--from-file", "answer.json", "--json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["arxiv_id"] == "2605.01234"
    assert not (tmp_path / "digest.db").exists()


def test_what_is_no_answer_and_what_is_no_service_are_refused(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text("[")
    refused = CliRunner().invoke(app, ["refresh", "github", "--from-file", "answer.json"])
    assert isinstance(refused.exception, RefusedInput)
    assert isinstance(CliRunner().invoke(app, ["refresh", "altmetric"]).exception, NotFound)


def test_a_quiet_run_is_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    def client(self: Services, name: str) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(503)))

    monkeypatch.setattr(Services, "http_client", client)
    shown = CliRunner().invoke(app, ["refresh", "github", "--limit", "5", "--json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["status"] == "quiet"
