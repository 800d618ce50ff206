"""The words of an issue's papers in rows and columns, so that many tastes can be compared with all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.core.liking import Rarity, unit
from digest.core.prints import PLACES, Print
from digest.core.reading import SCALE

Values = NDArray[np.float64]
Places = NDArray[np.int64]
Vector = tuple[NDArray[np.int32], NDArray[Any]]

_OFTEN = 16  # a word in one of so many papers is multiplied for all papers at once, others for those that have it
_TOGETHER = 8  # papers whose seldom words are multiplied in one call; what is gathered for more leaves the cache
_NOTHING = Print(b"", b"")


class _Block(NamedTuple):
    """The seldom words of papers that have about as many; where one has fewer, words of no weight fill it up."""

    columns: Places  # papers x words
    weights: NDArray[np.float32]  # papers x 1 x words, whole


class IssueWords:
    """The prints of an issue's papers, in the issue's order; None where a paper's words are not known."""

    def __init__(self, prints: Sequence[Print | None], rarity: Rarity) -> None:
        known = [unit(its or _NOTHING, rarity) for its in prints]
        self.commonness: Values = np.array([float((w * rarity.share(p)).sum()) for p, w in known] or [0.0])
        whole = [np.trunc(weights * SCALE).astype(np.float32) for _, weights in known]
        self._words = [places[its != 0] for (places, _), its in zip(known, whole, strict=True)]
        self._weights = [its[its != 0] for its in whole]
        words = np.concatenate([np.zeros(0, np.int32), *self._words])
        held, number = np.unique(words, return_counts=True)
        order = np.argsort(-number, kind="stable")
        self._width = len(held)
        self._often = int(np.count_nonzero(number * _OFTEN >= len(prints)))
        self._column = np.full(PLACES, -1, dtype=np.int32)
        self._column[held[order]] = np.arange(len(held))
        columns = [self._column[its].astype(np.int64) for its in self._words]
        seldom = np.array([np.count_nonzero(its >= self._often) for its in columns], dtype=np.int64)
        by_length = np.argsort(seldom, kind="stable")
        self._back = np.argsort(by_length)  # where each paper is among those by length
        self._often_weights = np.zeros((len(prints), self._often), dtype=np.float32)
        for row, place in enumerate(by_length.tolist()):
            often = columns[place] < self._often
            self._often_weights[row, columns[place][often]] = self._weights[place][often]
        self._blocks = [
            self._block(columns, by_length[start : start + _TOGETHER]) for start in range(0, len(prints), _TOGETHER)
        ]

    def _block(self, columns: Sequence[Places], papers: Places) -> _Block:
        seldom = [columns[place] >= self._often for place in papers]
        shape = len(papers), max(map(np.count_nonzero, seldom))
        block = _Block(np.zeros(shape, np.int64), np.zeros((shape[0], 1, shape[1]), np.float32))
        for row, (place, its) in enumerate(zip(papers, seldom, strict=True)):
            number = np.count_nonzero(its)
            block.columns[row, :number] = columns[place][its]
            block.weights[row, 0, :number] = self._weights[place][its]
        return block

    def __len__(self) -> int:
        """The number of papers."""
        return len(self._words)

    @property
    def is_printed(self) -> bool:
        """Whether any paper's words are known."""
        return self._width > 0

    @cached_property
    def alike(self) -> NDArray[np.float32]:
        """How alike each two papers are by their words, 0 to 1."""
        found = np.zeros((len(self), len(self)), dtype=np.float32)
        vectors = list(zip(self._words, self._weights, strict=True))
        for start in range(0, len(self), 100):
            some = vectors[start : start + 100]
            found[start : start + len(some)] = self.products(some) / SCALE**2
        return found

    def products(self, vectors: Sequence[Vector]) -> Values:
        """Multiply sparse vectors of whole numbers with all papers: a row each. Exact, so in whatever company."""
        row = np.repeat(np.arange(len(vectors)), [len(places) for places, _ in vectors])
        column = self._column.take(np.concatenate([np.zeros(0, np.int32), *(places for places, _ in vectors)]))
        weights = np.concatenate([np.zeros(0, np.float32), *(weights for _, weights in vectors)])
        there = np.flatnonzero(column >= 0)
        dense = np.zeros((self._width, len(vectors)), dtype=np.float32)
        dense.ravel()[column[there].astype(np.int64) * len(vectors) + row[there]] = weights[there]
        products = self._often_weights @ dense[: self._often]
        # One room for what is gathered: made anew for each block, it would be new memory each time.
        room = np.empty((max((its.columns.size for its in self._blocks), default=0), len(vectors)), dtype=np.float32)
        for at, (columns, its) in enumerate(self._blocks):
            if columns.size:
                gathered = room[: columns.size].reshape(*columns.shape, len(vectors))
                np.take(dense, columns, axis=0, out=gathered, mode="clip")
                products[at * _TOGETHER : at * _TOGETHER + len(columns)] += (its @ gathered)[:, 0]
        return np.ascontiguousarray(products[self._back].T, dtype=np.float64)

    def has(self, words: Places) -> NDArray[np.bool_]:
        """Tell which words, by their places, are in any paper."""
        return np.asarray(self._column.take(words) >= 0)

    def weights_of(self, words: Places, papers: Places) -> NDArray[np.float32]:
        """Return what each word, by its place, weighs in the paper beside it; 0 where the paper lacks it."""
        keys, known = self._by_paper
        if not len(keys):
            return np.zeros(len(words), dtype=np.float32)
        sought = papers * PLACES + words
        at = np.minimum(keys.searchsorted(sought), len(keys) - 1)
        return np.where(keys[at] == sought, known[at], np.float32(0))

    @cached_property
    def _by_paper(self) -> tuple[Places, NDArray[np.float32]]:
        """The words of all papers in one row, by paper and place, with whole weights."""
        keys = [its.astype(np.int64) + paper * PLACES for paper, its in enumerate(self._words)]
        return np.concatenate([np.zeros(0, np.int64), *keys]), np.concatenate([np.zeros(0, np.float32), *self._weights])
