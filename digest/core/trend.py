"""From observations to a TrendScore whose named parts explain it.

A paper's value starts at what is true of any paper on the list (how fresh it is, whether it has code, how widely it
is listed), and its signals add to it in proportion to what is still missing to 1. Signals are averaged over those
that the paper has, with a prior weight for "nothing known": a signal that is missing is not a zero, and one weak
signal alone does not carry far. The strongest signal is held to 60 % of the whole, so bought stars buy little.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from digest.core.paper import Observation
from digest.core.signals import Movement, movements

MAX_SHARE = 0.6  # of one signal in a score
_PRIOR = 0.6  # the weight of knowing nothing, beside the signals' weights
_KNEE = 0.6  # of the most that one signal may add: from here on, more adds less
_FEWEST = 5  # candidates in a category, below which a paper is compared with all of them
_FRESH_DAYS = 3.0


@dataclass(frozen=True, slots=True)
class Part:
    """One named contribution to a score: `share` of the score (sums to 1 over the parts) and its words."""

    name: str
    share: float
    words: str


@dataclass(frozen=True, slots=True)
class TrendScore:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A paper in the window, and what is known of it up to the instant of scoring."""

    paper_id: int
    primary_category: str = ""
    listed_on: date | None = None
    has_code: bool | None = None
    listings: int = 1
    categories: int = 1
    observations: Sequence[Observation] = ()


@dataclass(frozen=True, slots=True)
class Appraisal:
    """A candidate's value and parts, before it is compared with the others; `moved` if any signal says something."""

    paper_id: int
    primary_category: str
    value: float
    parts: tuple[Part, ...]
    lead: str
    moved: bool
    simulated: bool


def appraise_all(candidates: Iterable[Candidate], as_of: datetime) -> list[Appraisal]:
    """Value candidates, in their order, each by itself."""
    return [appraise(candidate, as_of) for candidate in candidates]


def appraise(candidate: Candidate, as_of: datetime) -> Appraisal:
    """Value one candidate by itself; `value` is finite and 0 to 1 whatever was observed."""
    listed_at = datetime.combine(candidate.listed_on, time(), UTC) if candidate.listed_on else None
    moved = movements(candidate.observations, as_of, listed_at)
    ground = _ground(candidate, as_of)
    room = 1 - sum(amount for _name, amount, _words in ground)
    weights = sum(one.weight for one in moved) + _PRIOR
    amounts = [room * one.weight * one.strength / weights for one in moved]
    _hold(amounts, sum(amount for _name, amount, _words in ground))
    stated = [*zip((one.signal for one in moved), amounts, (one.words for one in moved), strict=True), *ground]
    value = sum(amount for _name, amount, _words in stated)
    parts = tuple(
        Part(name, round(amount / value, 4), words)
        for name, amount, words in sorted(stated, key=lambda part: -part[1])
        if amount > 0
    )
    return Appraisal(
        paper_id=candidate.paper_id,
        primary_category=candidate.primary_category,
        value=round(value, 6),
        parts=parts,
        lead=_lead(moved, amounts, ground),
        moved=any(amount > 0 for amount in amounts),
        simulated=any(one.simulated for one in moved),
    )


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


def _ground(candidate: Candidate, as_of: datetime) -> list[tuple[str, float, str]]:
    if candidate.listed_on is None:
        ground = [("freshness", 0.25, "no day of listing known")]
    else:
        days = max((as_of.date() - candidate.listed_on).days, 0)
        ago = ("listed today", "listed yesterday")[days] if days < 2 else f"listed {days} days ago"
        ground = [("freshness", 0.25 + 0.05 * math.exp(-days / _FRESH_DAYS), ago)]
    if candidate.has_code:
        ground.append(("code", 0.03, "code is available"))
    beyond = max(candidate.categories - 1, 0) + max(candidate.listings - 1, 0)
    if beyond:
        words = f"in {candidate.categories} categories" if candidate.categories > 1 else "listed more than once"
        ground.append(("reach", 0.04 * (1 - math.exp(-beyond / 4)), words))
    return ground


def _hold(amounts: list[float], ground: float) -> None:
    """Hold the largest amount to its greatest share, smoothly, so that more is still more."""
    if not amounts:
        return
    largest = max(range(len(amounts)), key=amounts.__getitem__)
    limit = MAX_SHARE / (1 - MAX_SHARE) * (ground + sum(amounts) - amounts[largest])
    knee = limit * _KNEE
    if amounts[largest] > knee:
        amounts[largest] = knee + (limit - knee) * (1 - math.exp(-(amounts[largest] - knee) / (limit - knee)))


def _lead(moved: Sequence[Movement], amounts: Sequence[float], ground: Sequence[tuple[str, float, str]]) -> str:
    felt = sorted(
        ((amount, one) for one, amount in zip(moved, amounts, strict=True) if amount > 0), key=lambda pair: -pair[0]
    )
    if not felt:
        words = ", ".join(words for _name, _amount, words in ground)
        return f"{words[:1].upper()}{words[1:]}; no votes, stars or comments seen yet"
    strongest = felt[0][1]
    growing = [one for _amount, one in felt if one.gained >= 1]
    told = growing[0] if growing and not strongest.gained else strongest
    pace = ("Gaining fast: " if told.strength >= 0.6 else "Gaining: ") if told.gained >= 1 else "Noticed: "
    # A made-up signal anywhere in the score is named, also where a real one leads.
    rest = ", with simulated signals" if any(one.simulated for _amount, one in felt) and not told.simulated else ""
    return f"{pace}{told.words}{rest}"


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
