"""How unlike earlier work a paper is: its text beside the text of every paper listed before it.

Words are hashed, not learned, and their rarity is counted among earlier papers only, so a paper's novelty does not
depend on what is listed after it. Nothing here is imported by the process that sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from digest.core.lexicon import Matrix, Vector, words

_WIDTH = 2**18  # places that words are hashed to
_NEIGHBOURS = 10  # nearest earlier papers that count
_FEWEST_WORDS = 20  # different words; with fewer a text is unlike any other only because it is short
_FEWEST_EARLIER = 200  # papers; beside fewer everything looks new
_REFERENCE = 5_000  # papers listed just before, whose distances make the scale
_COMMON = 0.03  # words in a larger share of the earlier papers say nothing
_CHUNK = 200  # papers compared at once, to bound the memory


@dataclass(frozen=True, slots=True)
class Listed:
    """A paper's text and the day it was first listed."""

    paper_id: str
    listed_on: date
    text: str


@dataclass(frozen=True, eq=False)
class Precedents:
    """Papers known so far, in the order of (day, id): their days, hashed words and distances (NaN: unknown).

    `distance` runs from 0 for a copy to 1 for a paper that shares no word with earlier ones.
    """

    ids: NDArray[np.str_]
    days: NDArray[np.int64]
    prints: Matrix
    distance: Vector

    @classmethod
    def none(cls) -> Precedents:
        """Return what is known before the first paper."""
        empty = sparse.csr_matrix((0, _WIDTH), dtype=np.float32)
        return cls(np.array([], dtype=np.str_), np.array([], dtype=np.int64), empty, np.array([], dtype=np.float64))


def novelty(known: Precedents, papers: Sequence[Listed]) -> tuple[Precedents, dict[str, float | None]]:
    """Score papers that are not known yet, and return them with the known ones as the next precedents.

    A score is 0 to 100: the share of the papers listed just before that were closer to earlier work than this one.
    It is None where the text is too short or too little came before. What came before is what was listed on an
    earlier day, or on the same day under a smaller id. Papers already known are left out; their scores stand.
    """
    seen = set(known.ids.tolist())
    fresh = list({paper.paper_id: paper for paper in papers if paper.paper_id not in seen}.values())
    if not fresh:
        return known, {}
    ids = np.concatenate([known.ids, np.array([paper.paper_id for paper in fresh], dtype=np.str_)])
    days = np.concatenate([known.days, np.array([paper.listed_on.toordinal() for paper in fresh], dtype=np.int64)])
    prints = sparse.vstack([known.prints, _prints(fresh)], format="csr")
    distance = np.concatenate([known.distance, np.full(len(fresh), np.nan)])
    is_new = np.arange(len(ids)) >= len(known.ids)
    order = np.lexsort((ids, days))
    ids, days, prints, distance, is_new = ids[order], days[order], prints[order], distance[order], is_new[order]
    scores: dict[str, float | None] = {}
    for start, end in _days(days):
        rows = np.flatnonzero(is_new[start:end]) + start
        if not len(rows):
            continue
        distance[rows] = _distances(prints, rows, start, end)
        before = distance[:start]
        reference = np.sort(before[~np.isnan(before)][-_REFERENCE:])
        for row in rows:
            scores[str(ids[row])] = _place(distance[row], reference)
    return Precedents(ids, days, prints, distance), scores


def _prints(papers: Sequence[Listed]) -> Matrix:
    hasher = HashingVectorizer(analyzer=words, n_features=_WIDTH, alternate_sign=False, norm=None, dtype=np.float32)
    counts = hasher.transform(paper.text for paper in papers)
    counts.data = 1 + np.log(counts.data)
    return counts


def _days(days: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    _, starts = np.unique(days, return_index=True)
    ends = [*starts[1:], len(days)]
    return zip(map(int, starts), map(int, ends), strict=True)


def _distances(prints: Matrix, rows: NDArray[np.int64], start: int, end: int) -> Vector:
    """Measure the distance of rows, all of one day (from `start` to `end`), to what came before each."""
    known = prints[:end]
    frequency = np.bincount(known.indices[: known.indptr[start]], minlength=_WIDTH)
    rarity = np.log((1 + start) / (1 + frequency)) ** 2
    rarity[frequency > max(_NEIGHBOURS, _COMMON * start)] = 0
    rarity = rarity.astype(np.float32)
    lengths = np.sqrt(known.power(2) @ rarity)
    lengths[lengths == 0] = np.inf
    postings = known.T.tocsr()
    found = np.full(len(rows), np.nan)
    for first in range(0, len(rows), _CHUNK):
        chunk = rows[first : first + _CHUNK]
        asked = known[chunk]
        too_short = np.diff(asked.indptr) < _FEWEST_WORDS
        asked.data = asked.data * rarity[asked.indices]
        asked.eliminate_zeros()
        cosines = (asked @ postings).toarray()
        cosines[:, start:][np.arange(start, end) >= chunk[:, None]] = 0  # a paper itself, and those after it
        cosines /= lengths
        cosines.partition(max(0, end - _NEIGHBOURS), axis=1)
        nearest = cosines[:, -_NEIGHBOURS:] / lengths[chunk][:, None]
        far = 1 - np.clip(nearest, 0, 1).astype(np.float64)
        # The nearest paper counts as much as the ten together: a copy has distance 0 however lonely its original.
        found[first : first + _CHUNK] = np.sqrt(far.min(axis=1) * far.mean(axis=1))
        found[first : first + _CHUNK][too_short | (chunk < _FEWEST_EARLIER)] = np.nan
    return found


def _place(distance: float, reference: Vector) -> float | None:
    if np.isnan(distance) or len(reference) < _FEWEST_EARLIER:
        return None
    below = np.searchsorted(reference, distance, side="left") + np.searchsorted(reference, distance, side="right")
    return round(float(50 * below / len(reference)), 2)
