"""A sum of small trees and of words: from papers to the growth that is to be expected, and who speaks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from digest.core.features import FEATURES, STARS, VOTES
from digest.core.signals import PAGE_PLACE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FORESEEN = (VOTES, PAGE_PLACE, STARS)  # the signals that the forecast reads; the others speak as asides
PARTS = tuple(dict.fromkeys(feature.part for feature in FEATURES))
# No tree asks about a handful of stars, and none seen must still be less than none known: so a little is sure.
_STARS_EACH = 0.01  # of expected log growth, for a unit of log stars
_STARS_MOST = 9.0  # ... and no more than for some 8,000


@dataclass(frozen=True, slots=True)
class Split:
    """A question to one feature: is it above the threshold; `unknown_above` answers for NaN."""

    feature: int
    threshold: float
    unknown_above: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """Two levels of questions. `means` are of the lower and upper half, `leaves` of the four quarters, left to right.

    Both are departures from the tree's own mean, so a path from the root says which feature moved the sum by how much.
    """

    root: Split
    lower: Split
    upper: Split
    means: tuple[float, float]
    leaves: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A fitted model: `base` is the mean log growth of the papers it was fitted on, trees and titles add to it.

    `words` are the weights of words in a title, `usual` is what they come to in a title of the middle.
    """

    base: float
    trees: tuple[Tree, ...]
    words: Mapping[str, float] = field(default_factory=dict)
    usual: float = 0.0

    def speak(self, rows: Floats) -> tuple[Floats, Floats]:
        """Return the expected log(1 + votes to be gained), shape (n,), and by part of PARTS, shape (parts, n).

        `rows` holds the numbers of FEATURES for each of n papers, shape (n, features). What the parts add up to, and
        the base, is the sum. Titles are not in it: see `digest.core.titles`.
        """
        import numpy as np  # noqa: PLC0415 - the sending process knows scores, and never computes one

        columns = np.ascontiguousarray(rows.T)
        unknown = np.isnan(columns)
        by_part = np.zeros((len(PARTS), len(rows)))
        by_part[PARTS.index(STARS)] += surely(columns[_STARS])
        answers = {
            split: _above(split, columns, unknown).view(np.uint8)
            for tree in self.trees
            for split in (tree.root, tree.lower, tree.upper)
        }
        for tree in self.trees:
            # The three answers as one number, to look the tree's words up by: much faster than to choose by each.
            asked = answers[tree.root] << 2 | answers[tree.lower] << 1 | answers[tree.upper]
            where = asked.astype(np.intp)
            (low_mean, high_mean), leaves = tree.means, tree.leaves
            low, high = [leaf - low_mean for leaf in leaves[:2]], [leaf - high_mean for leaf in leaves[2:]]
            means = np.array([low_mean] * 4 + [high_mean] * 4)
            lower = np.array([low[0], low[0], low[1], low[1], 0.0, 0.0, 0.0, 0.0])
            upper = np.array([0.0, 0.0, 0.0, 0.0, high[0], high[1], high[0], high[1]])
            by_part[_PART[tree.root.feature]] += means[where]
            one, other = _PART[tree.lower.feature], _PART[tree.upper.feature]
            if one == other:
                by_part[one] += (lower + upper)[where]
            else:
                by_part[one] += lower[where]
                by_part[other] += upper[where]
        return self.base + by_part.sum(axis=0), by_part


def surely(log_stars: Floats) -> Floats:
    """Return what stars add apart from the trees, which are fitted to the rest."""
    import numpy as np  # noqa: PLC0415

    return _STARS_EACH * np.minimum(log_stars, _STARS_MOST)


@cache
def shipped() -> Forecast:
    """Return the forecast that is fitted and shipped with this version."""
    from digest.core import fitted  # noqa: PLC0415 - the numbers are read where a score is wanted, not at import

    return of_numbers(fitted.BASE, fitted.TREES, fitted.WORDS, fitted.USUAL)


def of_numbers(
    base: float, trees: Sequence[tuple[float, ...]], words: Mapping[str, float] | None = None, usual: float = 0.0
) -> Forecast:
    """Build a forecast from a row of 15 numbers a tree (three splits of 3, two means, four leaves) and from words."""
    return Forecast(base, tuple(_tree(row) for row in trees), words or {}, usual)


def to_numbers(tree: Tree) -> tuple[float, ...]:
    """Return a tree as the row that `of_numbers` reads."""
    splits = (tree.root, tree.lower, tree.upper)
    questions = [part for one in splits for part in (one.feature, one.threshold, int(one.unknown_above))]
    return (*questions, *tree.means, *tree.leaves)


def _tree(row: tuple[float, ...]) -> Tree:
    splits = [Split(int(row[n]), row[n + 1], bool(row[n + 2])) for n in (0, 3, 6)]
    return Tree(splits[0], splits[1], splits[2], (row[9], row[10]), (row[11], row[12], row[13], row[14]))


def _above(split: Split, columns: Floats, unknown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    above: NDArray[np.bool_] = columns[split.feature] > split.threshold
    return above | unknown[split.feature] if split.unknown_above else above


_PART = tuple(PARTS.index(feature.part) for feature in FEATURES)
_STARS = next(number for number, feature in enumerate(FEATURES) if feature.name == "stars")
