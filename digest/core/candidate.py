"""The papers that are to be scored, and what was observed of them: by paper for those who write them down, in
columns for those who compute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice

from digest.core.paper import Observation

AT_ONCE = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A paper in the window, and what is known of it up to the instant of scoring."""

    paper_id: int
    primary_category: str = ""
    listed_on: date | None = None
    has_code: bool | None = None
    listings: int = 1
    categories: int = 1
    title: str = ""
    observations: Sequence[Observation] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """Observations in columns of equal length; `whose` counts the candidates of a batch from 0, in any order.

    The other columns are those of `Observation`. A column of a million values costs a tenth of a million objects.
    """

    whose: Sequence[int]
    signal: Sequence[str]
    source: Sequence[str]
    at: Sequence[datetime]
    value: Sequence[float]
    of: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some candidates, and what was observed of them; their own `observations` are not looked at again."""

    candidates: Sequence[Candidate]
    observed: Observed


def batches(candidates: Iterable[Candidate]) -> Iterator[Batch]:
    """Take candidates a few thousand at a time, so that a stream of any length needs little memory."""
    remaining = iter(candidates)
    while some := list(islice(remaining, AT_ONCE)):
        yield Batch(some, in_columns([one.observations for one in some]))


def in_columns(observations: Sequence[Sequence[Observation]]) -> Observed:
    """Turn the observations of several papers into columns."""
    seen = list(chain.from_iterable(observations))
    return Observed(
        whose=[index for index, some in enumerate(observations) for _one in some],
        signal=[one.signal for one in seen],
        source=[one.source for one in seen],
        at=[one.at for one in seen],
        value=[one.value for one in seen],
        of=[one.of for one in seen],
    )
