"""The command line as its readers use it: exit status, one line of JSON, one clear line for a failure."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from digest.__main__ import main as command_line
from digest.cli.source import _together
from digest.core.capture import RunStatus
from digest.flows.ingest import Report

KEYS = {"source", "status", "listings", "papers_new", "papers_updated", "observations", "rejected"}
PAGE = """Ada Example

LG
h-index3
2papers
40citations
Novelty51%
AI Score44

2 Papers

99.1LGMay 12Code
Counting Lamps in the Dark

Ada Example, Ben Sample, Cleo Specimen et al. · example-lab

We count lamps in the dark. The count is right more often than not.

CVApr 6, 2023
Lenses that Look Back

Ben Sample, Ada Example

We study lenses that look back at whoever looks through them.
"""


class Shell:
    """Runs `digest` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        self.environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)

    def __call__(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            [sys.executable, "-m", "digest", *arguments],
            cwd=self.folder,
            env=self.environment | settings,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert "Traceback" not in finished.stderr, finished.stderr
        return finished

    def ingest(self, *arguments: str) -> dict[str, Any]:
        finished = self("ingest", *arguments, "--json")
        assert finished.returncode == 0, finished.stderr
        [line] = finished.stdout.splitlines()
        report: dict[str, Any] = json.loads(line)
        return report


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "page.txt").write_text(PAGE, encoding="utf-8")
    return Shell(tmp_path)


def test_ingesting_a_file_prints_one_line_of_json_and_creates_the_database(shell: Shell) -> None:
    report = shell.ingest("pages", "--from-file", "page.txt", "--captured-on", "2026-05-20")
    assert set(report) == KEYS
    assert (report["source"], report["status"], report["listings"], report["papers_new"]) == ("pages", "ok", 2, 2)
    assert (shell.folder / "var" / "digest.db").is_file()


def test_ingesting_the_same_file_twice_adds_nothing(shell: Shell) -> None:
    shell.ingest("pages", "--from-file", "page.txt", "--captured-on", "2026-05-20")
    again = shell.ingest("pages", "--from-file", "page.txt", "--captured-on", "2026-05-20")
    assert (again["listings"], again["papers_new"], again["papers_updated"], again["observations"]) == (2, 0, 0, 0)


def test_records_are_added_on_request(shell: Shell) -> None:
    report = shell.ingest("pages", "--from-file", "page.txt", "--captured-on", "2026-05-20", "--records")
    first, second = report["records"]
    assert first["title"] == "Counting Lamps in the Dark"
    assert first["authors"] == ["Ada Example", "Ben Sample", "Cleo Specimen"]
    assert (first["labs"], first["category"], first["listed_on"]) == (["example-lab"], "cs.LG", "2026-05-12")
    assert (first["has_code"], first["percentile"]) == (True, 99.1)
    assert first["abstract"].startswith("We count lamps")
    assert (second["has_code"], second["percentile"], second["listed_on"]) == (False, None, "2023-04-06")


def test_a_page_with_undated_months_is_refused_without_its_date(shell: Shell) -> None:
    finished = shell("ingest", "pages", "--from-file", "page.txt", "--json")
    assert finished.returncode == 1
    report = json.loads(finished.stdout)
    assert report["status"] == "failed"
    assert "--captured-on" in report["error"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("ingest", "nowhere", "--from-file", "page.txt"), "there is no source 'nowhere'"),
        (("ingest", "pages", "--from-file", "missing.txt"), "missing.txt"),
        (("ingest", "pages", "--from-file", "."), "not a regular file"),
        (("ingest", "pages"), "pages"),
        (("ingest", "pages", "--from-file", "page.txt", "--captured-on", "May"), "--captured-on 'May' is not a date"),
        (("preview", "--date", "tomorrow"), "--date 'tomorrow' is not a date"),
        (("preview", "--date", "0001-01-01"), "'0001-01-01' is out of reach: days from 1991-01-01 to 2200-12-31 are"),
        (("preview", "--date", "9999-12-31"), "--date '9999-12-31' is out of reach: days from 1991-01-01 to 2200"),
        (
            ("ingest", "pages", "--from-file", "page.txt", "--observed-at", "9999-12-31T23:59:59-08:00"),
            "--observed-at '9999-12-31T23:59:59-08:00' is out of reach: days from 1991-01-01 to 2200-12-31 are taken",
        ),
        (
            ("ingest", "pages", "--from-file", "page.txt", "--observed-at", "2200-12-31T23:59:59-14:00"),
            "--observed-at 2201-01-01T13:59:59Z is still to come",
        ),
        (("sources", "backfill", "hf", "--from", "9999-12-31"), "--from '9999-12-31' is out of reach"),
        (("preview", "--out", "."), "--out . cannot be written"),
        (("compose", "--date", "2199-01-01"), "not here yet"),
        (("ingest", "pages", "--captured-on", "2026-05-20"), "--from-file"),
        (("ingest", "hf", "--from-file", "page.txt", "--scope", "daily"), "--scope is for asking live"),
        (("admin", "link", "nobody@example.org"), "DIGEST_SECRET_KEY"),
        (("deliver",), "DIGEST_SECRET_KEY"),
    ],
)
def test_a_refusal_is_one_clear_line_and_status_1(shell: Shell, arguments: tuple[str, ...], complaint: str) -> None:
    finished = shell(*arguments)
    assert finished.returncode == 1
    assert complaint in finished.stdout + finished.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere", "--from-file", "page.txt"), "there is no source 'nowhere'"),
        (("pages",), "pages cannot be asked live"),
        (("pages", "--from-file", "page.txt", "--captured-on", "2026-02-30"), "--captured-on '2026-02-30'"),
        (("hf", "--from-file", "page.txt", "--observed-at", "0001-01-01T00:00:00+14:00"), "--observed-at"),
        (("hf", "--from-file", "page.txt"), "not JSON"),
        (("hf", "--scope", "nonsense"), "its only scope is 'daily'"),
        (("arxiv-rss", "--scope", "../../etc"), "a scope is a category"),
        (("arxiv-api", "--scope", "cs.LG OR all:lamps"), "a scope is a category"),
        (("arxiv-oai", "--scope", "cs&verb=Identify"), "a scope is a set"),
    ],
)
def test_every_refused_ingest_is_one_line_of_json(shell: Shell, arguments: tuple[str, ...], complaint: str) -> None:
    finished = shell("ingest", *arguments, "--json")
    assert finished.returncode == 1
    [line] = finished.stdout.splitlines()
    report = json.loads(line)
    assert set(report) == KEYS | {"error"}
    assert report["status"] == "failed"
    assert complaint in report["error"]


def test_asking_for_nothing_is_a_failure_and_not_a_quiet_day(shell: Shell) -> None:
    finished = shell("ingest", "arxiv-rss", "--json", DIGEST_CATEGORIES="")
    report = json.loads(finished.stdout)
    assert (finished.returncode, report["status"]) == (1, "failed")
    assert "empty" in report["error"]


def test_the_reports_of_several_scopes_are_joined_by_the_worst() -> None:
    whole = _together(
        "arxiv-rss",
        [
            Report(source="arxiv-rss", scope="cs.LG", status=RunStatus.OK, listings=3, papers_new=2, observations=1),
            Report(source="arxiv-rss", scope="cs.CL", status=RunStatus.FAILED, reason="it broke off", rejected=1),
            Report(source="arxiv-rss", scope="cs.CV", status=RunStatus.QUIET, listings=1, papers_updated=1),
        ],
    )
    assert whole.as_plain() == {
        "source": "arxiv-rss",
        "status": "failed",
        "listings": 4,
        "papers_new": 2,
        "papers_updated": 1,
        "observations": 1,
        "rejected": 1,
        "error": "cs.CL: it broke off",
    }


def test_a_database_that_cannot_be_used_is_one_line(shell: Shell) -> None:
    (shell.folder / "not.db").write_text("this is a letter, not a database; " * 40)
    for url in ("sqlite:///not.db", "sqlite:///.", "postgresql://nobody:word@127.0.0.1:9/none"):
        finished = shell("score", DIGEST_DATABASE_URL=url)
        assert finished.returncode == 1
        [line] = finished.stderr.splitlines()
        assert line.startswith("digest: the database of DIGEST_DATABASE_URL cannot be used: ")
        assert "word" not in line


def test_a_database_that_another_process_keeps_locked_is_one_line_of_json(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell("db", "upgrade")
    monkeypatch.chdir(shell.folder)
    monkeypatch.setattr("digest.store.engine._BUSY_MS", 200)
    monkeypatch.setattr("sys.argv", ["digest", "ingest", "pages", "--from-file", "page.txt", "--json"])
    with closing(sqlite3.connect("var/digest.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SystemExit) as ended:
            command_line()
    report = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert (report["status"], set(report)) == ("failed", KEYS | {"error"})
    assert "locked" in report["error"]


def test_ctrl_c_ends_it_without_a_traceback_also_while_it_is_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("digest.cli.main.main", interrupted)
    with pytest.raises(SystemExit) as ended:
        command_line()
    assert ended.value.code == 130


def test_a_misspelt_setting_is_named(shell: Shell) -> None:
    assert "DIGEST_SMPT_URL" in shell("db", "upgrade", DIGEST_SMPT_URL="smtp://127.0.0.1").stderr
    (shell.folder / ".env").write_text("DIGEST_ADMIN=ada@example.org\n")
    assert "DIGEST_ADMIN;" in shell("db", "upgrade").stderr


def test_a_file_of_settings_that_is_no_text_is_named(shell: Shell) -> None:
    (shell.folder / ".env").write_bytes(b"\xff\xfe\x00")
    finished = shell("db", "upgrade")
    assert (finished.returncode, ".env is not UTF-8" in finished.stderr) == (1, True)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DIGEST_DATABASE_URL", "mysql://127.0.0.1/x"),
        ("DIGEST_DATABASE_URL", "nonsense"),
        ("DIGEST_BASE_URL", "digest.example.org"),
        ("DIGEST_BASE_URL", "https://digest.example.org:99999"),
        ("DIGEST_BROKER_URL", "redis.example.org"),
        ("DIGEST_CATEGORIES", "cs.LG,machine learning"),
        ("DIGEST_ADMINS", "ada"),
        ("DIGEST_MAIL_FROM", "nobody"),
        ("DIGEST_MAIL_FROM", "a@example.org\nBcc: b@example.org"),
        ("DIGEST_SITE_NAME", "Firstlight\r\nBcc: b@example.org"),
        ("DIGEST_CONTACT", "Ådne"),
        ("DIGEST_LANGUAGE", "tlh"),
        ("DIGEST_CUT_OFF_HOUR", "25"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(shell: Shell, variable: str, value: str) -> None:
    finished = shell("db", "upgrade", **{variable: value})
    assert finished.returncode == 1
    assert variable in finished.stderr


def test_the_documented_settings_are_the_settings(shell: Shell) -> None:
    documented = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
    assert shell("settings").stdout.strip() in documented.read_text(encoding="utf-8")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "papers"), [("000_*", 25), ("001_*", 24), ("002_*", 21), ("003_*", 195), ("004_*", 36)]
)
def test_the_recorded_pages_hold_their_papers(shell: Shell, shared: Path, name: str, papers: int) -> None:
    [page] = (shared / "seeds").glob(name)
    report = shell.ingest("pages", "--from-file", str(page), "--captured-on", "2026-05-20")
    assert (report["listings"], report["papers_new"], report["rejected"]) == (papers, papers, 0)
    again = shell.ingest("pages", "--from-file", str(page), "--captured-on", "2026-05-20")
    assert (again["listings"], again["papers_new"], again["papers_updated"], again["observations"]) == (papers, 0, 0, 0)
