"""`make licences`: list what is installed with its licence, as each package states it, in docs/licences.md."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "licences.md"
_HEAD = """# Licences of the dependencies

Written by `make licences` from what the packages themselves state. What `dev` marks is used by tests and tools
only and comes with no installation.

| package | version | licence | |
|---|---|---|---|
"""
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def pinned() -> dict[str, str]:
    """Return the tested versions by the packages' names."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def licence_of(found: Distribution) -> str:
    """Return what a package states: its SPDX expression, else its classifiers, else a short free text."""
    said = found.metadata
    if expression := said.get("License-Expression"):
        return str(expression)
    classified = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier", []) if one.startswith("License ::")]
    if named := sorted(set(classified) - {"OSI Approved"}):
        return ", ".join(named)
    if not said.get("License"):
        return _by_file(found)
    free = str(said.get("License", "") or "").strip().split("\n", maxsplit=1)[0].strip()
    return free[:80] if free.upper() != "UNKNOWN" else ""


def _by_file(found: Distribution) -> str:
    """Return the first line of the licence's own text, where that is all there is."""
    for file in found.files or []:
        if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
            lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
            return lines[0][:80] if lines else ""
    return ""


def needed() -> set[str]:
    """Return the names, as the index compares them, of all that an installation without extras gets."""
    reached: set[str] = set()
    waiting = [("firstlight-digest", frozenset[str]())]
    while waiting:
        name, extras = waiting.pop()
        for line in distribution(name).requires or []:
            words, _, marker = line.partition(";")
            wanted = re.search(r"extra\s*==\s*[\"']([\w.-]+)[\"']", marker)
            if wanted and wanted[1] not in extras:
                continue
            match = _NAME.match(words.strip())
            key = folded(match[0]) if match else ""
            if key and key not in reached and _is_installed(key):
                reached.add(key)
                listed = re.search(r"\[([^\]]*)\]", words)
                waiting.append((key, frozenset(listed[1].replace(" ", "").split(",") if listed else ())))
    return reached


def folded(name: str) -> str:
    """Return a name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except ModuleNotFoundError:
        return False
    return True


def page() -> str:
    """Write the whole page."""
    at_run = needed()
    rows = []
    for name, version in sorted(pinned().items(), key=lambda pair: folded(pair[0])):
        use = "" if folded(name) in at_run else "dev"
        rows.append(f"| {name} | {version} | {licence_of(distribution(name)).replace('|', '/')} | {use} |")
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
