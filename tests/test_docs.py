"""The documents speak of files and commands that exist, and the commands run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from digest.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_PATH = re.compile(
    r"`((?:digest|workers|tests|templates|seeds|docs|benchmarks|core|sources|store|mail|flows|web)/[\w./-]*)`"
)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_COMMAND = re.compile(r"^(?:.*`)?(digest [a-z][^`#\n]*)", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_it_names_exists(document: Path) -> None:
    words = document.read_text(encoding="utf-8")
    for named in _PATH.findall(words):
        assert (ROOT / named).exists() or (ROOT / "digest" / named).exists(), named
    for linked in _LINK.findall(words):
        assert (document.parent / linked).exists(), linked


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_it_names_exists_with_its_options(document: Path) -> None:
    group = get_command(app)
    written = document.read_text(encoding="utf-8").replace("\\\n", " ")  # a command over several lines is one
    for line in _COMMAND.findall(written):
        names = [word for word in shlex.split(line) if re.fullmatch(r"[a-z]+(-[a-z]+)*", word)][1:]
        command = group
        while names and hasattr(command, "commands") and names[0] in command.commands:
            command = command.commands[names.pop(0)]
        assert command is not group, line
        known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
        assert {word for word in line.split() if word.startswith("--")} <= known, line


def test_every_command_explains_itself() -> None:
    def leaves(command: object, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        children = getattr(command, "commands", None)
        if children is None:
            return [path]
        return [leaf for name, child in children.items() for leaf in leaves(child, (*path, name))]

    for path in leaves(get_command(app), ()):
        shown = CliRunner().invoke(app, [*path, "--help"])
        assert shown.exit_code == 0
        assert len(shown.output) > 40


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    """Those that stay, or ask live services, run elsewhere: test_processes, test_demo, and against recorded answers."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    by_hand = readme.split("## Use it by hand")[1].split("```")[1].removeprefix("sh\n")
    (tmp_path / "day.json").write_text(
        '[{"paper": {"id": "2605.01234", "title": "Lamps in the dark", "authors": [{"name": "Ada Example"}],'
        ' "summary": "We count lamps.", "upvotes": 12, "publishedAt": "2026-05-19T00:00:00.000Z"},'
        ' "publishedAt": "2026-05-19T00:00:00.000Z", "title": "Lamps in the dark", "numComments": 1}]'
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    environment["PYTHONPATH"] = str(ROOT)
    ran = 0
    for line in by_hand.strip().splitlines():
        words = shlex.split(line, comments=True)
        if words[1:2] == ["sources"] or words == ["digest", "ingest", "arxiv-rss"] or "--reader" in words:
            continue
        finished = subprocess.run(
            [sys.executable, "-m", *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0, f"{line}: {finished.stderr}"
        ran += 1
    assert ran >= 3
