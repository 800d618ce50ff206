"""The figures of an author or a lab as readers see them: what was computed here beside what sources state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from digest.core.language import Language, mark
from digest.core.portfolio import Tally, doubt, doubtful
from digest.store.portfolios import Portfolio
from digest.store.tables import AuthorFigureRow

UNKNOWN = "–"
_NAMES = {
    "field": mark("Field"),
    "h_index": mark("h-index"),
    "papers": mark("Papers"),
    "citations": mark("Citations"),
    "novelty": mark("Novelty"),
    "ai_score": mark("AI score"),
}
_EXPLAINED = {"h_index": "h-index", "citations": "h-index", "novelty": "novelty", "ai_score": "ai-score"}
_SOURCES = {
    "pages": mark("a captured page"),
    "seeds": mark("a bundled page"),
    "semantic-scholar": "Semantic Scholar",
    "openalex": "OpenAlex",
    "simulated": mark("simulated"),
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

    @property
    def known(self) -> bool:
        """Whether it could be computed here."""
        return self.value != UNKNOWN


def figures(found: Portfolio, own: Tally, now: datetime, say: Language) -> list[Figure]:
    """Return the six figures in their order; what a source states against itself is left out."""
    stated: dict[str, list[Stated]] = {}
    for source, rows in sorted(_by_source(found.stated).items()):
        left_out = doubtful(_values(rows))
        for row in rows:
            if row.figure not in left_out:
                at = row.observed_at.astimezone(UTC)
                said = Stated(_written(row, say), source_name(source, say), read_when(at, now, say), at.date())
                stated.setdefault(row.figure, []).append(said)
    computed = _computed(found, own, now, say)
    return [
        Figure(
            name=say(name),
            value=computed[figure][0],
            basis=computed[figure][1],
            anchor=_EXPLAINED.get(figure, ""),
            simulated=figure == "ai_score" and own.simulated,
            stated=tuple(stated.get(figure, ())),
        )
        for figure, name in _NAMES.items()
    ]


def doubts(found: Portfolio, now: datetime, say: Language) -> list[str]:
    """Say of each source whose figures cannot all be true which were left out, and why."""
    said = []
    for source, rows in sorted(_by_source(found.stated).items()):
        values = _values(rows)
        why = doubt(values, say)
        if why:
            name = source_name(source, say)
            said.append(
                say(
                    "%(source)s, %(read)s, states %(figures)s. Left out: %(why)s.",
                    source=f"{name[:1].upper()}{name[1:]}",
                    read=read_when(max(row.observed_at for row in rows), now, say),
                    figures=say.listed(
                        f"{say(_NAMES[figure])} {values[figure]}" for figure in sorted(doubtful(values))
                    ),
                    why=why,
                )
            )
    return said


def source_name(source: str, say: Language) -> str:
    """Name a source for readers."""
    return say(_SOURCES[source]) if source in _SOURCES else source


def read_when(at: datetime, now: datetime, say: Language) -> str:
    """Say when something was read: in days for a month, then as a date."""
    days = (now.astimezone(UTC).date() - at.astimezone(UTC).date()).days
    if days <= 0:
        return say("read today")
    if days == 1:
        return say("read yesterday")
    if days <= 30:
        return say.count("read %(num)s day ago", "read %(num)s days ago", days)
    return say("read on %(day)s", day=say.date(at.astimezone(UTC).date()))


def _computed(found: Portfolio, own: Tally, now: datetime, say: Language) -> dict[str, tuple[str, str]]:
    """Return each figure's value in words and what it rests on."""
    here = say.count(
        "over the %(num)s paper of %(all)s whose citations are known",
        "over the %(num)s papers of %(all)s whose citations are known",
        own.cited,
        all=own.papers,
    )
    newest = ""
    if own.cited_at:
        counted = say.listed(source_name(source, say) for source in own.cited_by)
        newest = say("; %(sources)s, the newest %(read)s", sources=counted, read=read_when(own.cited_at, now, say))
    field, most = own.fields[0] if own.fields else ("", 0)
    uncounted = (UNKNOWN, say("no citation count is known yet"))
    return {
        "field": (
            field,
            say.count("of %(most)s of %(num)s paper", "of %(most)s of %(num)s papers", own.papers, most=most),
        )
        if field
        else (UNKNOWN, say("no category is known")),
        "h_index": uncounted if own.h_index is None else (say.number(own.h_index), here),
        "papers": (say.number(found.known), _known(found, own, say)),
        "citations": uncounted if own.citations is None else (say.number(own.citations), f"{here}{newest}"),
        "novelty": (UNKNOWN, say("no paper has one yet"))
        if own.novelty is None
        else (
            f"{own.novelty:.0f} %",
            say.count("mean over %(num)s paper", "mean over %(num)s papers", own.appraised),
        ),
        "ai_score": (UNKNOWN, say("no paper was ranked yet"))
        if own.ai_score is None
        else (f"{own.ai_score:.0f}", _grounds(own, say)),
    }


def _known(found: Portfolio, own: Tally, say: Language) -> str:
    if found.known > own.papers:
        return say("known here under this name; the other figures are over the newest %(papers)s", papers=own.papers)
    return say("known here under this name")


def _grounds(own: Tally, say: Language) -> str:
    """Say what an AI score was computed from."""
    rests = []
    if own.ranked:
        rests.append(
            say.count("the best percentile of %(num)s paper", "the best percentiles of %(num)s papers", own.ranked)
        )
    if own.appraised:
        rests.append(say.count("the novelty of %(num)s paper", "the novelty of %(num)s papers", own.appraised))
    return say("from %(grounds)s", grounds=say.listed(rests))


def _by_source(rows: Sequence[AuthorFigureRow]) -> dict[str, list[AuthorFigureRow]]:
    found: dict[str, list[AuthorFigureRow]] = {}
    for row in rows:
        if row.figure in _NAMES:
            found.setdefault(row.source, []).append(row)
    return found


def _values(rows: Sequence[AuthorFigureRow]) -> dict[str, str]:
    return {row.figure: row.value for row in rows}


def _written(row: AuthorFigureRow, say: Language) -> str:
    if row.figure == "novelty":
        return f"{row.value} %"
    return (
        say.number(int(row.value))
        if row.value.isascii() and row.value.isdigit() and len(row.value) <= 15
        else row.value
    )
