"""How well papers answer a query: the engine's rank, the words they share weighed by rarity, and their titles, as one.

Imports numpy: load it with the first search, not with the site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.core.prints import Print, place, singular, subject_words

# Tried on titles and abstracts of recorded papers, see benchmarks/search_quality.py.
_ENGINE, _WORDS, _TITLE = 0.25, 1.0, 1.0
_FAINT = 0.1  # cosines below are not stretched to the full: then the words are those of an author, or in no abstract


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper that the engine found: its weight there (more is better), its title as a key, its print if it has one."""

    paper_id: int
    weight: float
    title_key: str
    words: Print | None = None


def blended(query: Sequence[str], hits: Sequence[Hit], papers: int, counts: bytes) -> list[int]:
    """Order what the engine found, best first; `counts` says in how many of `papers` each word stands.

    Equal ones keep the engine's order.
    """
    if not hits:
        return []
    asked = {singular(word) for word in query}
    weights = np.array([hit.weight for hit in hits])
    total = _ENGINE * weights / max(float(weights.max()), 1e-9)
    total += _TITLE * np.array([asked <= set(map(singular, hit.title_key.split())) for hit in hits])
    if papers and (telling := subject_words(" ".join(query))):
        cosines = _cosines(telling, [hit.words or Print(b"", b"") for hit in hits], papers, counts)
        total += _WORDS * cosines / max(float(cosines.max()), _FAINT)
    return [hits[row].paper_id for row in np.argsort(-total, kind="stable")]


def _cosines(query: Sequence[str], prints: Sequence[Print], papers: int, counts: bytes) -> NDArray[np.float64]:
    frequency = np.frombuffer(counts, dtype="<i4")
    places = np.frombuffer(b"".join(one.words for one in prints), dtype="<i4")
    row = np.repeat(np.arange(len(prints)), [len(one.words) // 4 for one in prints])
    weights = np.frombuffer(b"".join(one.counts for one in prints), dtype="<f4") * _rarity(frequency[places], papers)
    lengths = np.sqrt(np.bincount(row, weights * weights, minlength=len(prints)))
    sought = np.unique([place(word) for word in query])
    rarity = _rarity(frequency[sought], papers)
    at = np.minimum(np.searchsorted(sought, places), len(sought) - 1)
    shared = sought[at] == places
    products = np.bincount(row[shared], (weights * rarity[at])[shared], minlength=len(prints))
    return np.asarray(products / np.maximum(lengths * np.sqrt((rarity**2).sum()), 1e-9))


def _rarity(frequency: NDArray[np.int32], papers: int) -> NDArray[np.float64]:
    return np.log((1 + papers) / (1 + np.minimum(frequency, papers)))
