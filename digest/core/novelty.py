"""How unlike earlier work a paper is: its print beside the print of every paper listed before it.

The rarity of words is counted among earlier papers only, so a paper's novelty does not depend on what is listed after
it. Nothing here is imported by the process that sends, nor by the web.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digest.core.prints import PLACES, Print

Matrix = Any  # a scipy CSR matrix of float32; scipy ships no types
Vector = NDArray[np.float64]
Whole = NDArray[np.int64]

REACH = 200_000  # papers listed just before that a paper is compared with; bounds the memory
NEIGHBOURS = 10  # nearest earlier papers that count
_FEWEST_WORDS = 20  # different words; with fewer a text is unlike any other only because it is short
_FEWEST_EARLIER = 200  # papers; beside fewer everything looks new
_REFERENCE = 5_000  # papers listed just before, at most, whose distances make the scale
_YOUNG = 500  # of them where few are known: while a collection grows, distances shrink fast
_COMMON = 0.03  # words in a larger share of the earlier papers say nothing
_FAINT = 0.05  # a cosine below is no neighbourhood
_CHUNK = 64  # papers compared at once, to bound the memory


@dataclass(frozen=True, slots=True)
class Listed:
    """A paper's print and the day it was first listed. Ids ascend in the order in which papers came."""

    paper_id: int
    listed_on: date
    words: Print


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a paper's print says: its distance, 0 to 1, its novelty, 0 to 100, and its nearest earlier papers.

    `distance` runs from 0 for a copy to 1 for a paper that shares no word with earlier ones. None is unknown.
    `nearest` holds paper ids with cosines, nearest first.
    """

    paper_id: int
    distance: float | None
    novelty: float | None
    nearest: tuple[tuple[int, float], ...]


@dataclass(frozen=True, eq=False)
class Precedents:
    """Papers known so far, in the order of (day, id): their days, prints and distances (NaN: unknown)."""

    ids: Whole
    days: Whole
    prints: Matrix
    distance: Vector

    @classmethod
    def of(cls, papers: Iterable[tuple[int, date, Print, float | None]]) -> Precedents:
        """Make precedents of papers in any order: id, day, print, distance. They are read one by one."""
        ids, days, distances, starts = array("q"), array("q"), array("d"), array("i", [0])
        words, counts = bytearray(), bytearray()
        for paper_id, day, its, distance in papers:
            ids.append(paper_id)
            days.append(day.toordinal())
            distances.append(np.nan if distance is None else distance)
            words += its.words
            counts += its.counts
            starts.append(len(words) // 4)
        places, weights = np.frombuffer(words, dtype="<i4"), np.frombuffer(counts, dtype="<f4")
        prints = sparse.csr_matrix((weights, places, np.array(starts)), shape=(len(ids), PLACES))
        return cls(np.array(ids), np.array(days), prints, np.array(distances))._in_order()

    @classmethod
    def none(cls) -> Precedents:
        """Return what is known before the first paper."""
        return cls.of([])

    def joined(self, other: Precedents) -> Precedents:
        """Return these and others, which are other papers, in order."""
        if not len(other.ids) or not len(self.ids):
            return self if len(self.ids) else other
        return Precedents(
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.days, other.days]),
            sparse.vstack([self.prints, other.prints], format="csr"),
            np.concatenate([self.distance, other.distance]),
        )._in_order()

    def recent(self, most: int = REACH) -> Precedents:
        """Return the last day's papers and at most so many before it: all that a later day is compared with."""
        surplus = int(np.searchsorted(self.days, self.days[-1:].sum())) - most
        return self if surplus <= 0 else self._taken(np.arange(surplus, len(self.ids)))

    def _in_order(self) -> Precedents:
        order = np.lexsort((self.ids, self.days))
        return self if np.array_equal(order, np.arange(len(order))) else self._taken(order)

    def _taken(self, rows: Whole) -> Precedents:
        return Precedents(self.ids[rows], self.days[rows], self.prints[rows], self.distance[rows])


def novelty(known: Precedents, papers: Sequence[Listed], *, reach: int = REACH) -> tuple[Precedents, list[Verdict]]:
    """Judge papers that are not known yet, and return the known ones with them as the next precedents.

    A novelty is the share of the papers listed just before that were closer to earlier work than this one. It is None
    where the text is too short or too little came before. What came before is what was listed on an earlier day, or
    on the same day under a smaller id, of the last `reach` papers. Papers already known are left out; what was said
    of them stands.
    """
    seen = set(known.ids.tolist())
    fresh = list({paper.paper_id: paper for paper in papers if paper.paper_id not in seen}.values())
    if not fresh:
        return known, []
    new_ids = np.array([paper.paper_id for paper in fresh], dtype=np.int64)
    every = known.joined(Precedents.of((paper.paper_id, paper.listed_on, paper.words, None) for paper in fresh))
    distance = every.distance.copy()
    is_new = np.isin(every.ids, new_ids)
    verdicts: list[Verdict] = []
    for start, end in _days(every.days):
        rows = np.flatnonzero(is_new[start:end]) + start
        if not len(rows):
            continue
        first = max(0, start - reach)
        reference = _reference(distance[first:start])
        for row, far, nearest in _compared(_rows(every.prints, first, end), rows - first, start - first):
            distance[first + row] = far
            found = tuple((int(every.ids[first + other]), round(cosine, 4)) for other, cosine in nearest)
            paper_id = int(every.ids[first + row])
            verdicts.append(Verdict(paper_id, None if np.isnan(far) else far, _place(far, reference), found))
    return replace(every, distance=distance).recent(reach), verdicts


def _reference(before: Vector) -> Vector:
    given = before[~np.isnan(before)]
    return np.sort(given[-max(_YOUNG, min(_REFERENCE, len(given) // 8)) :])


def _days(days: Whole) -> Iterator[tuple[int, int]]:
    _, starts = np.unique(days, return_index=True)
    ends = [*starts[1:], len(days)]
    return zip(map(int, starts), map(int, ends), strict=True)


def _compared(known: Matrix, rows: Whole, start: int) -> Iterator[tuple[int, float, list[tuple[int, float]]]]:
    """Compare rows of the last day, which begins at `start`, with what came before each: distance, nearest rows."""
    end = known.shape[0]
    unit = _unit(known, start)
    postings = unit.T.tocsr()
    words = np.diff(known.indptr)
    for first in range(0, len(rows), _CHUNK):
        chunk = rows[first : first + _CHUNK]
        asked = unit[chunk]
        asked.eliminate_zeros()
        cosines = (asked @ postings).toarray()
        cosines[:, start:][np.arange(start, end) >= chunk[:, None]] = 0  # a paper itself, and those after it
        for row, beside in zip(chunk, cosines, strict=True):
            nearest = _nearest(beside)
            far = np.ones(NEIGHBOURS)
            far[: len(nearest)] -= [cosine for _, cosine in nearest]
            # The nearest paper counts as much as the ten together: a copy has distance 0 however lonely its original.
            distance = np.sqrt(far.min() * far.mean())
            unknown = words[row] < _FEWEST_WORDS or row < _FEWEST_EARLIER
            yield int(row), np.nan if unknown else float(distance), [one for one in nearest if one[1] >= _FAINT]


def _unit(known: Matrix, start: int) -> Matrix:
    """Weigh words by their rarity before `start`, and bring rows to length 1 (0: no telling word)."""
    frequency = np.bincount(known.indices[: known.indptr[start]], minlength=PLACES)
    rarity = np.log((1 + start) / (1 + frequency)).astype(np.float32)
    rarity[frequency > max(NEIGHBOURS, _COMMON * start)] = 0
    weights = known.data * rarity[known.indices]
    words = np.diff(known.indptr)
    filled = words > 0
    lengths = np.ones(known.shape[0], dtype=np.float32)
    if filled.any():
        # A sum of its own for each row: its last digit must not depend on the rows around it.
        lengths[filled] = np.sqrt(np.add.reduceat(weights * weights, known.indptr[:-1][filled]))
    lengths[lengths == 0] = 1
    weights /= np.repeat(lengths, words)
    return sparse.csr_matrix((weights, known.indices, known.indptr), shape=known.shape)


def _nearest(cosines: NDArray[np.float32]) -> list[tuple[int, float]]:
    """List the rows of the largest cosines above 0, at most ten; of equal ones the earlier first."""
    # To partition all of them would take twenty times as long as to look for the few that are large.
    for floor in (0.2, 0.1, 0.0):
        places = np.flatnonzero(cosines > floor)
        if len(places) >= NEIGHBOURS:
            break
    order = places[np.argsort(-cosines[places], kind="stable")][:NEIGHBOURS]
    return [(int(place), min(1.0, float(cosines[place]))) for place in order]


def _rows(prints: Matrix, first: int, end: int) -> Matrix:
    """Return rows without copying them."""
    begin, stop = prints.indptr[first], prints.indptr[end]
    starts = prints.indptr[first : end + 1] - begin
    return sparse.csr_matrix((prints.data[begin:stop], prints.indices[begin:stop], starts), (end - first, PLACES))


def _place(distance: float, reference: Vector) -> float | None:
    if np.isnan(distance) or len(reference) < _FEWEST_EARLIER:
        return None
    below = np.searchsorted(reference, distance, side="left") + np.searchsorted(reference, distance, side="right")
    return round(float(50 * below / len(reference)), 2)
