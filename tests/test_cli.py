"""The command line as its readers use it: exit status, one line of JSON, one clear line for a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
        (("ingest", "pages", "--from-file", "."), "folder"),
        (("ingest", "pages"), "pages"),
        (("ingest", "pages", "--from-file", "page.txt", "--captured-on", "May"), "--captured-on 'May' is not a date"),
        (("preview", "--date", "tomorrow"), "--date 'tomorrow' is not a date"),
        (("admin", "link", "nobody@example.org"), "DIGEST_SECRET_KEY"),
        (("deliver",), "DIGEST_SECRET_KEY"),
    ],
)
def test_a_refusal_is_one_clear_line_and_status_1(shell: Shell, arguments: tuple[str, ...], complaint: str) -> None:
    finished = shell(*arguments)
    assert finished.returncode == 1
    assert complaint in finished.stdout + finished.stderr


def test_a_misspelt_setting_is_named(shell: Shell) -> None:
    assert "DIGEST_SMPT_URL" in shell("db", "upgrade", DIGEST_SMPT_URL="smtp://127.0.0.1").stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DIGEST_DATABASE_URL", "mysql://127.0.0.1/x"),
        ("DIGEST_DATABASE_URL", "nonsense"),
        ("DIGEST_BASE_URL", "digest.example.org"),
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
