"""`digest sources`: every service is asked once, and what is stored of them is shown."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from digest.cli.main import app
from digest.config import read_settings
from digest.core.capture import Cursor, RunStatus
from digest.flows.probe import KNOWN, probe_service
from digest.store.engine import writing
from digest.store.runs import begin_run, finish_run, save_cursor
from digest.wiring import Services
from tests.conftest import NOW

REFUSED = "Too many requests. [/bold]Please [red]wait"


@pytest.fixture(autouse=True)
def _own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setenv("DIGEST_DATABASE_URL", f"sqlite:///{tmp_path}/digest.db")


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services of which one answers well, with its budget, and the others refuse."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.github.com":
            headers = {"X-RateLimit-Remaining": "57", "X-RateLimit-Limit": "60"}
            body = {"full_name": "tensorflow/tensor2tensor", "stargazers_count": 16500}
            return httpx.Response(200, headers=headers, json=body)
        return httpx.Response(403, json={"message": REFUSED})

    def client(self: Services, name: str) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer))

    monkeypatch.setattr(Services, "http_client", client)


@pytest.mark.usefixtures("outside")
def test_a_check_asks_the_services_too_and_tells_their_words_and_budget(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["sources", "check"])
    assert shown.exit_code == 1
    lines = " ".join(shown.stdout.replace("│", " ").split())
    assert "found: github_stars 16,500; 57 of 60 requests left" in lines
    for name in ("arxiv-rss", "hf", "github", "hacker-news", "semantic-scholar", "openalex"):
        assert name in lines
    assert lines.count("answered 403 Forbidden") >= 4
    assert "[/bold]" in lines  # their words are no markup of ours
    assert not (tmp_path / "digest.db").exists()


SERVICES = ["github", "hacker-news", "semantic-scholar", "openalex"]


def status() -> list[dict[str, Any]]:
    shown = CliRunner().invoke(app, ["sources", "status", "--json"])
    assert shown.exit_code == 0, shown.output
    return [json.loads(line) for line in shown.stdout.splitlines()]


def test_the_status_says_what_is_stored_of_each_service() -> None:
    services = [one for one in status() if "service" in one]
    assert [one["service"] for one in services] == SERVICES
    assert {(one["requests_today"], one["status"]) for one in services} == {(0, "never")}


def test_the_status_says_how_each_source_of_papers_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_CATEGORIES", "cs.LG,cs.CL")
    monkeypatch.setenv("DIGEST_OAI_SETS", "")
    never = [one for one in status() if "source" in one]
    assert [(one["source"], one["scope"], one["status"]) for one in never] == [
        ("arxiv-rss", "cs.LG", "never"),
        ("arxiv-rss", "cs.CL", "never"),
        ("hf", "daily", "never"),
        ("arxiv-api", "cs.LG", "never"),
        ("arxiv-api", "cs.CL", "never"),
    ]
    ran = {
        ("arxiv-rss", "cs.LG"): (RunStatus.FAILED, "answered 503", timedelta(hours=1)),
        ("arxiv-rss", "cs.CL"): (RunStatus.LATE, "its newest day is [b]yesterday[/b]", timedelta(hours=1)),
        ("hf", "daily"): (RunStatus.QUIET, "", timedelta(hours=2)),
        ("arxiv-api", "cs.LG"): (RunStatus.OK, "", timedelta(hours=27)),
        ("arxiv-api", "cs.CL"): (RunStatus.OK, "", timedelta(hours=25)),
        ("pages", ""): (RunStatus.OK, "", timedelta(days=9)),
        ("hf", ""): (RunStatus.OK, "", timedelta(days=9)),
        ("arxiv-rss", "cs.CV"): (RunStatus.OK, "", timedelta(days=9)),
        ("github", "papers"): (RunStatus.OK, "", timedelta(hours=1)),
    }
    services = Services(read_settings())
    with writing(services.engine) as session:
        for (source, scope), (ended, reason, ago) in ran.items():
            at = services.clock() - ago
            finish_run(session, begin_run(session, source, scope, "", now=at), ended, reason, now=at)
        save_cursor(session, "hf", "daily", Cursor("2026-05-19"), now=services.clock())
    stands = {(one["source"], one["scope"]): one for one in status() if "source" in one}
    assert {key: one["status"] for key, one in stands.items()} == {
        ("arxiv-rss", "cs.LG"): "failed",
        ("arxiv-rss", "cs.CL"): "late",
        ("hf", "daily"): "quiet",
        ("arxiv-api", "cs.LG"): "silent",
        ("arxiv-api", "cs.CL"): "ok",
        ("pages", ""): "ok",  # read by hand: it cannot be silent
        ("hf", ""): "ok",  # from a file
        ("arxiv-rss", "cs.CV"): "ok",  # no longer among the categories
    }
    assert stands["hf", "daily"]["cursor"] == "2026-05-19"
    words = CliRunner().invoke(app, ["sources", "status"]).stdout
    for said in ("answered 503", "its newest day is [b]yesterday[/b]", "2026-05-19", "hacker-news"):
        assert said in words


def test_every_service_finds_the_paper_that_a_check_asks_for() -> None:
    answers = {
        "api.github.com": {"full_name": KNOWN.repositories[0], "stargazers_count": 1},
        "hn.algolia.com": {"hits": [{"objectID": "1", "url": f"https://arxiv.org/abs/{KNOWN.arxiv_id}", "points": 2}]},
        "api.semanticscholar.org": [{"paperId": "f", "citationCount": 3, "externalIds": {"ArXiv": KNOWN.arxiv_id}}],
        "api.openalex.org": {
            "meta": {"count": 1},
            "results": [{"doi": f"https://doi.org/10.48550/arxiv.{KNOWN.arxiv_id}", "cited_by_count": 4}],
        },
    }
    services = Services(read_settings())
    with httpx.Client(
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json=answers[request.url.host]))
    ) as client:
        said = [
            probe_service(services.signal_service(name), client, now=NOW)
            for name in ("github", "hacker-news", "semantic-scholar", "openalex")
        ]
    assert said == [
        "found: github_stars 1",
        "found: hn_points 2, hn_comments 0",
        "found: citations 3",
        "found: citations 4",
    ]
