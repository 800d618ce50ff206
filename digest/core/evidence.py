"""What is said of a paper's score: its ground, in words and amounts, and the sentence that leads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from digest.core.signals import Movement

EVERY_PAPERS = 0.3  # the ground of any paper that is on the list
GROUND = ("listing", "freshness", "code", "reach", "title")
_FRESH = 0.05  # of it, what a paper without a forecast loses with its age
_FRESH_DAYS = 3.0
_CODE = 0.03
_REACH = 0.04
_FAST = 0.6


class Ground(NamedTuple):
    """One thing that is true of a paper before any signal speaks: one of GROUND, what it adds, and its words."""

    name: str
    amount: float
    words: str


@lru_cache(maxsize=4_096)  # few of the papers of a week differ in this
def ground(days: int | None, *, foretold: bool, has_code: bool, categories: int, listings: int) -> tuple[Ground, ...]:
    """Return a paper's ground: listed `days` ago, None where no day is known; `foretold` where a forecast speaks."""
    ago = "no day of listing known"
    fresh = 0.0
    if days is not None:
        days = max(days, 0)
        ago = ("listed today", "listed yesterday")[days] if days < 2 else f"listed {days:,} days ago"
        fresh = _FRESH * math.exp(-days / _FRESH_DAYS)
    # A forecast has counted the age already, so there the whole ground is every paper's.
    found = (
        [Ground("listing", EVERY_PAPERS, f"where every paper starts, {ago}")]
        if foretold
        else [
            Ground("listing", EVERY_PAPERS - _FRESH, "where every paper starts"),
            Ground("freshness", fresh, ago),
        ]
    )
    if has_code:
        found.append(Ground("code", _CODE, "code is available"))
    beyond = max(categories - 1, 0) + max(listings - 1, 0)
    if beyond:
        words = f"in {categories} categories" if categories > 1 else "listed more than once"
        found.append(Ground("reach", _REACH * (1 - math.exp(-beyond / 4)), words))
    return tuple(found)


def lead(felt: Sequence[Movement], grounds: Sequence[Ground]) -> str:
    """Return the beginning of the evidence: of the signals that count, strongest first, the one that tells most."""
    if not felt:
        words = ", ".join(one.words for one in grounds if one.name != "listing")
        return f"{words[:1].upper()}{words[1:]}; no votes, stars or comments seen yet"
    told = felt[0]
    if not told.gained:
        told = next((one for one in felt if one.gained >= 1), told)
    pace = ("Gaining fast: " if told.strength >= _FAST else "Gaining: ") if told.gained >= 1 else "Noticed: "
    # A made-up signal anywhere in the score is named, also where a real one leads.
    rest = ", with simulated signals" if not told.simulated and any(one.simulated for one in felt) else ""
    return f"{pace}{told.words}{rest}"
