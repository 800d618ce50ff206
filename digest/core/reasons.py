"""Why the chosen papers are in editions: of what is a reader's own, that which speaks for a paper most."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from digest.core import prints
from digest.core.interests import Interest, InterestKind
from digest.core.issue import Card
from digest.core.issue_words import IssueWords, Places, Values
from digest.core.names import author_slug, lab_slug
from digest.core.reading import Taste
from digest.core.why import Why, WhyKind

REVISED = Why(WhyKind.REVISED)
OUTSIDE = Why(WhyKind.OUTSIDE)
_TELLING = 2  # words that are named as a reason
_SOUGHT = {InterestKind.KEYWORD: WhyKind.KEYWORD, InterestKind.SEARCH: WhyKind.SEARCH}
_AUTHOR = InterestKind.AUTHOR  # asked for each paper that is chosen: of its class a member takes longer to find
_place_of = lru_cache(maxsize=20_000)(prints.place_of_term)


def meeting(interest: Interest, card: Card) -> Why:
    """Say that a paper is by or from whom a reader follows, or on what they look for."""
    sought = _SOUGHT.get(interest.kind)
    if sought is not None:
        return _on(sought, interest.words)
    if interest.kind is _AUTHOR:
        return _by(card.authors, interest.key, interest.words)
    return _from(card.labs, interest.key, interest.words)


@lru_cache(maxsize=1_000)
def in_category(category: str) -> Why:
    """Say that a paper is in a category that a reader follows."""
    return Why(WhyKind.CATEGORY, (category,))


def tell(words: IssueWords, tastes: Sequence[Taste | None], rows: Places, places: Places) -> list[tuple[int, Why]]:
    """Name for papers that taste speaks for the words that add most; those in which it has no words are left out.

    `tastes` has one for each reader; `rows` says whose each choice is, ascending, and `places` where its paper stands
    in the issue. Returned are the choices' numbers, with what is said of them.
    """
    whose, reader = np.unique(rows, return_inverse=True)
    names: list[str] = []
    weighs: list[float] = []
    sizes: list[int] = []
    for row in whose.tolist():
        taste = tastes[row]
        terms = taste.terms if taste is not None else {}
        names += terms
        weighs += terms.values()
        sizes.append(len(terms))
    sought = np.fromiter(map(_place_of, names), np.int64, len(names))
    weights = np.array(weighs, dtype=np.float64)
    # What is no word of the issue, or was struck out, is left behind before each choice is put beside each word.
    known = np.flatnonzero((weights > 0) & words.has(sought))
    number = np.bincount(np.repeat(np.arange(len(whose)), sizes)[known], minlength=len(whose))
    pick, term = _beside(reader, number)
    term = known[term]
    adding = words.weights_of(sought[term], places[pick]) * weights[term]
    return _strongest(names, pick, term, adding)


def _beside(reader: Places, number: Places) -> tuple[Places, Places]:
    """Put each choice beside each of its reader's so many words, which stand reader by reader."""
    sizes = number[reader]
    pick = np.repeat(np.arange(len(reader)), sizes)
    first = (np.cumsum(number) - number)[reader] - (np.cumsum(sizes) - sizes)
    return pick, np.arange(len(pick)) + np.repeat(first, sizes)


def _strongest(names: Sequence[str], pick: Places, term: Places, adding: Values) -> list[tuple[int, Why]]:
    """Name each choice's words that add most, the first where they add the same."""
    there = np.flatnonzero(adding > 0)
    order = there[np.lexsort((-adding[there], pick[there]))]
    at = pick[order]
    among = np.ones(len(at), dtype=bool)
    among[_TELLING:] = at[_TELLING:] != at[:-_TELLING]  # so many before it are not of the same choice
    named: dict[int, list[str]] = {}
    for choice, number in zip(at[among].tolist(), term[order[among]].tolist(), strict=True):
        named.setdefault(choice, []).append(names[number])
    return [(choice, Why(WhyKind.LIKED, tuple(telling))) for choice, telling in named.items()]


@lru_cache(maxsize=5_000)
def _on(kind: WhyKind, words: str) -> Why:
    return Why(kind, (words,))


@lru_cache(maxsize=5_000)
def _by(authors: tuple[str, ...], key: str, words: str) -> Why:
    as_written = next((name for name in authors if author_slug(name) == key), None)
    return Why(WhyKind.AUTHOR, (as_written or words,))


@lru_cache(maxsize=5_000)
def _from(labs: tuple[str, ...], key: str, words: str) -> Why:
    as_written = next((name for name in labs if lab_slug(name) == key), None)
    return Why(WhyKind.LAB, (as_written or words,))
