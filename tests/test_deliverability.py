"""The table of checks is whole, and each test that it names is there, in a file that names the check."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"^\| (\d+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_NAMED = re.compile(r"`(tests/[\w/]+\.py)` (test_\w+)")


def test_every_check_has_its_line_and_every_test_named_there_exists() -> None:
    rows = _ROW.findall((ROOT / "docs" / "deliverability.md").read_text(encoding="utf-8"))
    assert [int(number) for number, _held in rows] == list(range(1, 96))
    for number, held in rows:
        for path, name in _NAMED.findall(held):
            source = (ROOT / path).read_text(encoding="utf-8")
            body = re.search(rf"\bdef {name}\(.*?(?=\n(?:def|class|@)|\Z)", source, re.DOTALL)
            assert body is not None, (number, path, name)
            marks = re.findall(r"checklist ([\d, ]+)", source)
            assert any(number in re.findall(r"\d+", mark) for mark in marks), (number, path)
