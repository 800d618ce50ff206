"""The demo does what the README says of it, from bundled facts to mail, again and again."""

from __future__ import annotations

import email
import email.policy
import html
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import pytest

from digest.demo import HOME
from digest.demo import run_demo as demo_of_today
from digest.errors import SchemaOutdated

ROOT = Path(__file__).resolve().parent.parent


def run_demo(folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    finished = subprocess.run(
        [sys.executable, "-m", "digest", "demo"],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT), "DEMO_SERVE": "0", "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, run_demo(folder)


def digests(folder: Path) -> list[EmailMessage]:
    messages = []
    for path in sorted((folder / "var/demo/outbox").glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        if message["List-Unsubscribe"]:
            messages.append(message)
    return messages


def parts(message: EmailMessage) -> tuple[str, str]:
    text, markup = message.iter_parts()
    return text.get_content(), markup.get_content()


def test_at_least_three_readers_get_different_digests(demo: tuple[Path, str]) -> None:
    messages = digests(demo[0])
    assert len({message["To"] for message in messages}) >= 3
    assert len({message["Subject"] for message in messages}) >= 3


def test_every_digest_is_well_formed(demo: tuple[Path, str]) -> None:
    for message in digests(demo[0]):
        assert message.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert re.fullmatch(r"<http://127\.0\.0\.1:\d+/unsubscribe/\S+>", message["List-Unsubscribe"])
        _, markup = parts(message)
        assert len(markup.encode()) <= 80_000


def test_every_paper_is_in_both_parts(demo: tuple[Path, str]) -> None:
    for message in digests(demo[0]):
        text, markup = parts(message)
        titles = re.findall(r"<h2[^>]*>.*?<a[^>]*>(.*?)</a>", markup, re.DOTALL)
        assert len(titles) >= 3
        folded = " ".join(text.split())
        for title in titles:
            assert " ".join(html.unescape(title).split()) in folded


def test_simulated_signals_say_so_in_both_parts(demo: tuple[Path, str]) -> None:
    for message in digests(demo[0]):
        for part in parts(message):
            assert "simulated" in part


def test_the_summary_names_readers_and_a_sign_in_link(demo: tuple[Path, str]) -> None:
    _, summary = demo
    assert "ada@example.org" in summary
    assert re.search(r"http://127\.0\.0\.1:\d+/admin/sign-in/\S+", summary)


def test_running_again_sends_nothing_twice(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    before = sorted(path.name for path in (folder / "var/demo/outbox").glob("*.eml"))
    run_demo(folder)
    assert sorted(path.name for path in (folder / "var/demo/outbox").glob("*.eml")) == before


def test_a_demo_made_by_a_newer_version_says_what_to_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    HOME.mkdir(parents=True)
    with closing(sqlite3.connect(HOME / "digest.db")) as made, made:
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
        made.execute("INSERT INTO alembic_version VALUES ('9999')")

    with pytest.raises(SchemaOutdated, match=f"{HOME} .* remove it"):
        demo_of_today(serve=False, port=8000)


def test_every_paper_has_an_abstract_that_says_it_is_made_up_and_papers_near_it(demo: tuple[Path, str]) -> None:
    with closing(sqlite3.connect(demo[0] / HOME / "digest.db")) as made:
        abstracts = [abstract for (abstract,) in made.execute("SELECT abstract FROM paper")]
        near = made.execute("SELECT count(DISTINCT paper_id) FROM paper_neighbour").fetchone()[0]
    assert len(abstracts) > 150
    assert all(abstract.startswith("Made up for the demo") for abstract in abstracts)
    assert near > len(abstracts) / 2
