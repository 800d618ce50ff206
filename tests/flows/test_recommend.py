"""Replaying reading profiles: the ranking comes out whole, and a bad row is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from digest.cli.main import app
from digest.errors import RefusedInput
from digest.flows.recommend import read_profiles, read_shelf

TOPICS = {"lamp": "filament glow bulb socket lantern", "river": "sediment delta estuary flood basin"}


def _paper(number: int, topic: str, day: str) -> dict[str, Any]:
    return {
        "id": f"{topic}-{number}",
        "title": f"The {topic} and its {TOPICS[topic].split()[number % 5]}",
        "authors": ["Ada Example"],
        "categories": ["cs.CV"],
        "abstract": f"A {topic} has {TOPICS[topic]}.",
        "first_listed": day,
    }


OLD = [_paper(number, topic, "2026-05-01") for number in range(4) for topic in TOPICS]
NEW = [_paper(number, topic, "2026-05-20") for number in range(4, 7) for topic in TOPICS]
PROFILES = [
    {"profile_id": "a", "day": "2026-05-20", "liked": ["river-0", "river-1"], "relevant": ["river-4"]},
    {"profile_id": "b", "day": "2026-05-20", "liked": ["lamp-0", "gone"]},
    {"profile_id": "c", "day": "2026-05-21", "liked": []},
]


def _lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _run(folder: Path, papers: list[str]) -> Any:
    options = [word for name in papers for word in ("--papers", str(folder / name))]
    return CliRunner().invoke(
        app,
        ["recommend", *options, "--profiles", str(folder / "profiles.jsonl"), "--out", str(folder / "out.jsonl")],
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old.jsonl.gz").write_bytes(gzip.compress(_lines(OLD).encode()))
    (tmp_path / "new.jsonl").write_text(_lines([*NEW, OLD[0]]) + "\n")
    (tmp_path / "profiles.jsonl").write_text(_lines(PROFILES))
    return tmp_path


def test_each_profile_gets_the_papers_of_its_day_best_first(folder: Path) -> None:
    finished = _run(folder, ["old.jsonl.gz", "new.jsonl"])
    assert finished.exit_code == 0, finished.output
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert [row["profile_id"] for row in rows] == ["a", "b", "c"]
    assert sorted(rows[0]["ranked"]) == sorted(rows[1]["ranked"]) == sorted(paper["id"] for paper in NEW)
    assert {one.split("-")[0] for one in rows[0]["ranked"][:3]} == {"river"}
    assert {one.split("-")[0] for one in rows[1]["ranked"][:3]} == {"lamp"}
    assert rows[2]["ranked"] == []
    assert "1 liked papers are in no file" in finished.output
    assert "profile c: no paper was first listed on its day" in finished.output
    assert "3 profiles ranked over 14 papers" in finished.output


def test_authors_change_nothing(folder: Path) -> None:
    _run(folder, ["old.jsonl.gz", "new.jsonl"])
    before = (folder / "out.jsonl").read_bytes()
    (folder / "new.jsonl").write_text(_lines([paper | {"authors": [paper["id"]]} for paper in NEW]))
    _run(folder, ["old.jsonl.gz", "new.jsonl"])
    assert (folder / "out.jsonl").read_bytes() == before


GOOD = OLD[0]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2: not JSON"),
        ("[1]", "line 2: expected a JSON object, not list"),
        ("[" * 50_000, "line 2: nested too deeply"),
        ("\udcff", "line 2: not JSON"),
        (json.dumps(GOOD | {"id": 7}), "line 2: 'id' must be a text, not '7'"),
        (json.dumps(GOOD | {"id": "x", "title": None}), "line 2: 'title' must be a text"),
        (json.dumps(GOOD | {"id": "x", "categories": "cs.CV"}), "line 2: 'categories' must be a list of texts"),
        (json.dumps(GOOD | {"id": "x", "first_listed": "May"}), "line 2: 'first_listed' must be a date"),
    ],
)
def test_a_bad_row_is_named_with_its_file_and_line(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_bytes((json.dumps(GOOD) + "\n" + line + "\n").encode("utf-8", "surrogateescape"))
    with pytest.raises(RefusedInput, match=r"papers\.jsonl") as refused:
        read_shelf([path])
    assert complaint in str(refused.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(_lines(OLD).encode())[:-20])
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    for path, complaint in (
        (cut, "damaged or cut short"),
        (tmp_path / "missing.jsonl", "cannot be read"),
        (tmp_path, "cannot be read"),
        (empty, "hold no paper"),
    ):
        with pytest.raises(RefusedInput, match=complaint):
            read_shelf([path])
    with pytest.raises(RefusedInput, match="holds no profile"):
        read_profiles(empty)


def test_a_profile_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "profiles.jsonl"
    path.write_text(_lines([PROFILES[0], PROFILES[0]]))
    with pytest.raises(RefusedInput, match=r"line 2.*twice"):
        read_profiles(path)


def test_a_failure_leaves_no_half_written_ranking(folder: Path) -> None:
    (folder / "new.jsonl").write_text("{")
    assert _run(folder, ["new.jsonl"]).exit_code == 1
    assert sorted(path.name for path in folder.iterdir()) == ["new.jsonl", "old.jsonl.gz", "profiles.jsonl"]
