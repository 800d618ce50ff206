"""A reader's taste as hashed words with weights, learned from a few papers in a moment.

Light: no learner but sums, so that a click can pay for it and the sending process can use it. `core/taste.py` is its
heavier and somewhat better sister, which learns from a whole collection. Imports numpy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.core.prints import Print, folded_word, place, place_of_term, subject_words
from digest.core.reading import SCALE, Taste

_WRITTEN = re.compile(r"[^\W_]+")
_KEPT = 512  # words of a taste
_LEAST = 0.5  # of what a disliked paper's words weigh, as in Rocchio's formula
_TOLD = 24  # words told to the reader
_OFTEN, _OFTEN_AT_LEAST = (
    0.15,
    50,
)  # a word in more than this share of the papers, and in so many, says nothing to a reader


@dataclass(frozen=True, slots=True)
class Example:
    """A paper that a reader likes, or does not: `weight` is above or below 0, newer ones are nearer to 1 or -1."""

    weight: float
    words: Print
    categories: tuple[str, ...] = ()
    text: str = ""


class Rarity:
    """How much each word tells: in how many of `papers` papers it stands, `counts` as `word_frequency` holds them."""

    def __init__(self, papers: int, counts: bytes) -> None:
        self._papers = max(papers, 1)
        self._counts = np.frombuffer(counts, dtype="<i4")

    def of(self, places: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the weight of words by their places: the logarithm of how rare they are, above 0."""
        found = np.minimum(self._counts[places], self._papers)
        return np.asarray(np.log((2 + self._papers) / (1 + found)), dtype=np.float64)

    def share(self, places: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return what words weigh in a paper on average: their rarity, times the share of papers they stand in."""
        found = np.minimum(self._counts[places], self._papers)
        return np.asarray(self.of(places) * found / self._papers, dtype=np.float64)

    def is_common(self, word: str) -> bool:
        """Tell whether a word stands in so many papers that it names no subject."""
        return bool(self._counts[place(word)] > max(_OFTEN * self._papers, _OFTEN_AT_LEAST))


def learn(examples: Sequence[Example], rarity: Rarity, struck: Collection[str] = ()) -> Taste:
    """Learn a taste from papers; words in `struck`, in any form, weigh nothing. Without papers it is empty."""
    out = dict.fromkeys(sorted({word for word in struck if folded_word(word)}), 0.0)
    shares: dict[str, float] = {}
    total = 0.0
    places, weights = [], []
    for one in examples:
        found, values = unit(one.words, rarity)
        places.append(found)
        weights.append(values * (one.weight if one.weight > 0 else one.weight * _LEAST))
        if one.weight > 0:
            for category in dict.fromkeys(one.categories):
                shares[category] = shares.get(category, 0.0) + one.weight
            total += one.weight
    where, at = np.unique(np.concatenate([np.zeros(0, np.int32), *places]), return_inverse=True)
    sums = np.asarray(np.bincount(at, np.concatenate([np.zeros(0), *weights]), len(where)), dtype=np.float64)
    sums[np.isin(where, np.array([place_of_term(word) for word in out], dtype=np.int32))] = 0.0
    kept = np.sort(np.argsort(-np.abs(sums), kind="stable")[:_KEPT])
    words, whole = _whole(where[kept], sums[kept])
    return Taste(
        words=words.astype("<i4").tobytes(),
        weights=whole.astype("<f4").tobytes(),
        categories={name: round(share / total, 4) for name, share in sorted(shares.items())} if total else {},
        terms=_terms(examples, dict(zip(words.tolist(), whole.tolist(), strict=True)), rarity) | out,
        papers=len(examples),
    )


def unit(words: Print, rarity: Rarity) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the places of a print and their weights by rarity, of length 1 (0 where nothing in it is rare)."""
    places = np.frombuffer(words.words, dtype="<i4")
    weights = np.frombuffer(words.counts, dtype="<f4") * rarity.of(places)
    return places, weights / max(float(np.sqrt((weights * weights).sum())), 1e-9)


def _whole(places: NDArray[np.int32], weights: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Scale weights to whole numbers of length SCALE and leave out those that become 0."""
    length = float(np.sqrt((weights * weights).sum()))
    rounded = np.trunc(weights * (SCALE / length)) if length > 1e-9 else np.zeros(len(weights))
    return places[rounded != 0], rounded[rounded != 0]


def _terms(examples: Sequence[Example], weights: Mapping[int, float], rarity: Rarity) -> dict[str, float]:
    """Find the words of the liked papers that weigh most, each as these papers write it most often."""
    texts = [one.text for one in examples if one.weight > 0]
    told = {
        word: weights[place(word)] / SCALE
        for word in {word for text in texts for word in subject_words(text)}
        if weights.get(place(word), 0.0) > 0 and not word.isdigit() and not rarity.is_common(word)
    }
    most = sorted(told, key=lambda word: (-told[word], word))[:_TOLD]
    written = _as_written(most, texts)
    return {written[word]: round(told[word], 4) for word in most}


def _as_written(words: Collection[str], texts: Sequence[str]) -> dict[str, str]:
    """Find how texts write folded words most often: in plural or not, with accents, with capitals inside (LoRA).

    A capital in front alone says little, for a title or a sentence may have set it.
    """
    forms: dict[str, Counter[str]] = {word: Counter() for word in words}
    for written, times in Counter(_WRITTEN.findall("\n".join(texts))).items():
        folded = folded_word(written)
        if folded in forms:
            forms[folded][written if written[1:] != written[1:].lower() else written.lower()] += times
    return {word: min(found, key=lambda form: (-found[form], form), default=word) for word, found in forms.items()}
