"""Which papers make an issue and in what order: the strongest first, with a gentle hand for variety."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

_RECENT = 10  # places that are looked back over
_PENALTY = 0.03  # of the value, for each of these held by the same primary category
_MOST_PENALISED = 5


@dataclass(frozen=True, slots=True)
class Contender:
    """A scored paper that may make the issue."""

    paper_id: int
    value: float
    primary_category: str = ""
    listed_on: date | None = None


def line_up(contenders: Iterable[Contender], size: int) -> list[int]:
    """Return the ids of at most `size` papers in the order of an issue.

    The first is the strongest. A paper then gives way by 3 % of its value for each of the ten places before it that
    its primary category holds, at most five: a crowded category never shuts another out, and a clear lead still
    wins. Equal values go to the paper listed later, then to the one known longer.
    """
    queues: dict[str, deque[Contender]] = defaultdict(deque)
    for contender in sorted(contenders, key=_strength):
        queues[contender.primary_category].append(contender)
    chosen: list[Contender] = []
    while queues and len(chosen) < size:
        recent = [one.primary_category for one in chosen[-_RECENT:]]

        def place(category: str, recent: list[str] = recent) -> tuple[float, int, int]:
            head = queues[category][0]
            crowding = min(recent.count(category), _MOST_PENALISED)
            value, later, known = _strength(head)
            return value * (1 - _PENALTY * crowding), later, known

        category = min(queues, key=place)
        chosen.append(queues[category].popleft())
        if not queues[category]:
            del queues[category]
    return [one.paper_id for one in chosen]


def by_strength(contenders: Iterable[Contender]) -> list[int]:
    """Return the ids of papers, the strongest first, with no hand for variety."""
    return [one.paper_id for one in sorted(contenders, key=_strength)]


def _strength(one: Contender) -> tuple[float, int, int]:
    return -one.value, -(one.listed_on.toordinal() if one.listed_on else 0), one.paper_id
