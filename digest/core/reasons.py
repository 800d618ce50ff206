"""Why the chosen papers are in editions: of what is a reader's own, that which speaks for a paper most."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from digest.core import prints
from digest.core.interests import Interest, InterestKind
from digest.core.issue import Card
from digest.core.issue_words import IssueWords
from digest.core.names import author_slug, lab_slug
from digest.core.reading import Taste
from digest.core.tailor import Asked
from digest.core.why import Why, WhyKind

_TELLING = 2  # words that are named as a reason
_SOUGHT = {InterestKind.KEYWORD: WhyKind.KEYWORD, InterestKind.SEARCH: WhyKind.SEARCH}
_REVISED = Why(WhyKind.REVISED)
_place_of = lru_cache(maxsize=20_000)(prints.place)

Chosen = tuple[int, int]  # a row among the readers, and a place among the papers chosen for that reader


def reason_for(one: Asked, card: Card, interest: Interest | None) -> Why | None:
    """Say what of a reader's own speaks for a paper, before taste is heard; `interest` is what the paper meets."""
    if interest is not None and interest.kind is InterestKind.AUTHOR:
        return Why(WhyKind.AUTHOR, (_author_as_written(card.authors, interest.key) or interest.words,))
    if one.revised and card.paper_id in one.revised:
        return _REVISED
    if interest is not None and interest.kind is InterestKind.LAB:
        return Why(WhyKind.LAB, (_lab_as_written(card.labs, interest.key) or interest.words,))
    if interest is not None:
        return Why(_SOUGHT[interest.kind], (interest.words,))
    wanted = one.preferences.categories
    for name in card.categories:
        if name in wanted:
            return _in_category(name)
    return None


def tell(
    words: IssueWords, tastes: Sequence[Taste | None], liked: Sequence[tuple[Chosen, int]]
) -> list[tuple[Chosen, Why]]:
    """Name for papers that taste speaks for the words that add most; those in which it has no words are left out.

    `tastes` has one for each row; `liked` holds choices and the papers' places in the issue, row by row.
    """
    picked, places, told, sizes = [], [], [], []
    terms: list[tuple[str, float]] = []
    last = -1
    for chosen, place in liked:
        if chosen[0] != last:
            last, taste = chosen[0], tastes[chosen[0]]
            first = len(terms)
            terms += [term for term in taste.terms.items() if term[1] > 0] if taste is not None else []
        if len(terms) > first:
            picked.append(chosen)
            places.append(place)
            told.append(first)
            sizes.append(len(terms) - first)
    if not picked:
        return []
    # Each choice beside each of its reader's words.
    pick = np.repeat(np.arange(len(picked)), sizes)
    term = np.arange(len(pick)) + np.repeat(np.array(told) - (np.cumsum(sizes) - sizes), sizes)
    sought = np.array([_place_of(word) for word, _ in terms], dtype=np.int64)
    adding = (
        words.weights_of(sought[term], np.array(places, dtype=np.int64)[pick]) * np.array([w for _, w in terms])[term]
    )
    return _strongest(picked, terms, pick, term, adding)


def _strongest(
    picked: Sequence[Chosen],
    terms: Sequence[tuple[str, float]],
    pick: NDArray[np.int64],
    term: NDArray[np.int64],
    adding: NDArray[np.float64],
) -> list[tuple[Chosen, Why]]:
    """Name each choice's words that add most, the first where they add the same."""
    there = np.flatnonzero(adding > 0)
    order = there[np.lexsort((-adding[there], pick[there]))]
    named: dict[int, tuple[str, ...]] = {}
    for at, number in zip(pick[order].tolist(), term[order].tolist(), strict=True):
        so_far = named.get(at, ())
        if len(so_far) < _TELLING:
            named[at] = (*so_far, terms[number][0])
    return [(picked[at], Why(WhyKind.LIKED, telling)) for at, telling in named.items()]


@lru_cache(maxsize=5_000)
def _author_as_written(authors: tuple[str, ...], key: str) -> str | None:
    return next((name for name in authors if author_slug(name) == key), None)


@lru_cache(maxsize=5_000)
def _lab_as_written(labs: tuple[str, ...], key: str) -> str | None:
    return next((name for name in labs if lab_slug(name) == key), None)


@lru_cache(maxsize=1_000)
def _in_category(category: str) -> Why:
    return Why(WhyKind.CATEGORY, (category,))
