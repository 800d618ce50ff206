"""How many papers in each month or year, drawn as bars: coordinates for an inline SVG, and the same in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from digest.core.language import Language

WIDTH, HEIGHT = 640.0, 56.0
_FEWEST = 4  # papers, below which bars say nothing that the list does not
_MOST_MONTHS = 24
_GAP = 0.25  # of a bar's room
_WIDEST = 28.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands, how wide and high it is."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars from the first month or year to the last, the two names at their ends, and what they say in words."""

    bars: tuple[Bar, ...]
    first: str
    last: str
    words: str


def histogram(days: Iterable[date | None], say: Language) -> Histogram | None:
    """Draw papers by the month they were listed in, by year where that is more than two years; None for a few."""
    known = [day for day in days if day is not None]
    months = [12 * day.year + day.month - 1 for day in known]
    if len(known) < _FEWEST or min(months) == max(months):
        return None
    by_year = max(months) - min(months) >= _MOST_MONTHS
    counts = Counter(month // 12 if by_year else month for month in months)
    first, last = min(counts), max(counts)
    room = WIDTH / (last - first + 1)
    width = min(room * (1 - _GAP), _WIDEST)
    most = max(counts.values())
    bars = tuple(
        Bar(
            round((place - first + 0.5) * room - width / 2, 1),
            round(HEIGHT * (1 - number / most), 1),
            round(width, 1),
            round(HEIGHT * number / most, 1),
        )
        for place, number in sorted(counts.items())
    )
    richest = min(place for place, number in counts.items() if number == most)
    return Histogram(
        bars,
        _name(first, by_year, say),
        _name(last, by_year, say),
        _words(len(known), by_year, _name(richest, by_year, say), most, say),
    )


def _words(papers: int, by_year: bool, richest: str, most: int, say: Language) -> str:
    if by_year:
        return say("%(papers)s papers by year, most in %(when)s: %(most)s", papers=papers, when=richest, most=most)
    return say("%(papers)s papers by month, most in %(when)s: %(most)s", papers=papers, when=richest, most=most)


def _name(place: int, by_year: bool, say: Language) -> str:
    return str(place) if by_year else say.month(date(place // 12, place % 12 + 1, 1))
