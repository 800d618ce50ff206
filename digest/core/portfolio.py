"""What the papers known under one name say of an author or a lab: their own figures, beside what sources state.

Every figure says over how many papers it was computed, so none claims more than is known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from math import fsum

from digest.core.language import ENGLISH, Language

MIDDLE = 50.0  # of a percentile's scale and of novelty's, which are both ranks
HELD_BACK = 5.0  # papers; with so many, a score is half the papers' own and half the middle
_OF_STANDING, _OF_NOVELTY = 0.7, 0.3  # what each has of an AI score


class Order(StrEnum):
    """How a list of papers is arranged."""

    NEWEST = "newest"
    PERCENTILE = "percentile"
    CITATIONS = "citations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One paper as a figure counts it; None is unknown, never zero.

    `percentile` is its standing in the newest ranking, None for a paper that is not in it; `best` is the highest it
    ever had, reached at `best_at`. Both are 0 to 100, as `novelty` is. `simulated` marks standings that the demo
    made up. `citations` is the newest count, seen at `cited_at` by `cited_by`.
    """

    paper_id: int
    listed_on: date | None = None
    category: str = ""
    percentile: float | None = None
    best: float | None = None
    best_at: datetime | None = None
    simulated: bool = False
    novelty: float | None = None
    citations: float | None = None
    cited_at: datetime | None = None
    cited_by: str = ""

    @property
    def shown(self) -> float | None:
        """The percentile to show: today's, or else the best one."""
        return self.best if self.percentile is None else self.percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """An author's or a lab's own figures, each with the number of papers it was computed over.

    `h_index` is at most `cited`, which is at most `papers`. `cited_at` is the newest of the citation counts,
    `cited_by` who gave them. `fields`
    are the primary categories, the commonest first, with how many papers are in each.
    """

    papers: int
    fields: tuple[tuple[str, int], ...] = ()
    citations: int | None = None
    cited: int = 0
    cited_at: datetime | None = None
    cited_by: tuple[str, ...] = ()
    h_index: int | None = None
    novelty: float | None = None
    appraised: int = 0
    ai_score: float | None = None
    ranked: int = 0
    simulated: bool = False


def tally(works: Sequence[Work], middle: float = MIDDLE) -> Tally:
    """Compute the figures over papers, in whatever order they come; `middle` is as in `ai_score`."""
    counts = [work.citations for work in works if work.citations is not None]
    new = [work.novelty for work in works if work.novelty is not None]
    ranked = [work for work in works if work.best is not None]
    fields = Counter(work.category for work in works if work.category)
    return Tally(
        papers=len(works),
        fields=tuple(sorted(fields.items(), key=lambda pair: (-pair[1], pair[0]))),
        citations=round(fsum(counts)) if counts else None,
        cited=len(counts),
        cited_at=max((work.cited_at for work in works if work.cited_at is not None), default=None),
        cited_by=tuple(sorted({work.cited_by for work in works if work.cited_by})),
        h_index=h_index(counts) if counts else None,
        novelty=fsum(new) / len(new) if new else None,
        appraised=len(new),
        ai_score=ai_score([work.best for work in ranked if work.best is not None], new, middle),
        ranked=len(ranked),
        simulated=any(work.simulated for work in ranked),
    )


def h_index(citations: Iterable[float]) -> int:
    """Return the largest h for which h papers have at least h citations each. Source: Hirsch 2005."""
    falling = sorted(citations, reverse=True)
    return sum(1 for place, count in enumerate(falling, start=1) if count >= place)


def ai_score(best: Sequence[float], novelty: Sequence[float], middle: float = MIDDLE) -> float | None:
    """Return how the papers' attention and novelty compare with those of all papers here: 0 to 100, 50 in the middle.

    `best` holds each ranked paper's best percentile, `middle` the mean of that over all papers here; `novelty` that of
    each paper that has one. Means over few papers are drawn to the middle, by n / (n + 5). None where nothing is
    known. Source: empirical-Bayes shrinkage, as in Efron and Morris 1977.
    """
    if not best and not novelty:
        return None
    standing = _with_middle_at_50(_drawn(best, middle), middle)
    return min(max(_OF_STANDING * standing + _OF_NOVELTY * _drawn(novelty, MIDDLE), 0.0), 100.0)


def arranged(works: Iterable[Work], order: Order) -> list[Work]:
    """Sort papers, the highest or newest first; what is unknown comes last, and equals by day and id."""
    newest = sorted(works, key=lambda work: (work.listed_on or date.min, work.paper_id), reverse=True)
    match order:
        case Order.NEWEST:
            return newest
        case Order.PERCENTILE:
            return sorted(newest, key=lambda work: -1.0 if work.shown is None else work.shown, reverse=True)
        case Order.CITATIONS:
            return sorted(newest, key=lambda work: -1.0 if work.citations is None else work.citations, reverse=True)


def doubt(stated: Mapping[str, str], say: Language = ENGLISH) -> str:
    """Say why what one source states of an author cannot be true together; empty where it can.

    An h-index counts papers, so it is at most their number, and its square at most the number of citations.
    """
    h, papers, citations = (_number(stated.get(name)) for name in ("h_index", "papers", "citations"))
    if h is None:
        return ""
    if papers is not None and h > papers:
        return say("an h-index of %(h)s cannot come from %(papers)s papers", h=f"{h:g}", papers=f"{papers:g}")
    if citations is not None and h * h > citations:
        needed, known = f"{h * h:g}", f"{citations:g}"
        return say(
            "an h-index of %(h)s needs %(needed)s citations, not %(known)s", h=f"{h:g}", needed=needed, known=known
        )
    return ""


def doubtful(stated: Mapping[str, str]) -> frozenset[str]:
    """Return the figures that a doubt leaves out: which of the two is wrong, nobody can tell from here."""
    if not doubt(stated):
        return frozenset()
    h, papers = _number(stated.get("h_index")), _number(stated.get("papers"))
    too_few = h is not None and papers is not None and h > papers
    return frozenset({"h_index", "papers" if too_few else "citations"})


def _drawn(values: Sequence[float], middle: float) -> float:
    return (fsum(values) + HELD_BACK * middle) / (len(values) + HELD_BACK)


def _with_middle_at_50(value: float, middle: float) -> float:
    at = min(max(middle, 1.0), 99.0)
    return 50 * value / at if value <= at else 50 + 50 * (value - at) / (100 - at)


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").replace(",", "").removesuffix("%").strip())
    except ValueError:
        return None
