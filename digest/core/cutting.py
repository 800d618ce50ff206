"""Editions cut for many readers at once: what is barred, what is followed, what is liked, what is apart.

How it is done, in words and with an example: docs/tailoring.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from digest.core import prints
from digest.core.interests import Interest, InterestKind
from digest.core.issue import Card
from digest.core.issue_index import IssueIndex, Values
from digest.core.names import author_slug, lab_slug
from digest.core.tailor import Asked, Edition, Pick, Preferences
from digest.core.variety import Places, varied
from digest.core.why import Why, WhyKind

# In standard deviations of the trend over the issue; see docs/tailoring.md.
_MATCHED = 1.0  # what a keyword or a search counts for
# How much of the blend is taste: this most, with many papers to learn from, and half of it with this few.
_MOST_TASTE, _HALF_TASTE = 0.8, 1.0
# A followed author's papers go first, then a followed lab's, then new versions of saved ones: no blend is so high.
_TIERS = {InterestKind.AUTHOR: 2_000.0, InterestKind.LAB: 1_000.0}
_REVISED = 500.0
_STRONG = 4  # the first quarter of an issue has a strong trend ...
_STRONG_AT_LEAST = 10  # ... and so have its first papers
_OWN_SHARE = 0.1  # of the liked papers: a category with less is none of a reader's own
_CELLS = 100_000  # readers times cards that are compared at once
_TELLING = 2  # words that are named as a reason

Mask = NDArray[np.bool_]
_SOUGHT = {InterestKind.KEYWORD: WhyKind.KEYWORD, InterestKind.SEARCH: WhyKind.SEARCH}
# What taste must add to be the reason in place of another; no taste outdoes somebody who is followed.
_OUTDONE = {WhyKind.CATEGORY: 0.25, WhyKind.KEYWORD: _MATCHED, WhyKind.SEARCH: _MATCHED}
_place_of = lru_cache(maxsize=20_000)(prints.place)


def cut(index: IssueIndex, asked: Sequence[Asked]) -> list[Edition]:
    """Cut an issue to readers: an edition for each, whoever else is cut with them."""
    step = max(1, _CELLS // max(len(index), 1))
    editions: list[Edition] = []
    for start in range(0, len(asked), step):
        some = asked[start : start + step]
        editions += (
            _Table(index, some).editions() if len(index) else [_edition(index, one.preferences, ()) for one in some]
        )
    return editions


def _edition(index: IssueIndex, preferences: Preferences, picks: tuple[Pick, ...]) -> Edition:
    issue = index.issue
    return Edition(issued_on=issue.issued_on, picks=picks, topics=preferences.categories, note=issue.note)


@dataclass
class _Table:
    """Readers in rows, cards in columns."""

    index: IssueIndex
    asked: Sequence[Asked]
    open: Mask = field(init=False)  # what a reader may get at all
    barred: Mask = field(init=False)  # what a reader must not get
    near: Mask = field(init=False)  # what belongs to a reader's usual
    value: Values = field(init=False)
    strong: int = field(init=False)  # so many of the first cards have a strong trend
    liked: dict[int, Values] = field(default_factory=dict)  # what taste adds to the value, by row
    met: NDArray[np.int16] = field(init=False)  # one more than which of the interests a card meets first; 0 is none

    def __post_init__(self) -> None:
        shape = len(self.asked), len(self.index)
        self.open = np.zeros(shape, dtype=bool)
        self.near = np.zeros(shape, dtype=bool)
        self.barred = np.zeros(shape, dtype=bool)
        self.met = np.zeros(shape, dtype=np.int16)
        self.value = np.repeat((self.index.trend - np.arange(shape[1]) * 1e-9)[np.newaxis], shape[0], axis=0)
        self.strong = max(int(self.index.ranked.sum()) // _STRONG, _STRONG_AT_LEAST)
        self._weigh_tastes()
        for row, one in enumerate(self.asked):
            self._ask(row, one)
        self.open &= ~self.barred
        self.value[~self.open] = -np.inf

    def _weigh_tastes(self) -> None:
        known = [
            (row, taste)
            for row, one in enumerate(self.asked)
            if (taste := one.preferences.taste) is not None and taste.papers
        ]
        if not known:
            return
        rows = [row for row, _ in known]
        shares = (
            _MOST_TASTE * np.array([taste.papers / (taste.papers + _HALF_TASTE) for _, taste in known])[:, np.newaxis]
        )
        liking = shares * self.index.liking([taste for _, taste in known])
        self.value[rows] = (1 - shares) * self.value[rows] + liking
        self.liked = dict(zip(rows, liking, strict=True))

    def _ask(self, row: int, one: Asked) -> None:
        index, preferences = self.index, one.preferences
        may, near = self.open[row], self.near[row]
        found = [index.in_category[category] for category in preferences.categories if category in index.in_category]
        if found:
            near[np.concatenate(found)] = True
        np.logical_and(near if preferences.categories else True, index.ranked, out=may)
        gone = [index.place_of[paper] for paper in one.already_sent & index.papers if paper not in one.revised]
        if gone:
            self.barred[row, gone] = True
        if preferences.interests:
            self._ask_more(row, preferences.interests)
        if coming := [index.place_of[paper] for paper in one.revised if paper in index.place_of]:
            may[coming] = near[coming] = True
            self.value[row, coming] += _REVISED

    def _ask_more(self, row: int, interests: Sequence[Interest]) -> None:
        """Let what a reader named count; of several interests in a card the strongest is met, then the first."""
        met = self.met[row]
        for kinds in (_SOUGHT, (InterestKind.LAB,), (InterestKind.AUTHOR,)):
            for number in range(len(interests), 0, -1):
                one = interests[number - 1]
                if one.kind in kinds:
                    met[self.index.find(one.kind, one.key)] = number
            if kinds is _SOUGHT:
                self.value[row, met > 0] += _MATCHED
        for one in interests:
            if one.kind is InterestKind.EXCLUSION:
                self.barred[row, self.index.find(one.kind, one.key)] = True
        self.open[row] |= met > 0
        self.near[row] |= met > 0
        tiers = np.array([0.0, *(_TIERS.get(one.kind, 0.0) for one in interests)])
        self.value[row] += tiers[met]

    def editions(self) -> list[Edition]:
        """Cut them."""
        outside = [self._outside(row) for row in range(len(self.asked))]
        for row, place in enumerate(outside):
            if place is not None:
                self.value[row, place] = -np.inf
        counts = [
            one.preferences.paper_count - (place is not None) for one, place in zip(self.asked, outside, strict=True)
        ]
        mixed = np.array([_has_wishes(one.preferences) for one in self.asked])
        alike = self.index.alike if self.index.is_printed and mixed.any() else None
        chosen = varied(self.value, counts, alike, mixed)
        return [
            _edition(self.index, one.preferences, self._picks(row, places, outside[row]))
            for row, (one, places) in enumerate(zip(self.asked, chosen, strict=True))
        ]

    def _outside(self, row: int) -> int | None:
        """Find the strongest paper from outside a reader's usual, where there is a usual to be outside of."""
        preferences = self.asked[row].preferences
        taste = preferences.taste
        own = () if taste is None else [name for name, share in taste.categories.items() if share >= _OWN_SHARE]
        if not preferences.outside or not (preferences.categories or own) or preferences.paper_count < 2:
            return None
        index = self.index
        strong = self.strong
        far = index.ranked[:strong] & ~(self.near[row, :strong] | self.barred[row, :strong])
        for category in own:
            if (places := index.in_category.get(category)) is not None:
                far[places[places < strong]] = False
        if row in self.liked:
            far &= self.liked[row][:strong] <= 0
        return int(far.argmax()) if far.any() else None

    def _picks(self, row: int, places: Places, outside: int | None) -> tuple[Pick, ...]:
        if not len(places):
            return ()  # a paper from outside the usual is no digest by itself
        one = self.asked[row]
        cards = self.index.issue.cards
        interests = (None, *one.preferences.interests)
        met = [interests[number] for number in self.met[row, places].tolist()]
        reasons = [self._reason(one, cards[at], interest) for at, interest in zip(places, met, strict=True)]
        if row in self.liked:
            self._tell(one, places, self.liked[row][places].tolist(), reasons)
        if outside is not None:
            places, reasons = [*places, outside], [*reasons, Why(WhyKind.OUTSIDE)]
        return tuple(
            Pick(at, cards[place], reason)
            for at, (place, reason) in enumerate(zip(places, reasons, strict=True), start=1)
        )

    def _reason(self, one: Asked, card: Card, interest: Interest | None) -> Why | None:
        """Say what of a reader's own speaks for a paper, before taste is heard."""
        if one.revised and card.paper_id in one.revised:
            return Why(WhyKind.REVISED)  # also by somebody followed: a paper that comes again says why it does
        if interest is not None and interest.kind is InterestKind.AUTHOR:
            names = (name for name in card.authors if author_slug(name) == interest.key)
            return Why(WhyKind.AUTHOR, (next(names, interest.words),))
        if interest is not None and interest.kind is InterestKind.LAB:
            names = (name for name in card.labs if lab_slug(name) == interest.key)
            return Why(WhyKind.LAB, (next(names, interest.words),))
        if interest is not None:
            return Why(_SOUGHT[interest.kind], (interest.words,))
        wanted = one.preferences.categories
        matched = next((name for name in card.categories if name in wanted), None)
        return _in_category(matched) if matched else None

    def _tell(self, one: Asked, places: Places, liking: Sequence[float], reasons: list[Why | None]) -> None:
        """Let taste be the reason where it adds more than what is said already, by the words that add most."""
        taste = one.preferences.taste
        told = {word: weight for word, weight in taste.terms.items() if weight > 0} if taste is not None else {}
        by_taste = [
            at
            for at, (reason, adding) in enumerate(zip(reasons, liking, strict=True))
            if adding > (_OUTDONE.get(reason.kind, np.inf) if reason is not None else 0.0)
        ]
        if not told or not by_taste:
            return
        words = list(told)
        sought = np.array([_place_of(word) for word in words], dtype=np.int64)
        adding = self.index.weights_of(sought, [places[at] for at in by_taste]) * np.array(list(told.values()))
        for at, its in zip(by_taste, adding.tolist(), strict=True):
            best = sorted(range(len(words)), key=its.__getitem__, reverse=True)[:_TELLING]
            if telling := tuple(words[number] for number in best if its[number] > 0):
                reasons[at] = Why(WhyKind.LIKED, telling)


def _has_wishes(preferences: Preferences) -> bool:
    """Tell whether a reader wants anything in particular; else the issue's own order is theirs."""
    if preferences.categories:
        return True
    wanted = any(one.kind not in (InterestKind.EXCLUSION, InterestKind.PAPER) for one in preferences.interests)
    return wanted or bool(preferences.taste and preferences.taste.papers)


@lru_cache(maxsize=1_000)
def _in_category(category: str) -> Why:
    return Why(WhyKind.CATEGORY, (category,))
