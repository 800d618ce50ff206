"""A paper's versions, as its announcements tell of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from digest.core.prints import Print

_MAJOR = 0.1  # of the different words of title and abstract, before and after together


@dataclass(frozen=True, slots=True)
class Version:
    """One version: its number, the first day it was announced (None where nobody said), and who announced it."""

    number: int
    first_on: date | None
    sources: tuple[str, ...]


def versions(announced: Iterable[tuple[int | None, date | None, str]], current: int | None = None) -> list[Version]:
    """Gather announcements (version, day, source) by version, ascending; `current` is there even if none told of it."""
    days: dict[int, list[date]] = {}
    sources: dict[int, set[str]] = {}
    for number, day, source in announced:
        if number is None:
            continue
        sources.setdefault(number, set()).add(source)
        if day is not None:
            days.setdefault(number, []).append(day)
    numbers = sources.keys() | ({current} if current else set())
    return [
        Version(number, min(days[number]) if number in days else None, tuple(sorted(sources.get(number, ()))))
        for number in sorted(numbers)
    ]


def is_major(before: Print, now: Print) -> bool:
    """Tell whether a paper's title and abstract were rewritten: one in ten of their words came or went."""
    old, new = (set(zip(*[iter(one.words)] * 4, strict=True)) for one in (before, now))
    return len(old ^ new) >= _MAJOR * max(len(old | new), 1)
