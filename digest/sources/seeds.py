"""The facts that travel with the project, from which the demo starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from digest.core.capture import AuthorFigure, Capture, Reading
from digest.core.paper import AnnounceType, Listing
from digest.errors import RefusedInput
from digest.sources.strict_json import parse_json

SOURCE = "seeds"


def read_seeds(folder: Path, reading: Reading) -> list[Capture]:
    """Read `papers.jsonl` and `authors.json`, one Capture for each page the facts were taken from.

    Raises RefusedInput naming the file and line where a fact is missing or has the wrong type: the seeds are ours,
    so nothing of them is set aside.
    """
    captures: dict[str, Capture] = {}
    papers, authors = folder / "papers.jsonl", folder / "authors.json"
    for number, line in enumerate(_bytes(papers).splitlines(), start=1):
        origin = f"{papers}, line {number}"
        plain = _plain(parse_json(line, origin), origin)
        try:
            captures.setdefault(plain["page"], Capture()).listings.append(_listing(plain))
        except (KeyError, TypeError, ValueError) as fault:
            raise RefusedInput(f"{origin}: {type(fault).__name__}: {fault}; see {folder / 'README.md'}") from None
    stated = parse_json(_bytes(authors), str(authors))
    for number, entry in enumerate(stated if isinstance(stated, list) else [stated], start=1):
        origin = f"{authors}, entry {number}"
        plain = _plain(entry, origin)
        try:
            figures = [AuthorFigure(plain["name"], figure, value) for figure, value in plain["figures"].items()]
            captures.setdefault(plain["page"], Capture()).figures.extend(figures)
        except (KeyError, TypeError, AttributeError) as fault:
            raise RefusedInput(f"{origin}: {type(fault).__name__}: {fault}; see {folder / 'README.md'}") from None
    if not captures:
        raise RefusedInput(f"{papers}: holds no paper; restore it from the release ({reading.origin})")
    for capture in captures.values():
        authors_of_page = tuple(sorted({figure.author for figure in capture.figures}))
        # A page shows three authors of each paper: its own is often not among them.
        capture.listings = [replace(listing, credited=authors_of_page) for listing in capture.listings]
    return list(captures.values())


def _listing(plain: dict[str, Any]) -> Listing:
    return Listing(
        source=SOURCE,
        title=plain["title"],
        authors=tuple(plain["authors"]),
        authors_complete=plain["authors_complete"],
        summary=plain["summary"],
        categories=(plain["category"],) if plain["category"] else (),
        announce_type=AnnounceType.FOUND,
        listed_on=date.fromisoformat(plain["listed_on"]) if plain["listed_on"] else None,
        labs=tuple(plain["labs"]),
        has_code=plain["has_code"],
        percentile=plain["percentile"],
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise RefusedInput(f"{path}: cannot be read ({fault.strerror}); restore it from the release") from None


def _plain(value: object, origin: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedInput(f"{origin}: an object is expected")
    return value
