"""Editions cut for many readers at once: what is barred, what is followed, what is liked, what is apart.

How it is done, in words and with an example: docs/tailoring.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digest.core.interests import InterestKind
from digest.core.issue_index import IssueIndex
from digest.core.issue_words import Values
from digest.core.reasons import Chosen, reason_for, tell
from digest.core.tailor import Asked, Edition, Pick, Preferences
from digest.core.variety import varied
from digest.core.why import Why, WhyKind

# In standard deviations of the trend over the issue; see docs/tailoring.md.
_MATCHED = 1.0  # what a keyword or a search counts for
# How much of the blend is taste: this most, with many papers to learn from, and half of it with this few.
_MOST_TASTE, _HALF_TASTE = 0.8, 1.0
# A followed author's papers go first, then a followed lab's, then new versions of saved ones: no blend is so high.
_RANKS = {InterestKind.KEYWORD: 1, InterestKind.SEARCH: 1, InterestKind.LAB: 2, InterestKind.AUTHOR: 3}
_TIERS = np.array([0.0, 0.0, 1_000.0, 2_000.0])  # by these ranks
_FIRST = 2**16  # of two interests of a rank the first is met: their numbers are counted down from here
_REVISED = 500.0
_PINNED = 1e6  # what an editor has pinned goes before all, in the issue's order ...
_STEP_OF_PINS = 100.0  # ... which likeness does not change
_STRONG = 4  # the first quarter of an issue has a strong trend ...
_STRONG_AT_LEAST = 10  # ... and so have its first papers
_OWN_SHARE = 0.1  # of the liked papers: a category with less is none of a reader's own
_CELLS = 64_000  # readers times cards that are compared at once: with more, more memory and no more speed

Mask = NDArray[np.bool_]
# What taste must add to be the reason in place of another; no taste outdoes somebody who is followed.
_OUTDONE = {WhyKind.CATEGORY: 0.25, WhyKind.KEYWORD: _MATCHED, WhyKind.SEARCH: _MATCHED}
_OUTSIDE = Why(WhyKind.OUTSIDE)


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
    return Edition(
        issued_on=issue.issued_on,
        picks=picks,
        topics=preferences.categories,
        note=issue.note,
        subject=issue.subject,
        preheader=issue.preheader,
    )


@dataclass
class _Table:
    """Readers in rows, cards in columns."""

    index: IssueIndex
    asked: Sequence[Asked]
    open: Mask = field(init=False)  # what a reader may get at all
    barred: Mask = field(init=False)  # what a reader must not get
    near: Mask = field(init=False)  # what belongs to a reader's usual
    value: Values = field(init=False)
    liked: Values = field(init=False)  # what taste adds to the value
    met: NDArray[np.int32] = field(init=False)  # the rank and number of the interest a card meets; 0 is none

    def __post_init__(self) -> None:
        shape = len(self.asked), len(self.index)
        self.barred = np.zeros(shape, dtype=bool)
        self.met = np.zeros(shape, dtype=np.int32)
        self._weigh_tastes()
        self._follow()
        self._meet()
        self._let_pass()
        self._pin()
        self.open &= ~self.barred
        np.copyto(self.value, -np.inf, where=~self.open)

    def _weigh_tastes(self) -> None:
        shape = len(self.asked), len(self.index)
        in_order = self.index.trend - np.arange(shape[1]) * 1e-9
        known = [
            (row, taste)
            for row, one in enumerate(self.asked)
            if (taste := one.preferences.taste) is not None and taste.papers
        ]
        self.liked = np.zeros(shape)
        if not known:
            self.value = np.repeat(in_order[np.newaxis], shape[0], axis=0)
            return
        rows = [row for row, _ in known]
        shares = np.zeros((shape[0], 1))
        shares[rows, 0] = [_MOST_TASTE * (taste.papers / (taste.papers + _HALF_TASTE)) for _, taste in known]
        self.liked[rows] = self.index.liking([taste for _, taste in known])
        self.liked *= shares
        self.value = (1 - shares) * in_order
        self.value += self.liked

    def _in(self, categories: Sequence[Sequence[str]], most: int) -> Mask:
        """Tell which of the first cards are in any of the categories that are named for each row."""
        column_of = self.index.column_of
        named = np.zeros((len(categories), len(column_of)), dtype=np.float32)
        width = len(column_of)
        named.ravel()[
            [row * width + column_of[name] for row, its in enumerate(categories) for name in its if name in column_of]
        ] = 1.0
        return np.asarray(named @ self.index.inside[:, :most] > 0)

    def _follow(self) -> None:
        """Let readers have what is in the categories they follow."""
        followed = [one.preferences.categories for one in self.asked]
        self.near = self._in(followed, len(self.index))
        every = np.array([not its for its in followed])
        self.open = (self.near | every[:, np.newaxis]) & self.index.ranked

    def _meet(self) -> None:
        """Let what readers named count; of several interests in a card the strongest is met, then the first."""
        find, cards = self.index.find, len(self.index)
        sought, ranks, found, barred = [], [], [], []
        for row, one in enumerate(self.asked):
            for number, interest in enumerate(one.preferences.interests):
                places = find(interest.kind, interest.key)
                if not len(places):
                    continue
                if interest.kind is InterestKind.EXCLUSION:
                    barred.append(places + row * cards)
                    continue
                found.append(places + row * cards)
                rank = _RANKS[interest.kind]
                ranks.append(rank * _FIRST + _FIRST - 1 - number)
                if rank == 1:
                    sought.append(found[-1])
        if barred:
            self.barred.ravel()[np.concatenate(barred)] = True
        if not found:
            return
        met, value = self.met.ravel(), self.value.ravel()
        np.maximum.at(met, np.concatenate(found), np.repeat(np.array(ranks, np.int32), [len(its) for its in found]))
        if sought:
            value[np.concatenate(sought)] += _MATCHED
        first = np.flatnonzero(met >= 2 * _FIRST)
        value[first] += _TIERS[met[first] // _FIRST]
        self.open |= self.met > 0
        self.near |= self.met > 0

    def _let_pass(self) -> None:
        """Bar what readers had before, unless it comes back."""
        place_of, papers, cards = self.index.place_of, self.index.papers, len(self.index)
        gone: list[int] = []
        for row, one in enumerate(self.asked):
            start = row * cards
            if not one.revised:
                gone += [start + place_of[paper] for paper in one.already_sent & papers]
                continue
            gone += [start + place_of[paper] for paper in (one.already_sent & papers) - one.revised]
            if coming := [place_of[paper] for paper in one.revised & papers]:
                self.open[row, coming] = self.near[row, coming] = True
                self.value[row, coming] += _REVISED
        if gone:
            self.barred.ravel()[gone] = True

    def _pin(self) -> None:
        """Let what an editor has pinned go first; who wishes for nothing in particular has the issue's own order."""
        pinned = self.index.pinned
        if not len(pinned):
            return
        self.open[:, pinned] = self.near[:, pinned] = True
        wishing = np.flatnonzero([_has_wishes(one.preferences) for one in self.asked])
        self.value[np.ix_(wishing, pinned)] = _PINNED - _STEP_OF_PINS * np.arange(len(pinned))

    def editions(self) -> list[Edition]:
        """Cut them."""
        outside = self._outside()
        for row, place in outside.items():
            self.value[row, place] = -np.inf
        counts = [one.preferences.paper_count - (row in outside) for row, one in enumerate(self.asked)]
        mixed = np.array([_has_wishes(one.preferences) for one in self.asked])
        alike = self.index.alike if self.index.is_printed and mixed.any() else None
        chosen = varied(self.value, counts, alike, mixed)
        reasons = self._reasons(chosen)
        for row, place in outside.items():
            if chosen[row]:  # a paper from outside the usual is no digest by itself
                chosen[row].append(place)
                reasons[row].append(_OUTSIDE)
        cards = self.index.issue.cards
        return [
            _edition(
                self.index,
                one.preferences,
                tuple(
                    Pick(at, cards[place], reason)
                    for at, (place, reason) in enumerate(zip(places, its, strict=True), start=1)
                ),
            )
            for one, places, its in zip(self.asked, chosen, reasons, strict=True)
        ]

    def _outside(self) -> dict[int, int]:
        """Find by row the strongest paper from outside a reader's usual, where there is a usual to be outside of."""
        ranked = self.index.ranked
        strong = max(int(ranked.sum()) // _STRONG, _STRONG_AT_LEAST)
        own = [
            () if taste is None else [name for name, share in taste.categories.items() if share >= _OWN_SHARE]
            for taste in (one.preferences.taste for one in self.asked)
        ]
        far = ~(self.near[:, :strong] | self.barred[:, :strong] | self._in(own, strong))
        far &= ranked[:strong]
        far &= self.liked[:, :strong] <= 0
        wanted = [
            row
            for row, (one, its) in enumerate(zip(self.asked, own, strict=True))
            if one.preferences.outside and (one.preferences.categories or its) and one.preferences.paper_count >= 2
        ]
        first: list[int] = far.argmax(axis=1).tolist()
        return {row: first[row] for row in wanted if far[row, first[row]]}

    def _reasons(self, chosen: Sequence[Sequence[int]]) -> list[list[Why | None]]:
        """Say why each chosen paper is there: taste where it adds more than what is said already, and has words."""
        cards = self.index.issue.cards
        rows = np.repeat(np.arange(len(chosen)), [len(places) for places in chosen])
        flat = rows * len(cards) + np.array([place for places in chosen for place in places], dtype=np.int64)
        met, adding = iter(self.met.ravel()[flat].tolist()), iter(self.liked.ravel()[flat].tolist())
        reasons: list[list[Why | None]] = []
        liked: list[tuple[Chosen, int]] = []
        for row, (one, places) in enumerate(zip(self.asked, chosen, strict=True)):
            interests, its = one.preferences.interests, []
            for at, place in enumerate(places):
                number = next(met)
                reason = reason_for(one, cards[place], interests[-number % _FIRST - 1] if number else None)
                added = next(adding)
                if added > 0 and added > (_OUTDONE.get(reason.kind, np.inf) if reason is not None else 0.0):
                    liked.append(((row, at), place))
                its.append(reason)
            reasons.append(its)
        for (row, at), why in tell(self.index.words, [one.preferences.taste for one in self.asked], liked):
            reasons[row][at] = why
        return reasons


def _has_wishes(preferences: Preferences) -> bool:
    """Tell whether a reader wants anything in particular; else the issue's own order is theirs."""
    if preferences.categories:
        return True
    wanted = any(one.kind not in (InterestKind.EXCLUSION, InterestKind.PAPER) for one in preferences.interests)
    return wanted or bool(preferences.taste and preferences.taste.papers)
