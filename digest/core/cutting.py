"""Editions cut for many readers at once: what is barred, what is followed, what is liked, what is apart.

How it is done, in words and with an example: docs/tailoring.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, islice

import numpy as np
from numpy.typing import NDArray

from digest.core.collector import without_collector
from digest.core.interests import InterestKind
from digest.core.issue_index import IssueIndex
from digest.core.issue_words import Places, Values
from digest.core.reasons import OUTSIDE, REVISED, in_category, meeting, tell
from digest.core.tailor import Asked, Edition, Pick, Preferences
from digest.core.variety import varied
from digest.core.why import Why

# In standard deviations of the trend over the issue; see docs/tailoring.md.
_MATCHED = 1.0  # what a keyword or a search counts for
# How much of the blend is taste: this most, with many papers to learn from, and half of it with this few.
_MOST_TASTE, _HALF_TASTE = 0.8, 1.0
# A followed author's papers go first, then a followed lab's, then new versions of saved ones: no blend is so high.
_RANKS = {
    InterestKind.EXCLUSION: 0,
    InterestKind.PAPER: 0,
    InterestKind.KEYWORD: 1,
    InterestKind.SEARCH: 1,
    InterestKind.LAB: 2,
    InterestKind.AUTHOR: 3,
}
_TIERS = np.array([0.0, 0.0, 1_000.0, 2_000.0])  # by these ranks
_FIRST = 2**16  # of two interests of a rank the first is met: their numbers are counted down from here
_REVISED = 500.0
_PINNED = 1e6  # what an editor has pinned goes before all, in the issue's order ...
_STEP_OF_PINS = 100.0  # ... which likeness does not change
_STRONG = 4  # the first quarter of an issue has a strong trend ...
_STRONG_AT_LEAST = 10  # ... and so have its first papers
_OWN_SHARE = 0.1  # of the liked papers: a category with less is none of a reader's own
_CELLS = 128_000  # readers times cards that are compared at once, a sender's chunk; with more, more memory for little

Mask = NDArray[np.bool_]
# What taste must add to be the reason in place of another; no taste outdoes somebody who is followed.
_OUTDONE_CATEGORY = 0.25
_OUTDONE = np.array([0.0, _MATCHED, np.inf, np.inf])  # by these ranks


def cut(index: IssueIndex, asked: Sequence[Asked]) -> list[Edition]:
    """Cut an issue to readers: an edition for each, whoever else is cut with them."""
    if not len(index):
        return [_edition(index, one.preferences, ()) for one in asked]
    step = max(1, _CELLS // len(index))
    editions: list[Edition] = []
    with without_collector():
        for start in range(0, len(asked), step):
            editions += _Table(index, asked[start : start + step]).editions()
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
    followed: Mask = field(init=False)  # the categories that a reader follows; the last column is always true
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

    def _named(self, categories: Sequence[Sequence[str]]) -> Mask:
        """Lay out which categories are named for each row: a column for each, and one more for none of them."""
        column_of = self.index.column_of
        width = len(column_of) + 1
        named = np.zeros((len(categories), width), dtype=bool)
        named[:, -1] = True
        named.ravel()[
            [row * width + column_of[name] for row, its in enumerate(categories) for name in its if name in column_of]
        ] = True
        return named

    def _in(self, named: Mask, most: int) -> Mask:
        """Tell which of the first cards are in any of the categories that are named for each row."""
        return np.asarray(named[:, :-1].astype(np.float32) @ self.index.inside[:, :most] > 0)

    def _follow(self) -> None:
        """Let readers have what is in the categories they follow."""
        categories = [one.preferences.categories for one in self.asked]
        self.followed = self._named(categories)
        self.near = self._in(self.followed, len(self.index))
        every = np.array([not its for its in categories])
        self.open = (self.near | every[:, np.newaxis]) & self.index.ranked

    def _meet(self) -> None:
        """Let what readers named count; of several interests in a card the strongest is met, then the first."""
        named = [one.preferences.interests for one in self.asked]
        found = self.index.find(chain.from_iterable(named))
        if not found:
            return
        numbers = np.array([number for its in named for number in range(len(its))], dtype=np.int32)
        ranks = np.array([_RANKS[one.kind] for its in named for one in its], dtype=np.int32)
        starts = np.repeat(np.arange(len(named)) * len(self.index), [len(its) for its in named])
        sizes = np.fromiter(map(len, found), np.int64, len(found))
        flat = np.concatenate(found)
        flat += np.repeat(starts, sizes)
        rank = np.repeat(ranks, sizes)
        self.barred.ravel()[flat[rank == 0]] = True
        met, value = self.met.ravel(), self.value.ravel()
        strength = np.where(ranks > 0, ranks * _FIRST + _FIRST - 1 - numbers, 0)
        np.maximum.at(met, flat, np.repeat(strength, sizes))
        value[flat[rank == 1]] += _MATCHED
        first = np.flatnonzero(met >= 2 * _FIRST)
        value[first] += _TIERS[met[first] // _FIRST]
        is_met = self.met > 0
        self.open |= is_met
        self.near |= is_met

    def _let_pass(self) -> None:
        """Bar what readers had before, unless it comes back."""
        place_of, papers = self.index.place_of, self.index.papers
        gone: list[int] = []
        counts: list[int] = []
        for row, one in enumerate(self.asked):
            had = one.already_sent & papers
            if one.revised:
                had -= one.revised
                coming = [place_of[paper] for paper in one.revised & papers]
                self.open[row, coming] = self.near[row, coming] = True
                self.value[row, coming] += _REVISED
            gone += map(place_of.__getitem__, had)
            counts.append(len(had))
        self.barred[np.repeat(np.arange(len(counts)), counts), gone] = True

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
        for row, place in outside.items():
            if chosen[row]:  # a paper from outside the usual is no digest by itself
                chosen[row].append(place)
        sizes = [len(places) for places in chosen]
        rows, places = np.repeat(np.arange(len(sizes)), sizes), np.array(list(chain.from_iterable(chosen)), np.int64)
        reasons = self._reasons(rows, places)
        for row, last in zip(range(len(sizes)), accumulate(sizes), strict=True):
            if row in outside and sizes[row]:
                reasons[last - 1] = OUTSIDE
        at = chain.from_iterable(range(1, size + 1) for size in sizes)
        cards = self.index.issue.cards
        picks = map(Pick._make, zip(at, map(cards.__getitem__, chain.from_iterable(chosen)), reasons, strict=True))
        return [
            _edition(self.index, one.preferences, tuple(islice(picks, size)))
            for one, size in zip(self.asked, sizes, strict=True)
        ]

    def _outside(self) -> dict[int, int]:
        """Find by row the strongest paper from outside a reader's usual, where there is a usual to be outside of."""
        ranked = self.index.ranked
        strong = max(int(ranked.sum()) // _STRONG, _STRONG_AT_LEAST)
        own = [
            () if taste is None else [name for name, share in taste.categories.items() if share >= _OWN_SHARE]
            for taste in (one.preferences.taste for one in self.asked)
        ]
        far = ~(self.near[:, :strong] | self.barred[:, :strong] | self._in(self._named(own), strong))
        far &= ranked[:strong]
        far &= self.liked[:, :strong] <= 0
        wanted = [
            row
            for row, (one, its) in enumerate(zip(self.asked, own, strict=True))
            if one.preferences.outside and (one.preferences.categories or its) and one.preferences.paper_count >= 2
        ]
        first: list[int] = far.argmax(axis=1).tolist()
        return {row: first[row] for row in wanted if far[row, first[row]]}

    def _reasons(self, rows: Places, places: Places) -> list[Why | None]:
        """Say why each chosen paper is there: taste where it adds more than what is said already, and has words."""
        cards = self.index.issue.cards
        met, adding = self.met[rows, places], self.liked[rows, places]
        rank = met // _FIRST
        category = self._categories(rows, places)
        said = [*map(in_category, self.index.column_of), None]
        reasons = [said[column] for column in category.tolist()]
        outdone = _OUTDONE[rank]
        outdone[(category < len(said) - 1) & (rank == 0)] = _OUTDONE_CATEGORY
        followed = np.flatnonzero(rank)
        for pick, row, place, number in zip(
            followed.tolist(),
            rows[followed].tolist(),
            places[followed].tolist(),
            (_FIRST - 1 - met[followed] % _FIRST).tolist(),
            strict=True,
        ):
            reasons[pick] = meeting(self.asked[row].preferences.interests[number], cards[place])
        if any(one.revised for one in self.asked):
            for pick, (row, place) in enumerate(zip(rows.tolist(), places.tolist(), strict=True)):
                if cards[place].paper_id in self.asked[row].revised:
                    reasons[pick] = REVISED  # also by somebody followed: a paper that comes again says why it does
                    outdone[pick] = np.inf
        liked = np.flatnonzero(adding > outdone)
        tastes = [one.preferences.taste for one in self.asked]
        for at, why in tell(self.index.words, tastes, rows[liked], places[liked]):
            reasons[liked[at]] = why
        return reasons

    def _categories(self, rows: Places, places: Places) -> Places:
        """Find the first category of each chosen paper that its reader follows; without one, the number of them all."""
        own = self.index.categories_of[places]
        return np.asarray(own[np.arange(len(own)), self.followed[rows[:, np.newaxis], own].argmax(axis=1)])


def _has_wishes(preferences: Preferences) -> bool:
    """Tell whether a reader wants anything in particular; else the issue's own order is theirs."""
    if preferences.categories:
        return True
    wanted = any(one.kind not in (InterestKind.EXCLUSION, InterestKind.PAPER) for one in preferences.interests)
    return wanted or bool(preferences.taste and preferences.taste.papers)
