"""Who came and who left, day by day: pure counting, backwards from what is known today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple


class Came(NamedTuple):
    """What happened on one day: confirmed, left, and had their mail stopped."""

    confirmed: int = 0
    departed: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class GrowthDay:
    """One day: what happened on it, and how many were readers at its end."""

    day: date
    came: Came
    readers: int


def course(
    first: date, today: date, came: Mapping[date, Came], kept: Mapping[date, GrowthDay], readers: int
) -> list[GrowthDay]:
    """Return every day from `first` to `today`, oldest first.

    `readers` is how many there are now. A day that was kept says so itself; any other is reckoned from the next.
    """
    found: list[GrowthDay] = []
    day, at_end = today, readers
    while day >= first:
        one = kept.get(day) or GrowthDay(day, came.get(day, Came()), max(at_end, 0))
        found.append(one)
        at_end = one.readers - one.came.confirmed + one.came.departed
        day -= timedelta(days=1)
    return found[::-1]
