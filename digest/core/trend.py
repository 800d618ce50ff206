"""From observations to a TrendScore whose named parts explain it.

A paper's value starts at what is true of any paper on the list (how fresh it is, whether it has code, how widely it
is listed). What its votes, page places and stars promise adds to it, by a forecast fitted on recordings; the other
signals add a share of what is still missing to 1. So a signal that is missing is not a zero, and no signal makes more
than 60 % of a score: bought stars buy little.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import islice

from digest.core.features import STARS, VOTES, features
from digest.core.forecast import PARTS, Forecast, shipped
from digest.core.paper import Observation
from digest.core.signals import PAGE_PLACE, Movement, faded, movements

MAX_SHARE = 0.6  # of one signal in a score
_FORECAST = (VOTES, PAGE_PLACE, STARS)  # the signals that the fitted forecast reads; the others speak as asides
_MOST_OF_ALL = 0.75  # of what the forecast's signals promise together, for one of several
_LOG_GROWTH = 2.5  # expected log growth that is worth 63 % of the room
_ASIDE = 0.5  # of a signal's weight, where nothing could be fitted for it
_AT_ONCE = 4_096
_GROUND = 0.3  # the value of any paper that is on the list
_FRESH = 0.05  # of it, what a paper without a forecast loses with its age
_FORETOLD = MAX_SHARE / (1 - MAX_SHARE) * _GROUND  # the most that a forecast adds: the greatest share, if one signal
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


def appraise(candidate: Candidate, as_of: datetime) -> Appraisal:
    """Value one candidate by itself; `value` is finite and 0 to 1 whatever was observed."""
    return appraise_all([candidate], as_of)[0]


def appraise_all(candidates: Iterable[Candidate], as_of: datetime, forecast: Forecast | None = None) -> list[Appraisal]:
    """Value candidates, in their order, each by itself; the shipped forecast speaks unless another one is given.

    They are taken a few thousand at a time, so that a stream of any length costs no more memory than its result.
    """
    forecast = shipped() if forecast is None else forecast
    remaining = iter(candidates)
    appraisals: list[Appraisal] = []
    while batch := list(islice(remaining, _AT_ONCE)):
        read = [movements(one.observations, as_of, _listed_at(one)) for one in batch]
        appraisals += [
            _appraisal(*known, as_of)
            for known in zip(batch, read, _expected(batch, read, as_of, forecast), strict=True)
        ]
    return appraisals


def _listed_at(candidate: Candidate) -> datetime | None:
    return datetime.combine(candidate.listed_on, time(), UTC) if candidate.listed_on else None


def _expected(
    batch: Sequence[Candidate], read: Sequence[Sequence[Movement]], as_of: datetime, forecast: Forecast
) -> list[dict[str, float]]:
    """Return what votes and page places promise, 0 to 1, by signal; nothing for a paper that has neither."""
    rows, whose = [], []
    for index, (candidate, moved) in enumerate(zip(batch, read, strict=True)):
        told = {one.signal: one for one in moved if one.signal in _FORECAST}
        if told.keys() - {STARS}:  # nothing was fitted for stars alone
            rows.append(features(told, candidate.listed_on, as_of))
            whose.append((index, told))
    promised: list[dict[str, float]] = [{} for _one in batch]
    if not rows:
        return promised
    growth, by_part = forecast.speak(rows)
    for column, ((index, told), expected) in enumerate(zip(whose, growth.tolist(), strict=True)):
        fresh = max(faded(one.points[-1][0], as_of) for one in told.values())
        strength = fresh * (1 - math.exp(-max(expected, 0.0) / _LOG_GROWTH))
        leanings = {signal: math.exp(by_part[PARTS.index(signal), column]) for signal in told}
        promised[index] = {signal: strength * share for signal, share in _shared(leanings).items()}
    return promised


def _shared(leanings: dict[str, float]) -> dict[str, float]:
    """Turn weights into shares of 1, none above what one of several signals may have."""
    total = sum(leanings.values())
    shares = {signal: weight / total for signal, weight in leanings.items()}
    first = max(shares, key=shares.__getitem__)
    if len(shares) > 1 and shares[first] > _MOST_OF_ALL:
        rest = 1 - shares[first]
        shares = {signal: share * (1 - _MOST_OF_ALL) / rest for signal, share in shares.items()}
        shares[first] = _MOST_OF_ALL
    return shares


def _appraisal(
    candidate: Candidate, moved: Sequence[Movement], promised: dict[str, float], as_of: datetime
) -> Appraisal:
    ground = _ground(candidate, as_of, foretold=bool(promised))
    told = {one.signal: one for one in moved}
    base = sum(amount for _name, amount, _words in ground)
    amounts = {signal: _FORETOLD * strength for signal, strength in promised.items()}
    room = 1 - base - sum(amounts.values())
    asides = {
        one.signal: -math.log(1 - _ASIDE * one.weight * one.strength) for one in moved if one.signal not in promised
    }
    said = sum(asides.values())
    if said > 0:
        added = room * (1 - math.exp(-said))
        amounts |= {signal: added * weight / said for signal, weight in asides.items()}
    stated = [*((signal, amount, told[signal].words) for signal, amount in amounts.items()), *ground]
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
        lead=_lead([told[signal] for signal in amounts], list(amounts.values()), ground),
        moved=any(amount > 0 for amount in amounts.values()),
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


def _ground(candidate: Candidate, as_of: datetime, *, foretold: bool) -> list[tuple[str, float, str]]:
    if candidate.listed_on is None:
        ago, fresh = "no day of listing known", 0.0
    else:
        days = max((as_of.date() - candidate.listed_on).days, 0)
        ago = ("listed today", "listed yesterday")[days] if days < 2 else f"listed {days} days ago"
        fresh = _FRESH * math.exp(-days / _FRESH_DAYS)
    # A forecast has counted the age already, so there the whole ground is every paper's.
    ground = (
        [("listing", _GROUND, f"where every paper starts, {ago}")]
        if foretold
        else [
            ("listing", _GROUND - _FRESH, "where every paper starts"),
            ("freshness", fresh, ago),
        ]
    )
    if candidate.has_code:
        ground.append(("code", 0.03, "code is available"))
    beyond = max(candidate.categories - 1, 0) + max(candidate.listings - 1, 0)
    if beyond:
        words = f"in {candidate.categories} categories" if candidate.categories > 1 else "listed more than once"
        ground.append(("reach", 0.04 * (1 - math.exp(-beyond / 4)), words))
    return ground


def _lead(moved: Sequence[Movement], amounts: Sequence[float], ground: Sequence[tuple[str, float, str]]) -> str:
    felt = sorted(
        ((amount, one) for one, amount in zip(moved, amounts, strict=True) if amount > 0), key=lambda pair: -pair[0]
    )
    if not felt:
        words = ", ".join(words for name, _amount, words in ground if name != "listing")
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
