"""Replay reading profiles: rank each day's new papers for a reader, from what they liked before."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from digest.core.reading import Profile, Writing
from digest.core.taste import fit, score
from digest.errors import DigestError, RefusedInput

_LONGEST_ROW = 4_000_000  # bytes
Told = Callable[[str, int, int], None]  # what is being done, how far, of how much


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading profile of the protocol: what was liked before a day."""

    profile_id: str
    day: date
    liked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The papers of a collection and the day each was first listed, in the order of the files."""

    papers: Mapping[str, Writing] = field(default_factory=dict)
    listed: Mapping[date, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A reader's ranking of the day's papers, best first, and which liked papers are unknown."""

    profile_id: str
    ranked: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def read_shelf(paths: Iterable[Path]) -> Shelf:
    """Read papers, a JSON object per line, gzip or plain; authors are not looked at. Raises RefusedInput."""
    papers: dict[str, Writing] = {}
    listed: dict[date, list[str]] = defaultdict(list)
    for path in paths:
        for row, where in _rows(path):
            paper_id = _text(row, "id", where)
            if paper_id in papers:
                continue  # a paper that stands in two files is the same one
            categories = _texts(row, "categories", where)
            papers[paper_id] = Writing(
                paper_id, _text(row, "title", where), _text(row, "abstract", where, empty=True), categories
            )
            listed[_day(row, "first_listed", where)].append(paper_id)
    if not papers:
        raise RefusedInput("the files given with --papers hold no paper")
    return Shelf(papers, dict(listed))


def read_profiles(path: Path) -> list[Reading]:
    """Read reading profiles, a JSON object per line, gzip or plain. Raises RefusedInput."""
    profiles: dict[str, Reading] = {}
    for row, where in _rows(path):
        reading = Reading(_text(row, "profile_id", where), _day(row, "day", where), _texts(row, "liked", where))
        if reading.profile_id in profiles:
            raise RefusedInput(f"{where}: the profile {reading.profile_id[:60]!r} stands there twice; keep one")
        profiles[reading.profile_id] = reading
    if not profiles:
        raise RefusedInput(f"{path}: holds no profile")
    return list(profiles.values())


def recommend(shelf: Shelf, profiles: Sequence[Reading], told: Told = lambda *_: None) -> Iterator[Ranked]:
    """Rank for each profile the papers first listed on its day; equal scores keep the order of the files."""
    told("learning the words", 0, 1)
    space = fit(list(shelf.papers.values()))
    told("learning the words", 1, 1)
    for number, reading in enumerate(profiles, 1):
        candidates = shelf.listed.get(reading.day, ())
        scores = score(space, Profile(liked=reading.liked), candidates)
        order = (-scores).argsort(kind="stable")
        unknown = tuple(one for one in reading.liked if one not in shelf.papers)
        yield Ranked(reading.profile_id, tuple(candidates[place] for place in order), unknown)
        told("ranking", number, len(profiles))


def write_ranked(path: Path, rankings: Iterable[Ranked]) -> list[Ranked]:
    """Write a JSON object per ranking; the file is there whole or not at all. Raises DigestError."""
    partial = path.with_name(path.name + ".partial")
    written = []
    try:
        with partial.open("w", encoding="utf-8") as out:
            for ranking in rankings:
                out.write(json.dumps({"profile_id": ranking.profile_id, "ranked": ranking.ranked}) + "\n")
                written.append(ranking)
        partial.replace(path)
    except OSError as fault:
        raise DigestError(f"{path}: cannot be written ({fault.strerror}); name another file with --out") from None
    finally:
        partial.unlink(missing_ok=True)
    return written


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            lines = gzip.GzipFile(fileobj=raw) if packed else raw
            number = 0
            while line := lines.readline(_LONGEST_ROW + 1):
                number += 1
                if line.strip():
                    yield _row(line, f"{path}, line {number}"), f"{path}, line {number}"
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise RefusedInput(f"{path}: the gzip file is damaged or cut short ({fault}); fetch it again") from None
    except OSError as fault:
        raise RefusedInput(f"{path}: cannot be read ({fault.strerror}); name an existing file") from None


def _row(line: bytes, where: str) -> dict[str, Any]:
    if len(line) > _LONGEST_ROW:
        raise RefusedInput(f"{where}: more than {_LONGEST_ROW} bytes; expected one JSON object per line")
    try:
        row = json.loads(line)
    except RecursionError:
        raise RefusedInput(f"{where}: nested too deeply; expected one flat JSON object per line") from None
    except ValueError as fault:
        raise RefusedInput(f"{where}: not JSON ({fault}); expected one JSON object per line") from None
    if not isinstance(row, dict):
        raise RefusedInput(f"{where}: expected a JSON object, not {type(row).__name__}")
    return row


def _text(row: Mapping[str, Any], name: str, where: str, *, empty: bool = False) -> str:
    text = row.get(name, "" if empty else None)
    if text is None and empty:
        return ""
    if not isinstance(text, str) or not (text.strip() or empty):
        raise RefusedInput(f"{where}: {name!r} must be a text, not {str(text)[:40]!r}")
    return text


def _texts(row: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    texts = row.get(name)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RefusedInput(f"{where}: {name!r} must be a list of texts")
    return tuple(texts)


def _day(row: Mapping[str, Any], name: str, where: str) -> date:
    text = _text(row, name, where)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RefusedInput(f"{where}: {name!r} must be a date such as 2026-05-20, not {text[:40]!r}") from None
