"""Editions cut for many readers at once: what is barred, what is followed, what is liked, what is apart.

How it is done, in words and with an example: docs/tailoring.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digest.core.interests import Interest, InterestKind
from digest.core.issue_index import IssueIndex, Values
from digest.core.names import author_slug, lab_slug
from digest.core.prints import place as place_of_word
from digest.core.reading import Taste
from digest.core.tailor import Asked, Edition, Pick, Preferences
from digest.core.variety import Places, varied
from digest.core.why import Why, WhyKind

# In standard deviations of the trend over the issue; see docs/tailoring.md.
_MATCHED = 1.0  # what a keyword, a search or a new version of a saved paper counts for
_HALF_TASTE = 3.0  # with so many papers to learn from, taste and trend count alike
_TOLD = 0.25  # what taste must add to be the reason, where there is another
_AUTHOR, _LAB = 2, 1  # tiers: a followed author's papers go first, then a followed lab's
_TIER = 1_000.0
_STRONG = 4  # the first quarter of an issue has a strong trend ...
_STRONG_AT_LEAST = 10  # ... and so have its first papers
_OWN_SHARE = 0.1  # of the liked papers: a category with less is none of a reader's own
_CELLS = 150_000  # readers times cards that are compared at once
_TELLING = 2  # words that are named as a reason

Mask = NDArray[np.bool_]
_TIERS = {InterestKind.AUTHOR: _AUTHOR, InterestKind.LAB: _LAB}
_SOUGHT = (InterestKind.KEYWORD, InterestKind.SEARCH)


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
    near: Mask = field(init=False)  # what belongs to a reader's usual
    value: Values = field(init=False)
    liked: dict[int, Values] = field(init=False)  # what taste adds to the value, by row
    reasons: dict[tuple[int, int], Interest] = field(
        default_factory=dict
    )  # the strongest interest met, by row and place

    def __post_init__(self) -> None:
        shape = len(self.asked), len(self.index)
        self.open = np.zeros(shape, dtype=bool)
        self.near = np.zeros(shape, dtype=bool)
        self.value = np.repeat((self.index.trend - np.arange(shape[1]) * 1e-9)[np.newaxis], shape[0], axis=0)
        self.liked = {}
        self._weigh_tastes()
        for row, one in enumerate(self.asked):
            self._ask(row, one)
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
        shares = np.array([taste.papers / (taste.papers + _HALF_TASTE) for _, taste in known])[:, np.newaxis]
        liking = shares * self.index.liking([taste for _, taste in known])
        self.value[rows] = (1 - shares) * self.value[rows] + liking
        self.liked = dict(zip(rows, liking, strict=True))

    def _ask(self, row: int, one: Asked) -> None:
        index, preferences = self.index, one.preferences
        may, near, value = self.open[row], self.near[row], self.value[row]
        for category in preferences.categories:
            if (places := index.in_category.get(category)) is not None:
                may[places] = near[places] = True
        if not preferences.categories:
            may[:] = True
        may &= index.ranked
        tiers: dict[int, int] = {}
        matched: set[int] = set()
        for interest in preferences.interests:
            if interest.kind in _TIERS or interest.kind in _SOUGHT:
                places = index.find(interest.kind, interest.key)
                may[places] = near[places] = True
                for place in places.tolist():
                    self._meet(row, place, interest, tiers, matched)
        coming = [index.place_of[paper] for paper in one.revised if paper in index.place_of]
        may[coming] = near[coming] = True
        value[sorted(matched.union(coming))] += _MATCHED
        for place, tier in tiers.items():
            value[place] += tier * _TIER
        gone = one.already_sent & index.place_of.keys() - one.revised
        may[[index.place_of[paper] for paper in gone]] = False
        for interest in preferences.interests:
            if interest.kind is InterestKind.EXCLUSION:
                may[index.find(interest.kind, interest.key)] = False

    def _meet(self, row: int, place: int, interest: Interest, tiers: dict[int, int], matched: set[int]) -> None:
        tier = _TIERS.get(interest.kind, 0)
        if not tier:
            matched.add(place)
        known = self.reasons.get((row, place))
        if known is None or tier > tiers.get(place, 0):
            self.reasons[row, place] = interest
        if tier:
            tiers[place] = max(tier, tiers.get(place, 0))

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
        usual = {*preferences.categories}
        if taste is not None:
            usual |= {name for name, share in taste.categories.items() if share >= _OWN_SHARE}
        if not preferences.outside or not usual or preferences.paper_count < 2:
            return None
        index = self.index
        strong = max(len(index) // _STRONG, _STRONG_AT_LEAST)
        far = index.ranked[:strong] & ~self.near[row, :strong]
        for category in usual:
            if (places := index.in_category.get(category)) is not None:
                far[places[places < strong]] = False
        if row in self.liked:
            far &= self.liked[row][:strong] <= 0
        far &= ~self._barred(row)[:strong]
        return int(far.argmax()) if far.any() else None

    def _barred(self, row: int) -> Mask:
        one, index = self.asked[row], self.index
        barred = np.zeros(len(index), dtype=bool)
        barred[[index.place_of[paper] for paper in one.already_sent & index.place_of.keys()]] = True
        for interest in one.preferences.interests:
            if interest.kind is InterestKind.EXCLUSION:
                barred[index.find(interest.kind, interest.key)] = True
        return barred

    def _picks(self, row: int, places: Places, outside: int | None) -> tuple[Pick, ...]:
        if not len(places):
            return ()  # a paper from outside the usual is no digest by itself
        cards = self.index.issue.cards
        picks = [Pick(at, cards[place], self._reason(row, place)) for at, place in enumerate(places, start=1)]
        if outside is not None:
            picks.append(Pick(len(picks) + 1, cards[outside], Why(WhyKind.OUTSIDE)))
        return tuple(picks)

    def _reason(self, row: int, place: int) -> Why | None:
        """Say what spoke for a paper most, of what is this reader's own."""
        one = self.asked[row]
        card = self.index.issue.cards[place]
        interest = self.reasons.get((row, place))
        if interest is not None and interest.kind is InterestKind.AUTHOR:
            names = (name for name in card.authors if author_slug(name) == interest.key)
            return Why(WhyKind.AUTHOR, (next(names, interest.words),))
        if card.paper_id in one.revised:
            return Why(WhyKind.REVISED)
        if interest is not None and interest.kind is InterestKind.LAB:
            names = (name for name in card.labs if lab_slug(name) == interest.key)
            return Why(WhyKind.LAB, (next(names, interest.words),))
        liking = float(self.liked[row][place]) if row in self.liked else 0.0
        taste = one.preferences.taste
        if interest is not None and liking <= _MATCHED:
            return Why(WhyKind(interest.kind), (interest.words,))
        matched = next((name for name in card.categories if name in one.preferences.categories), None)
        if taste is not None and liking > (_TOLD if matched else 0.0):
            return Why(WhyKind.LIKED, self._telling(taste, place))
        return Why(WhyKind.CATEGORY, (matched,)) if matched else None

    def _telling(self, taste: Taste, place: int) -> tuple[str, ...]:
        """Name the words of a taste that say most for a paper."""
        weights = self.index.words_of(place)
        found = [
            (-weight * weights[at], word)
            for word, weight in taste.terms.items()
            if weight > 0 and (at := place_of_word(word)) in weights
        ]
        return tuple(word for _, word in sorted(found)[:_TELLING])


def _has_wishes(preferences: Preferences) -> bool:
    """Tell whether a reader wants anything in particular; else the issue's own order is theirs."""
    wanted = any(one.kind not in (InterestKind.EXCLUSION, InterestKind.PAPER) for one in preferences.interests)
    return bool(preferences.categories) or wanted or bool(preferences.taste and preferences.taste.papers)
