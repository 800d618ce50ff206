"""Recorded papers and observations, read from files: what a backtest and a fit replay."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from sys import intern
from typing import Any

from digest.core.paper import Observation
from digest.core.signals import KINDS
from digest.core.trend import Candidate
from digest.errors import RefusedInput

DAYS_BACK = 3
RECORDED = "recorded"
_LONGEST_LINE = 1_000_000


@dataclass(frozen=True, slots=True)
class History:
    """What the recordings hold of the papers asked about: ids by day of listing, observations and titles by id."""

    listed: dict[date, list[str]] = field(default_factory=lambda: defaultdict(list))
    observations: dict[str, list[Observation]] = field(default_factory=lambda: defaultdict(list))
    titles: dict[str, str] = field(default_factory=dict)

    def candidates(self, at: datetime) -> tuple[list[str], list[Candidate]]:
        """Return the papers listed on the day of an instant or the three days before, with what was seen by then."""
        ids: list[str] = []
        found: list[Candidate] = []
        for back in range(DAYS_BACK + 1):
            listed_on = at.date() - timedelta(days=back)
            for paper_id in self.listed.get(listed_on, ()):
                seen = [one for one in self.observations.get(paper_id, ()) if one.at <= at]
                title = self.titles.get(paper_id, "")
                found.append(Candidate(paper_id=len(ids), listed_on=listed_on, title=title, observations=seen))
                ids.append(paper_id)
        return ids, found


def read_queries(path: Path) -> list[datetime]:
    """Read ISO instants, one a line, into aware UTC instants in their order; raises RefusedInput naming the line."""
    instants: list[datetime] = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    instants.append(_instant(line.strip(), f"{path} line {number}"))
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedInput(f"{path} cannot be read as query times: {error}") from error
    if not instants:
        raise RefusedInput(f"{path} holds no query times: write one ISO instant a line, such as 2025-06-05T14:00:00Z")
    return instants


def read_history(
    papers: Sequence[Path],
    observations: Sequence[Path],
    instants: Collection[datetime],
    moved: Callable[[int], None] = lambda _size: None,
) -> History:
    """Read what is needed to score at the instants: papers listed near one of them, their known signals, no more.

    Files are JSON lines, gzipped or not. Memory grows with the papers near the instants, not with the files. A later
    row of a paper replaces an earlier one. `moved` is told of each line read. Raises RefusedInput naming file and
    line for a row that cannot be read.
    """
    history = History()
    days = {at.date() - timedelta(days=back) for at in instants for back in range(DAYS_BACK + 1)}
    listed: dict[str, date | None] = {}
    for path in papers:
        for row, where in _rows(path, moved):
            listed_on = row.get("listing_date")
            paper_id, title = _word(row, "paper_id", where), row.get("title")
            listed[paper_id] = _day(listed_on, where) if listed_on else None
            if listed[paper_id] in days and isinstance(title, str):
                history.titles[paper_id] = title
    for paper_id, day in listed.items():
        if day in days:
            history.listed[day].append(paper_id)
    wanted = {paper_id for ids in history.listed.values() for paper_id in ids}
    last = max(instants)
    for path in observations:
        for row, where in _rows(path, moved):
            paper_id, signal = _word(row, "paper_id", where), _word(row, "signal", where)
            if paper_id not in wanted or signal not in KINDS:
                continue
            seen = _observation(row, intern(signal), where)
            if seen.at <= last:
                history.observations[paper_id].append(seen)
    return history


def _observation(row: dict[str, Any], signal: str, where: str) -> Observation:
    value, of = row.get("value"), row.get("of")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedInput(f"{where}: value {str(value)[:40]!r} is not a number")
    if of is not None and (isinstance(of, bool) or not isinstance(of, int)):
        raise RefusedInput(f"{where}: of {str(of)[:40]!r} is not a whole number")
    at = _instant(_word(row, "observed_at", where), where)
    source = row.get("source") or RECORDED
    return Observation(signal, at, value, intern(str(source)), of, intern(str(row.get("coverage") or "")))


def _rows(path: Path, moved: Callable[[int], None]) -> Iterator[tuple[dict[str, Any], str]]:
    for number, line in enumerate(_lines(path), start=1):
        moved(len(line))
        if not line.strip():
            continue
        where = f"{path} line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RefusedInput(f"{where} is not JSON: mend or remove the line, then run again") from error
        if not isinstance(row, dict):
            raise RefusedInput(f"{where} is not a JSON object: mend or remove the line, then run again")
        yield row, where


def _lines(path: Path) -> Iterable[bytes]:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as lines:
            number = 0
            while line := lines.readline(_LONGEST_LINE + 1):
                number += 1
                if len(line) > _LONGEST_LINE:
                    raise RefusedInput(f"{path} line {number} is longer than {_LONGEST_LINE:,} bytes")
                yield line
    except (OSError, EOFError, zlib.error) as error:
        raise RefusedInput(f"{path} cannot be read: {error}") from error


def _word(row: dict[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedInput(f"{where} has no {name}")
    return value


def _day(text: object, where: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise RefusedInput(f"{where}: listing_date {str(text)[:40]!r} is not a date such as 2025-06-05") from error


def _instant(text: str, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no offset")
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RefusedInput(
            f"{where}: {text[:40]!r} is not an instant with its offset, as 2025-06-05T14:00:00Z"
        ) from error
