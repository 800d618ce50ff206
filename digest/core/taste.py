"""What a reader would like among new papers, from the words and categories of what they liked; never from authors.

A `Space` holds a collection of papers in several views. `score` compares candidates with a reader's profile in each
view and adds up what the comparisons say. It is deterministic. The process that sends does not import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.svm import LinearSVC
from sklearn.utils.extmath import randomized_svd

from digest.core.lexicon import Matrix, TermSpace, Vector, every_word, term_space, terms
from digest.core.reading import Profile, Writing, is_excluded

Rows = NDArray[np.int64]

_LATENT = 300  # dimensions of the latent space
_LEARNED_FROM = 20_000  # papers that the latent space is learned from
_WIDELY = 20  # papers that hold a term which the latent space is made of
_BACKGROUND = 5_000  # papers that stand for everything the reader did not like
_EVERY_WORD, _CATEGORY = 0.6, 0.4  # what these count for beside the terms in the whole of a paper

# What each comparison counts for, in standard deviations over the candidates; fitted, see docs/taste.md.
WEIGHTS: Mapping[str, float] = {
    "topic": 0.37,
    "manner": 0.34,
    "latent": 0.30,
    "categories": 0.64,
    "embedding": 0.30,
}
# Not fitted, for no recording holds them: a search counts like a liked paper, a followed category breaks ties.
_SEARCHED, _FOLLOWED = 1.0, 0.5


class Embedding(Protocol):
    """One more view, off by default: for instance a sentence encoder whose model the operator provides."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a row per text; the same text always gets the same row."""
        ...


@dataclass(frozen=True, eq=False)
class Space:
    """A collection of papers, a row each, in views whose rows have length 1 (or 0: nothing is known)."""

    papers: Sequence[Writing]
    rows: Mapping[str, int]
    words: TermSpace
    latent: NDArray[np.float32]
    categories: Matrix  # 1 where a paper (row) is in a category (column)
    whole: Matrix  # the terms, every word (common ones too) and the categories, side by side
    background: Rows
    embedded: NDArray[np.float32] | None = None


def fit(papers: Sequence[Writing], embedding: Embedding | None = None) -> Space:
    """Learn the views of a collection. Of papers with the same id, the last counts."""
    texts = [paper.text for paper in papers]
    words = term_space(texts, terms, seldom=2, often=0.2)
    every = term_space(texts, every_word, seldom=4)
    kinds = term_space([paper.categories for paper in papers], list)
    return Space(
        papers=papers,
        rows={paper.paper_id: row for row, paper in enumerate(papers)},
        words=words,
        latent=_latent(words.matrix),
        categories=_categories(papers),
        whole=sparse.hstack([words.matrix, _EVERY_WORD * every.matrix, _CATEGORY * kinds.matrix], format="csr"),
        background=_spread(len(papers), _BACKGROUND),
        embedded=_unit(embedding.embed(texts)) if embedding is not None and texts else None,
    )


def score(space: Space, profile: Profile, candidates: Sequence[str]) -> Vector:
    """Score candidates, which the space holds, for a reader: higher is liked better, and equal is as good.

    An excluded paper scores minus infinity, whatever else is known. Liked papers that the space does not hold say
    nothing; a profile that says nothing leaves all candidates equal. Raises KeyError for an unknown candidate.
    """
    rows = np.array([space.rows[candidate] for candidate in candidates], dtype=np.int64)
    liked = np.array(sorted({space.rows[one] for one in profile.liked if one in space.rows}), dtype=np.int64)
    total = np.zeros(len(rows))
    if len(rows) and len(liked):
        for name, values in compared(space, rows, liked).items():
            total += WEIGHTS[name] * standard(values)
    for search in profile.searches:
        total += _SEARCHED * standard(_cosines(space.words.matrix[rows], space.words.row(search))[:, 0])
    follows = set(profile.follows)
    total += _FOLLOWED * np.array([not follows.isdisjoint(space.papers[row].categories) for row in rows], dtype=float)
    total[[is_excluded(space.papers[row], profile.excludes) for row in rows]] = -np.inf
    return total


def compared(space: Space, rows: Rows, liked: Rows) -> dict[str, Vector]:
    """Compare candidate rows with liked rows: a value per candidate for each of the `WEIGHTS` that applies."""
    found = {
        "topic": _separated(space.words.matrix, rows, liked, space.background),
        "manner": _separated(space.whole, rows, liked, space.background),
        "latent": _cosines(space.latent[rows], space.latent[liked]).mean(axis=1),
        "categories": _expected(space.categories[rows], space.categories[liked]),
    }
    if space.embedded is not None:
        found["embedding"] = _cosines(space.embedded[rows], space.embedded[liked]).mean(axis=1)
    return found


def _separated(words: Matrix, rows: Rows, liked: Rows, background: Rows) -> Vector:
    """Tell the liked from the rest by a linear support vector machine, as arxiv-sanity-lite does."""
    rest = np.setdiff1d(background, np.concatenate([liked, rows]))
    if not len(rest):
        return np.asarray(_cosines(words[rows], words[liked]).mean(axis=1))
    learner = LinearSVC(class_weight="balanced", C=0.2, tol=1e-3, max_iter=1000, random_state=0)
    learner.fit(words[np.concatenate([liked, rest])], np.arange(len(liked) + len(rest)) < len(liked))
    return np.asarray(learner.decision_function(words[rows]), dtype=np.float64)


def _expected(candidates: Matrix, liked: Matrix) -> Vector:
    """Return the mean log share that a candidate's categories have among the liked papers."""
    share = np.asarray(liked.mean(axis=0)).ravel()
    named = np.maximum(np.asarray(candidates.sum(axis=1)).ravel(), 1)
    return np.asarray(candidates @ np.log(share + 0.02) / named, dtype=np.float64)


def _categories(papers: Sequence[Writing]) -> Matrix:
    columns: dict[str, int] = {}
    places = [
        (row, columns.setdefault(category, len(columns)))
        for row, paper in enumerate(papers)
        for category in dict.fromkeys(paper.categories)
    ]
    row, column = np.array(places, dtype=np.int64).reshape(-1, 2).T
    return sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=(len(papers), max(1, len(columns))))


def _latent(words: Matrix) -> NDArray[np.float32]:
    """Project papers on the directions in which their words vary most (latent semantic analysis)."""
    often = np.bincount(words.indices, minlength=words.shape[1]) >= min(_WIDELY, words.shape[0] / 100)
    words = words[:, np.flatnonzero(often)]
    learned = words[_spread(words.shape[0], _LEARNED_FROM)]
    size = min(_LATENT, *(side - 1 for side in learned.shape))
    if size < 1:
        return np.zeros((words.shape[0], 1), dtype=np.float32)
    _, _, axes = randomized_svd(learned, size, n_iter=2, random_state=0)
    return _unit(np.asarray(words @ axes.T, dtype=np.float32))


def _unit(view: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(view, axis=1, keepdims=True)
    return (view / np.where(lengths > 1e-9, lengths, 1)).astype(np.float32)


def _cosines(candidates: Matrix, liked: Matrix) -> Vector:
    cosines = candidates @ liked.T
    return np.asarray(cosines.toarray() if sparse.issparse(cosines) else cosines, dtype=np.float64)


def standard(values: Vector) -> Vector:
    """Shift and scale values to mean 0 and standard deviation 1; values that are all the same become 0."""
    spread = values.std() if len(values) else 0.0
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros(len(values))


def _spread(count: int, size: int) -> Rows:
    """Choose at most `size` of `count` rows, evenly."""
    return np.unique(np.linspace(0, max(0, count - 1), min(count, size)).astype(np.int64))
