"""Words made into numbers: the terms of a text, and the weighted term space of a collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

# A project's address names its authors as often as its subject, and a taste must not look at authors.
_ADDRESS = re.compile(r"(?:https?://|www\.|\b\w{1,60}\.(?:com|org|net|io|edu)/)\S{1,500}", re.IGNORECASE)
_WORD = re.compile(r"\w\w{1,39}")
_LONGEST = 20_000  # characters of a text that are read; an abstract has 1,000 to 2,000

Matrix = Any  # a scipy CSR matrix of float32; scipy ships no types
Vector = NDArray[np.float64]


def terms(text: str) -> list[str]:
    """List the words of a text and its pairs of neighbouring words, without stop words and addresses."""
    bare = _ADDRESS.sub(" ", text[:_LONGEST].lower())
    words = [_singular(word) for word in _WORD.findall(bare) if word not in ENGLISH_STOP_WORDS]
    return words + [f"{first} {second}" for first, second in zip(words, words[1:], strict=False)]


def _singular(word: str) -> str:
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural else word


def term_space(
    texts: Iterable[str], analyzer: Callable[[str], Sequence[str]] = terms, *, seldom: int = 1, often: float = 1.0
) -> Matrix:
    """Weigh the terms of texts: a matrix with a row of length 1 per text (0 for one without terms).

    Terms in fewer than `seldom` texts, or in more than the share `often`, are left out. The weight is the logarithm
    of the count times that of the inverse document frequency.
    """
    listed = list(texts)
    counter = CountVectorizer(
        analyzer=analyzer, min_df=min(seldom, max(1, len(listed) // 50)), max_df=often, dtype=np.float32
    )
    try:
        counts = counter.fit_transform(listed).tocsr()
    except ValueError:  # no term is left
        return sparse.csr_matrix((len(listed), 1), dtype=np.float32)
    return weighed(counts)


def weighed(counts: Matrix) -> Matrix:
    """Weigh a matrix of term counts and scale its rows to length 1."""
    papers, width = counts.shape
    frequency = np.bincount(counts.indices, minlength=width)
    rarity = np.log((1 + papers) / (1 + frequency)) + 1
    matrix = counts.copy()
    matrix.data = (1 + np.log(matrix.data)) * rarity[matrix.indices]
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    matrix.data /= np.repeat(lengths, np.diff(matrix.indptr))
    matrix.data = matrix.data.astype(np.float32)
    return matrix
