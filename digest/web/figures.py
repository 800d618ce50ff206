"""The figures of an author or a lab as readers see them: what was computed here beside what sources state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from digest.core.portfolio import Tally, doubt, doubtful
from digest.store.portfolios import Portfolio
from digest.store.tables import AuthorFigureRow
from digest.web.pages import count, day

UNKNOWN = "–"
_NAMES = {
    "field": "Field",
    "h_index": "h-index",
    "papers": "Papers",
    "citations": "Citations",
    "novelty": "Novelty",
    "ai_score": "AI score",
}
_EXPLAINED = {"h_index": "h-index", "citations": "h-index", "novelty": "novelty", "ai_score": "ai-score"}
_SOURCES = {
    "pages": "a captured page",
    "semantic-scholar": "Semantic Scholar",
    "openalex": "OpenAlex",
    "simulated": "simulated",
}


@dataclass(frozen=True, slots=True)
class Stated:
    """What one source states: the value, the source in words, when it was read in words, and the day of that."""

    value: str
    source: str
    read: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: computed here with what it rests on, and as sources state it.

    `anchor` is its place on the page that explains figures, empty where nothing needs explaining.
    """

    name: str
    value: str
    basis: str
    anchor: str = ""
    simulated: bool = False
    stated: tuple[Stated, ...] = ()


def figures(found: Portfolio, own: Tally, now: datetime) -> list[Figure]:
    """Return the six figures in their order; what a source states against itself is left out."""
    stated: dict[str, list[Stated]] = {}
    for source, rows in sorted(_by_source(found.stated).items()):
        left_out = doubtful(_values(rows))
        for row in rows:
            if row.figure not in left_out:
                at = row.observed_at.astimezone(UTC)
                said = Stated(_written(row), source_name(source), read_when(at, now), at.date())
                stated.setdefault(row.figure, []).append(said)
    computed = _computed(found, own, now)
    return [
        Figure(
            name=name,
            value=computed[figure][0],
            basis=computed[figure][1],
            anchor=_EXPLAINED.get(figure, ""),
            simulated=figure == "ai_score" and own.simulated,
            stated=tuple(stated.get(figure, ())),
        )
        for figure, name in _NAMES.items()
    ]


def doubts(found: Portfolio, now: datetime) -> list[str]:
    """Say of each source whose figures cannot all be true which were left out, and why."""
    said = []
    for source, rows in sorted(_by_source(found.stated).items()):
        values = _values(rows)
        why = doubt(values)
        if why:
            names = " and ".join(f"{_NAMES[figure]} {values[figure]}" for figure in sorted(doubtful(values)))
            read = max(row.observed_at for row in rows)
            name = source_name(source)
            said.append(f"{name[:1].upper()}{name[1:]}, {read_when(read, now)}, states {names}. Left out: {why}.")
    return said


def source_name(source: str) -> str:
    """Name a source for readers."""
    return _SOURCES.get(source, source)


def read_when(at: datetime, now: datetime) -> str:
    """Say when something was read: in days for a month, then as a date."""
    days = (now.astimezone(UTC).date() - at.astimezone(UTC).date()).days
    if days <= 0:
        return "read today"
    if days == 1:
        return "read yesterday"
    return f"read {days} days ago" if days <= 30 else f"read on {day(at.astimezone(UTC).date())}"


def _computed(found: Portfolio, own: Tally, now: datetime) -> dict[str, tuple[str, str]]:
    """Return each figure's value in words and what it rests on."""
    here = f"over the {count(own.cited, 'paper')} of {own.papers:,} whose citations are known"
    field, most = own.fields[0] if own.fields else ("", 0)
    counted = " and ".join(map(source_name, own.cited_by))
    newest = f"; {counted}, the newest {read_when(own.cited_at, now)}" if own.cited_at else ""
    rests = [
        f"the best percentiles of {count(own.ranked, 'paper')}" if own.ranked else "",
        f"the novelty of {count(own.appraised, 'paper')}" if own.appraised else "",
    ]
    beyond = f"; the other figures are over the newest {own.papers:,}" if found.known > own.papers else ""
    uncounted = "no citation count is known yet"
    return {
        "field": (
            field or UNKNOWN,
            f"of {most:,} of {count(own.papers, 'paper')}" if field else "no category is known",
        ),
        "h_index": (UNKNOWN, uncounted) if own.h_index is None else (f"{own.h_index:,}", here),
        "papers": (f"{found.known:,}", f"known here under this name{beyond}"),
        "citations": (UNKNOWN, uncounted) if own.citations is None else (f"{own.citations:,}", f"{here}{newest}"),
        "novelty": (UNKNOWN, "no paper has one yet")
        if own.novelty is None
        else (f"{own.novelty:.0f} %", f"mean over {count(own.appraised, 'paper')}"),
        "ai_score": (UNKNOWN, "no paper was ranked yet")
        if own.ai_score is None
        else (f"{own.ai_score:.0f}", f"from {' and '.join(filter(None, rests))}"),
    }


def _by_source(rows: Sequence[AuthorFigureRow]) -> dict[str, list[AuthorFigureRow]]:
    found: dict[str, list[AuthorFigureRow]] = {}
    for row in rows:
        if row.figure in _NAMES:
            found.setdefault(row.source, []).append(row)
    return found


def _values(rows: Sequence[AuthorFigureRow]) -> dict[str, str]:
    return {row.figure: row.value for row in rows}


def _written(row: AuthorFigureRow) -> str:
    if row.figure == "novelty":
        return f"{row.value} %"
    return f"{int(row.value):,}" if row.value.isascii() and row.value.isdigit() and len(row.value) <= 15 else row.value
