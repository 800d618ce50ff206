"""The soak in small: it holds on the engine as it is, and says so when the engine is broken on purpose."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def soak(folder: Path, kills: int, *more: str) -> tuple[int, dict[str, Any]]:
    folder.mkdir(exist_ok=True)
    words = ["--kills", str(kills), "--seed", "4", "--readers", "40", "--database", f"sqlite:///{folder}/soak.db"]
    finished = subprocess.run(
        [sys.executable, "-m", "tests.faults.soak", *words, *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    line: dict[str, Any] = json.loads(finished.stdout)
    return finished.returncode, line


def test_random_kills_mail_nobody_twice_and_lose_nobody(tmp_path: Path) -> None:
    code, line = soak(tmp_path, 15)
    assert code == 0, line
    assert list(line) == ["database", "kills", "twice", "missing", "states", "audience"]
    assert line["kills"] >= 15
    assert (line["twice"], line["missing"]) == (0, 0)
    assert sum(line["states"].values()) == line["audience"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("broken", "seen_as"), [("resend", "twice"), ("late-intent", "twice"), ("early-outcome", "missing")]
)
def test_a_broken_engine_does_not_pass(tmp_path: Path, broken: str, seen_as: str) -> None:
    for kills in (10, 40, 120):  # a kill has to meet the moment: in how many there is one depends on the machine
        code, line = soak(tmp_path / str(kills), kills, "--sabotaged", broken)
        if code:
            break
    assert code == 1
    assert line[seen_as] > 0
