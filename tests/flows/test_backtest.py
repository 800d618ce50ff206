"""A replay knows nothing of the future, writes what was asked, and says what is wrong with its input."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from digest.cli.main import app
from digest.core.paper import Observation
from digest.core.trend import Candidate, appraise_all
from digest.errors import RefusedInput
from digest.flows.backtest import write_scores
from digest.flows.history import read_history, read_queries

AT = datetime(2025, 6, 5, 14, tzinfo=UTC)


def recordings(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    papers, seen = [], []
    for number in range(30):
        day = AT.date() - timedelta(days=number % 6)
        paper_id = f"2506.{number:05d}"
        papers.append({"paper_id": paper_id, "title": f"Lamp {number}", "listed_at": None, "listing_date": str(day)})
        for hour in range(-60, 60, 7):
            at = (AT + timedelta(hours=hour, minutes=number)).isoformat()
            row = {"paper_id": paper_id, "observed_at": at}
            seen.append({**row, "signal": "hf_upvotes", "value": max(hour + 60 + number, 0), "coverage": "all"})
            seen.append({**row, "signal": "hf_page_rank", "value": 1 + number % 9, "of": 9})
    return papers, seen


def write(path: Path, rows: list[dict[str, Any]], *, packed: bool = False) -> Path:
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(body) if packed else body)
    return path


def test_scores_do_not_change_when_what_came_later_is_removed(tmp_path: Path) -> None:
    papers, seen = recordings(tmp_path)
    listed = write(tmp_path / "papers.jsonl.gz", papers, packed=True)
    whole = write(tmp_path / "whole.jsonl", seen)
    cut = write(tmp_path / "cut.jsonl", [row for row in seen if datetime.fromisoformat(row["observed_at"]) <= AT])
    assert whole.stat().st_size > cut.stat().st_size
    for name, instants in (("whole", [AT, AT + timedelta(days=1)]), ("cut", [AT])):
        history = read_history([listed], [tmp_path / f"{name}.jsonl"], instants)
        write_scores(history, instants, tmp_path / f"{name}.scores")
    first = [line for line in (tmp_path / "whole.scores").read_text().splitlines() if '"2025-06-05T' in line]
    assert first == (tmp_path / "cut.scores").read_text().splitlines()
    assert len(first) == 20  # of six days of listing, the day itself and the three before


def test_the_replay_gives_the_score_of_the_service(tmp_path: Path) -> None:
    papers, seen = recordings(tmp_path)
    history = read_history([write(tmp_path / "p", papers)], [write(tmp_path / "o", seen)], [AT])
    write_scores(history, [AT], tmp_path / "scores")
    rows = {row["paper_id"]: row["score"] for row in map(json.loads, (tmp_path / "scores").read_text().splitlines())}
    observed: dict[str, list[Observation]] = {row["paper_id"]: [] for row in papers}
    for row in seen:
        at = datetime.fromisoformat(row["observed_at"])
        observed[row["paper_id"]].append(Observation(row["signal"], at, row["value"], "recorded", row.get("of")))
    candidates = [
        Candidate(
            paper_id=number,
            listed_on=date.fromisoformat(row["listing_date"]),
            title=row["title"],
            observations=observed[row["paper_id"]],
        )
        for number, row in enumerate(papers)
        if row["paper_id"] in rows
    ]
    assert len(candidates) == 20
    for one in appraise_all(candidates, AT):
        assert rows[papers[one.paper_id]["paper_id"]] == one.value


def test_the_command_takes_several_files_and_writes_rows(tmp_path: Path) -> None:
    papers, seen = recordings(tmp_path)
    (tmp_path / "q").write_text("2025-06-05T14:00:00Z\n\n")
    files = ["--papers", write(tmp_path / "p1", papers[:15]), "--papers", write(tmp_path / "p2", papers[15:])]
    files += ["--observations", write(tmp_path / "o1", seen[:99]), "--observations", write(tmp_path / "o2", seen[99:])]
    words = [*files, "--queries", tmp_path / "q", "--scores", tmp_path / "out"]
    ran = CliRunner().invoke(app, ["backtest", *map(str, words)])
    assert ran.exit_code == 0, ran.output
    row = json.loads((tmp_path / "out").read_text().splitlines()[0])
    assert set(row) == {"at", "paper_id", "score"}
    assert row["at"] == "2025-06-05T14:00:00Z"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 1 is not JSON"),
        ("[]", "line 1 is not a JSON object"),
        ('{"signal": "hf_upvotes"}', "line 1 has no paper_id"),
        ('{"paper_id": "2506.00000", "signal": "hf_upvotes", "value": "9", "observed_at": "2025-06-05"}', "value '9'"),
        ('{"paper_id": "2506.00000", "signal": "hf_upvotes", "value": 9, "observed_at": "soon"}', "'soon' is not"),
    ],
)
def test_a_bad_row_is_refused_with_its_file_and_line(tmp_path: Path, line: str, words: str) -> None:
    papers, _seen = recordings(tmp_path)
    (tmp_path / "o").write_text(line + "\n")
    with pytest.raises(RefusedInput, match=words.replace("[", r"\[")) as refused:
        read_history([write(tmp_path / "p", papers)], [tmp_path / "o"], [AT])
    assert str(tmp_path / "o") in str(refused.value)


def test_cut_and_missing_files_are_refused(tmp_path: Path) -> None:
    papers, seen = recordings(tmp_path)
    whole = write(tmp_path / "o.gz", seen, packed=True)
    whole.write_bytes(whole.read_bytes()[:-40])
    for bad in (whole, tmp_path / "none"):
        with pytest.raises(RefusedInput, match="cannot be read"):
            read_history([write(tmp_path / "p", papers)], [bad], [AT])
    (tmp_path / "q").write_text("tomorrow\n")
    with pytest.raises(RefusedInput, match="q line 1"):
        read_queries(tmp_path / "q")
