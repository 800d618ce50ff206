"""From observations to a TrendScore whose named parts explain it.

A paper's value starts at what is true of any paper on the list (how fresh it is, whether it has code, how widely it
is listed). What its votes, page places and stars promise adds to it, by a forecast fitted on recordings that also
reads its title and how it stands on its page; the other signals add a share of what is still missing to 1. So a signal
that is missing is not a zero, and no signal makes more than 60 % of a score: bought stars buy little.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from digest.core.candidate import AT_ONCE, Batch, Candidate, batches
from digest.core.evidence import ground, lead
from digest.core.forecast import Forecast, shipped
from digest.core.pages import PageVotes, page_votes
from digest.core.promises import MAX_SHARE, expected
from digest.core.signals import PAGE_PLACE, Movement

__all__ = [
    "MAX_SHARE",
    "Appraisal",
    "Candidate",
    "Part",
    "TrendScore",
    "appraise",
    "appraise_all",
    "appraise_batches",
    "trend_scores",
]

_FEWEST = 5  # candidates in a category, below which a paper is compared with all of them


class Part(NamedTuple):
    """One named contribution to a score: `share` of the score (sums to 1 over the parts) and its words.

    A tuple, as are the others, because a score of the whole window makes hundreds of thousands of them.
    """

    name: str
    share: float
    words: str


class TrendScore(NamedTuple):
    """A paper's standing as of an instant.

    `value` is 0 to 1, comparable within one `as_of`. `percentile` is 0 to 100 within the primary category over
    the window, None outside it. `evidence` is one sentence for readers. `simulated` is True where any part rests
    on signals that the demo made up.
    """

    paper_id: int
    value: float
    percentile: float | None
    parts: tuple[Part, ...]
    evidence: str
    simulated: bool = False


class Appraisal(NamedTuple):
    """A candidate's value and parts, before it is compared with the others; `moved` if any signal says something."""

    paper_id: int
    primary_category: str
    value: float
    parts: tuple[Part, ...]
    lead: str
    moved: bool
    simulated: bool


class _Known(NamedTuple):
    """The how manieth of all candidates one is, and what its signals read."""

    place: int
    candidate: Candidate
    read: dict[str, Movement]


def appraise(candidate: Candidate, as_of: datetime) -> Appraisal:
    """Value one candidate by itself; `value` is finite and 0 to 1 whatever was observed."""
    return appraise_all([candidate], as_of)[0]


def appraise_all(candidates: Iterable[Candidate], as_of: datetime, forecast: Forecast | None = None) -> list[Appraisal]:
    """Value candidates, in their order; the shipped forecast speaks unless another one is given."""
    return appraise_batches(batches(candidates), as_of, forecast)


def appraise_batches(some: Iterable[Batch], as_of: datetime, forecast: Forecast | None = None) -> list[Appraisal]:
    """Do the same for candidates whose observations are in columns already; one batch is in memory at a time.

    Only those on a day's page, which are few, are kept until the end, to be read beside the others of their page.
    """
    from digest.core.movements import movements_of  # noqa: PLC0415 - numpy, which the sending process does without

    forecast = shipped() if forecast is None else forecast
    appraisals: dict[int, Appraisal] = {}
    paged: list[_Known] = []
    seen = 0
    for batch in some:
        read = movements_of(batch.observed, [_midnight(one.listed_on) for one in batch.candidates], as_of)
        known = [
            _Known(place, candidate, {each.signal: each for each in moved})
            for place, (candidate, moved) in enumerate(zip(batch.candidates, read, strict=True), start=seen)
        ]
        paged += [one for one in known if PAGE_PLACE in one.read]
        alone = [one for one in known if PAGE_PLACE not in one.read]
        appraisals |= _appraisals(alone, [None] * len(alone), as_of, forecast)
        seen += len(known)
    compared = page_votes([one.read for one in paged])
    for start in range(0, len(paged), AT_ONCE):
        chosen = slice(start, start + AT_ONCE)
        appraisals |= _appraisals(paged[chosen], compared[chosen], as_of, forecast)
    return [appraisals[place] for place in range(seen)]


def _appraisals(
    known: Sequence[_Known], compared: Sequence[PageVotes | None], as_of: datetime, forecast: Forecast
) -> Iterator[tuple[int, Appraisal]]:
    from digest.core.valuing import valued  # noqa: PLC0415

    if not known:
        return
    papers = [one.candidate for one in known]
    promised = expected(papers, [one.read for one in known], compared, as_of, forecast)
    foretold: list[bool] = promised.counted.max(axis=1).tolist()
    starts = [
        ground(
            (as_of.date() - one.listed_on).days if one.listed_on else None,
            foretold=speaks,
            has_code=bool(one.has_code),
            categories=one.categories,
            listings=one.listings,
        )
        + title
        for one, speaks, title in zip(papers, foretold, promised.titles, strict=True)
    ]
    values = valued([one.read.values() for one in known], promised.signals, promised.counted, starts)
    for (place, paper, read), start, (value, shares) in zip(known, starts, values, strict=True):
        words = {each.name: each.words for each in start}
        felt = [read[name] for name, _share in shares if name in read]
        yield (
            place,
            Appraisal(
                paper_id=paper.paper_id,
                primary_category=paper.primary_category,
                value=value,
                parts=tuple(
                    [Part(name, share, read[name].words if name in read else words[name]) for name, share in shares]
                ),
                lead=lead(felt, start),
                moved=bool(felt),
                simulated=any(map(attrgetter("simulated"), read.values())),
            ),
        )


@lru_cache(maxsize=64)
def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def trend_scores(appraisals: Sequence[Appraisal], wanted: Iterable[int] | None = None) -> list[TrendScore]:
    """Turn appraisals into scores, of all papers or of the wanted ids only, each compared with all.

    The percentile is among the papers of the primary category, ties at their middle. A category with fewer than
    five candidates says nothing: its papers are compared with all, and the evidence says so. The result is in the
    order of the appraisals.
    """
    groups = _groups(appraisals)
    chosen = None if wanted is None else set(wanted)
    scores = []
    for one in appraisals:
        if chosen is not None and one.paper_id not in chosen:
            continue
        group = _group(one, groups)
        scores.append(
            TrendScore(
                paper_id=one.paper_id,
                value=one.value,
                percentile=_percentile(groups[group], one.value),
                parts=one.parts,
                evidence=_evidence(one, group, groups[group]),
                simulated=one.simulated,
            )
        )
    return scores


def _evidence(one: Appraisal, group: str | None, values: Sequence[float]) -> str:
    below = 100 * bisect_left(values, one.value) // len(values)
    if below < 50 or not one.moved:
        return f"{one.lead}."
    return f"{one.lead}, more than {below} % of {group or 'all papers'} this week."


def _groups(appraisals: Sequence[Appraisal]) -> dict[str | None, list[float]]:
    groups: dict[str | None, list[float]] = defaultdict(list)
    for one in appraisals:
        if one.primary_category:
            groups[one.primary_category].append(one.value)
    groups = {name: sorted(values) for name, values in groups.items() if len(values) >= _FEWEST}
    groups[None] = sorted(one.value for one in appraisals)
    return groups


def _group(one: Appraisal, groups: dict[str | None, list[float]]) -> str | None:
    return one.primary_category if one.primary_category in groups else None


def _percentile(values: Sequence[float], value: float) -> float:
    below, upto = bisect_left(values, value), bisect_right(values, value)
    return min(round(50 * (below + upto) / len(values), 2), 99.99)  # nobody is above themselves
