"""Words made into numbers: the terms of a text, and the weighted term space of a collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

_WORD = re.compile(r"\b\w{2,40}\b")
_LONGEST = 20_000  # characters of a text that are read; an abstract has 1,000 to 2,000

Matrix = Any  # a scipy CSR matrix of float32; scipy ships no types
Vector = NDArray[np.float64]
Text = TypeVar("Text")


def every_word(text: str) -> list[str]:
    """List the words of a text in lower case, of two characters and more."""
    found: list[str] = _WORD.findall(text[:_LONGEST].lower())
    return found


def words(text: str) -> list[str]:
    """List the words of a text in lower case, of two characters and more, without stop words."""
    return [word for word in every_word(text) if word not in ENGLISH_STOP_WORDS]


def terms(text: str) -> list[str]:
    """List the words of a text and its pairs of neighbouring words."""
    single = words(text)
    return single + [f"{first} {second}" for first, second in pairwise(single)]


@dataclass(frozen=True, eq=False)
class TermSpace:
    """Texts as rows of weighted terms, each of length 1 (0: no term is known), and how another text becomes one."""

    matrix: Matrix
    rarity: Vector
    _counter: CountVectorizer | None

    def row(self, text: str) -> Matrix:
        """Weigh the terms of a text that need not be in the collection."""
        if self._counter is None:
            return sparse.csr_matrix((1, self.matrix.shape[1]), dtype=np.float32)
        return _weighed(self._counter.transform([text]).tocsr(), self.rarity)


def term_space(
    texts: Sequence[Text], analyzer: Callable[[Text], Sequence[str]], *, seldom: int = 1, often: float = 1.0
) -> TermSpace:
    """Weigh the terms of texts by the logarithm of their count and of their inverse document frequency.

    Terms in fewer than `seldom` texts, or in more than the share `often`, are left out; a collection of fewer than a
    hundred texts keeps them all.
    """
    few = len(texts) < 100
    counter = CountVectorizer(
        analyzer=analyzer, min_df=1 if few else seldom, max_df=1.0 if few else often, dtype=np.float32
    )
    try:
        counts = counter.fit_transform(texts).tocsr()
    except ValueError:  # scikit-learn's way to say that no term is left
        return TermSpace(sparse.csr_matrix((len(texts), 1), dtype=np.float32), np.ones(1), None)
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log((1 + len(texts)) / (1 + frequency)) + 1
    return TermSpace(_weighed(counts, rarity), rarity, counter)


def _weighed(counts: Matrix, rarity: Vector) -> Matrix:
    weights = ((1 + np.log(counts.data)) * rarity[counts.indices]).astype(np.float32)
    matrix = sparse.csr_matrix((weights, counts.indices, counts.indptr), shape=counts.shape)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    matrix.data /= np.repeat(lengths, np.diff(matrix.indptr)).astype(np.float32)
    return matrix
