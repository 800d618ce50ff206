"""What a reader would like among new papers, from the words and categories of what they liked; never from authors.

A `Space` holds a collection of papers in several views; `score` compares candidates with a reader's profile in
each, and adds up what the comparisons say. It is deterministic. Nothing here is imported by the process that sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.svm import LinearSVC
from sklearn.utils.extmath import randomized_svd

from digest.core.lexicon import Matrix, Vector, term_space

_LATENT = 300  # dimensions of the latent space
_LEARNED_FROM = 20_000  # papers that the latent space is learned from
_BACKGROUND = 3_000  # papers that stand for everything the reader did not like

# What each comparison counts for, in standard deviations over the day's candidates; see docs/taste.md.
WEIGHTS: Mapping[str, float] = {"centroid": 0.4, "nearest": 0.15, "separator": 0.4, "latent": 0.2, "categories": 0.4}


class Embedding(Protocol):
    """An optional source of one more view, such as a sentence encoder whose model the operator provides."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a row per text."""
        ...


@dataclass(frozen=True, slots=True)
class Writing:
    """What of a paper a taste looks at."""

    paper_id: str
    title: str
    abstract: str = ""
    categories: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The title and the abstract."""
        return f"{self.title}\n{self.abstract}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a reader's taste: ids of papers they liked."""

    liked: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Space:
    """A collection of papers, a row each, in views whose rows have length 1 (or 0: nothing is known)."""

    rows: Mapping[str, int]
    words: Matrix
    latent: NDArray[np.float32]
    categories: Matrix
    background: NDArray[np.int64] = field(repr=False)


def fit(papers: Sequence[Writing]) -> Space:
    """Learn the views of a collection. Of papers with the same id, the last counts."""
    words = term_space((paper.text for paper in papers), seldom=3, often=0.2)
    return Space(
        rows={paper.paper_id: row for row, paper in enumerate(papers)},
        words=words,
        latent=_latent(words),
        categories=term_space([" ".join(paper.categories) for paper in papers], str.split),
        background=_spread(len(papers), _BACKGROUND),
    )


def score(space: Space, profile: Profile, candidates: Sequence[str]) -> Vector:
    """Score candidates, which the space holds, for a reader: higher is liked better."""
    rows = np.array([space.rows[candidate] for candidate in candidates], dtype=np.int64)
    liked = np.array(sorted({space.rows[one] for one in profile.liked if one in space.rows}), dtype=np.int64)
    if not len(rows) or not len(liked):
        return np.zeros(len(rows))
    near = _similar(space.words, rows, liked)
    kinds = _similar(space.categories, rows, liked)
    found = {
        "centroid": near.mean(axis=1),
        "nearest": near.max(axis=1),
        "separator": _separator(space, rows, liked),
        "latent": _similar(space.latent, rows, liked).mean(axis=1),
        "categories": kinds.mean(axis=1),
    }
    return sum((weight * _standard(found[name]) for name, weight in WEIGHTS.items()), np.zeros(len(rows)))


def _separator(space: Space, rows: NDArray[np.int64], liked: NDArray[np.int64]) -> Vector:
    """Tell the liked from the rest by a linear support vector machine, as arxiv-sanity-lite does."""
    rest = np.setdiff1d(space.background, np.concatenate([liked, rows]))
    if not len(rest):
        return np.zeros(len(rows))
    learner = LinearSVC(class_weight="balanced", C=0.02, tol=1e-4, max_iter=3000, random_state=0)
    learner.fit(space.words[np.concatenate([liked, rest])], np.arange(len(liked) + len(rest)) < len(liked))
    return np.asarray(learner.decision_function(space.words[rows]), dtype=np.float64)


def _latent(words: Matrix) -> NDArray[np.float32]:
    learned = words[_spread(words.shape[0], _LEARNED_FROM)]
    size = min(_LATENT, *(max(1, side - 1) for side in learned.shape))
    _, _, axes = randomized_svd(learned, size, n_iter=2, random_state=0)
    latent = np.asarray(words @ axes.T, dtype=np.float32)
    lengths = np.linalg.norm(latent, axis=1, keepdims=True)
    return latent / np.where(lengths > 1e-9, lengths, 1)


def _similar(view: Matrix, rows: NDArray[np.int64], liked: NDArray[np.int64]) -> Vector:
    cosines = view[rows] @ view[liked].T
    return np.asarray(cosines.toarray() if sparse.issparse(cosines) else cosines, dtype=np.float64)


def _standard(values: Vector) -> Vector:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros(len(values))


def _spread(count: int, size: int) -> NDArray[np.int64]:
    """Choose at most `size` of `count` rows, evenly."""
    return np.unique(np.linspace(0, max(0, count - 1), min(count, size)).astype(np.int64))
