"""An issue's cards in columns, so that a few hundred readers can be compared with all of them at once."""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from digest.core.interests import Interest, InterestKind
from digest.core.issue import Issue
from digest.core.issue_words import IssueWords, Places, Values
from digest.core.liking import Rarity
from digest.core.names import author_slug, lab_slug
from digest.core.prints import PLACES
from digest.core.reading import Beyond, Taste
from digest.core.text import title_key

_PHRASES_KEPT = 20_000
_UNUSUAL = 0.02  # beside a category's share among liked papers, so that a new category is no impossibility
_STEPS = 256.0  # to the unit of a logarithm: as whole numbers their sums are exact
_COMMONNESS, _CATEGORIES = 0.5, 0.7  # beside the likeness of words, in standard deviations; see docs/tailoring.md
_SAME = 1e-9  # a deviation no larger than this is none
_Key = TypeVar("_Key")
_NOWHERE = np.zeros(0, dtype=np.int64)


class IssueIndex:
    """What tailoring asks of an issue; `beyond` holds by paper id what is known beside the cards."""

    def __init__(self, issue: Issue, beyond: Mapping[int, Beyond] | None = None, rarity: Rarity | None = None) -> None:
        self.issue = issue
        self._beyond = beyond or {}
        self._rarity = rarity or Rarity(1, bytes(4 * PLACES))
        self._found: dict[tuple[InterestKind, str], Places] = {}
        self._phrases: dict[str, Places] = {}  # what is a keyword to one reader, another excludes
        self.ranked: NDArray[np.bool_] = np.array([not card.watched for card in issue.cards], dtype=bool)
        self._all_ranked = bool(self.ranked.all())
        self.pinned: Places = np.array([at for at, card in enumerate(issue.cards) if card.pinned], dtype=np.int64)
        # A place is never better than the one before: the issue's own order stands. A pin counts as the card before it.
        scores = np.array([card.score for card in issue.cards], dtype=np.float64)
        if len(self.pinned):
            scores[self.pinned] = scores.max()
        self.trend = self.standard(np.minimum.accumulate(scores))

    def __len__(self) -> int:
        """The number of cards."""
        return len(self.issue.cards)

    def standard(self, values: Values) -> Values:
        """Shift and scale values, in rows or one, so that those of the ranked cards have mean 0 and deviation 1.

        Values that are all the same become 0.
        """
        if not self.ranked.any():
            return np.zeros(values.shape)
        among = values if self._all_ranked else np.ascontiguousarray(values[..., self.ranked])
        mean = among.mean(axis=-1, keepdims=True)
        apart = values - mean
        squares = np.square(apart if self._all_ranked else among - mean)
        spread = np.sqrt(squares.mean(axis=-1, keepdims=True))
        apart *= spread > _SAME
        apart /= np.maximum(spread, _SAME)
        return np.asarray(apart)

    @cached_property
    def place_of(self) -> dict[int, int]:
        """Where each paper stands."""
        return {card.paper_id: place for place, card in enumerate(self.issue.cards)}

    @cached_property
    def papers(self) -> frozenset[int]:
        """The ids of the papers."""
        return frozenset(self.place_of)

    @cached_property
    def in_category(self) -> dict[str, Places]:
        """Where the papers of each category stand."""
        return {name: np.array(places) for name, places in self.issue.places.items()}

    @cached_property
    def column_of(self) -> dict[str, int]:
        """Which row of `inside` is each category's, and which column of what is multiplied with it."""
        return {name: column for column, name in enumerate(self.in_category)}

    @cached_property
    def inside(self) -> NDArray[np.float32]:
        """Which papers are in each category, 1 or 0: a row for each."""
        found = np.zeros((len(self.in_category), len(self)), dtype=np.float32)
        for row, places in enumerate(self.in_category.values()):
            found[row, places] = 1.0
        return found

    @cached_property
    def categories_of(self) -> Places:
        """Which rows of `inside` are each paper's, in its own order, and after them the number of the rows."""
        own = [[self.column_of[name] for name in card.categories] for card in self.issue.cards]
        found = np.full((len(own), max(map(len, own), default=0) + 1), len(self.column_of), dtype=np.int64)
        for place, its in enumerate(own):
            found[place, : len(its)] = its
        return found

    def find(self, interests: Iterable[Interest]) -> list[Places]:
        """Return where the papers stand that each interest names; each distinct one is looked for once."""
        found = self._found
        return [self._find(one) if (its := found.get((one.kind, one.key))) is None else its for one in interests]

    def _find(self, interest: Interest) -> Places:
        places = np.asarray(self._look_for(interest.kind, interest.key), dtype=np.int64)
        return _keep(self._found, (interest.kind, interest.key), places)

    def _look_for(self, kind: InterestKind, key: str) -> Sequence[int] | Places:
        match kind:
            case InterestKind.AUTHOR:
                return self._by_author.get(key, ())
            case InterestKind.LAB:
                return self._by_lab.get(key, ())
            case InterestKind.KEYWORD:
                return self._with_phrase(key)
            case InterestKind.SEARCH:
                return self._with_words(key) if " " in key else self._with_phrase(key)
            case InterestKind.EXCLUSION:
                inside = self._by_category_key.get(key)
                return sorted({*self._with_phrase(key), *inside}) if inside else self._with_phrase(key)
            case InterestKind.PAPER:
                return ()

    @cached_property
    def _texts(self) -> list[str]:
        # What is shown counts as well: an abstract may have changed since the issue was frozen.
        nothing = Beyond()
        shown = (
            f"{card.title}\n{self._beyond.get(card.paper_id, nothing).abstract}\n{card.summary}"
            for card in self.issue.cards
        )
        return [f" {title_key(text)} " for text in shown]

    @cached_property
    def _with_word(self) -> dict[str, int]:
        """The cards that hold each word, as the bits of a number."""
        found: dict[str, int] = defaultdict(int)
        for place, text in enumerate(self._texts):
            for word in set(text.split()):
                found[word] |= 1 << place
        return dict(found)

    def _with_words(self, key: str) -> Places:
        held = -1
        for word in key.split():
            held &= self._with_word.get(word, 0)
        if held <= 0:
            return _NOWHERE
        return np.flatnonzero(
            np.unpackbits(np.frombuffer(held.to_bytes(len(self) // 8 + 1, "little"), np.uint8), bitorder="little")
        )

    def _with_phrase(self, key: str) -> Places:
        found = self._phrases.get(key)
        return _keep(self._phrases, key, self._look_for_phrase(key)) if found is None else found

    def _look_for_phrase(self, key: str) -> Places:
        words = key.split()
        if len(words) < 2:
            return self._with_words(key)
        pairs, whose = self._pairs
        first = np.uint32(_hashed(words[0], words[1]))
        among = sorted(whose[pairs.searchsorted(first) : pairs.searchsorted(first, side="right")].tolist())
        return np.array([place for place in among if f" {key} " in self._texts[place]], dtype=np.int64)

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
        """The neighbouring words of all texts, hashed, ascending; and which card each is from."""
        of_card = [np.array(list({_hashed(*two) for two in pairwise(text.split())}), np.uint32) for text in self._texts]
        pairs = np.concatenate([np.zeros(0, np.uint32), *of_card])
        order = np.argsort(pairs, kind="stable")
        return pairs[order], np.repeat(np.arange(len(of_card), dtype=np.int32), [len(its) for its in of_card])[order]

    @cached_property
    def _by_author(self) -> dict[str, list[int]]:
        return _inverted(
            {*map(author_slug, card.authors), *self._beyond[card.paper_id].credited}
            if card.paper_id in self._beyond
            else set(map(author_slug, card.authors))
            for card in self.issue.cards
        )

    @cached_property
    def _by_lab(self) -> dict[str, list[int]]:
        return _inverted({lab_slug(lab) for lab in card.labs} for card in self.issue.cards)

    @cached_property
    def _by_category_key(self) -> dict[str, list[int]]:
        return _inverted({title_key(category) for category in card.categories} for card in self.issue.cards)

    @cached_property
    def words(self) -> IssueWords:
        """The papers' words."""
        known = (self._beyond.get(card.paper_id) for card in self.issue.cards)
        return IssueWords([its.words if its else None for its in known], self._rarity)

    @property
    def is_printed(self) -> bool:
        """Whether any paper's words are known."""
        return self.words.is_printed

    @property
    def alike(self) -> NDArray[np.float32]:
        """How alike each two papers are by their words, 0 to 1."""
        return self.words.alike

    @cached_property
    def commonness(self) -> Values:
        """How much a paper is like any other, standardised: what is common to all says nothing of a reader."""
        return self.standard(self.words.commonness)

    def liking(self, tastes: Sequence[Taste]) -> Values:
        """Return how much readers would like each paper, a row each, standardised over the ranked cards."""
        known = [
            (np.frombuffer(taste.words, dtype="<i4"), np.frombuffer(taste.weights, dtype="<f4")) for taste in tastes
        ]
        likeness = self.standard(self.words.products(known)) - _COMMONNESS * self.commonness
        return self.standard(likeness + _CATEGORIES * self.standard(self._usual(tastes)))

    def _usual(self, tastes: Sequence[Taste]) -> Values:
        """Return how usual the papers' categories are to readers: the mean of the logarithms of their shares."""
        shares = np.full((len(tastes), len(self.column_of)), _logarithm(0.0), dtype=np.float32)
        named = [
            (row, self.column_of[name], _logarithm(share))
            for row, taste in enumerate(tastes)
            for name, share in taste.categories.items()
            if name in self.column_of
        ]
        if named:
            rows, columns, logarithms = zip(*named, strict=True)
            shares[rows, columns] = logarithms
        number = self.inside.sum(axis=0)
        mean = (shares @ self.inside).astype(np.float64) / np.maximum(number, 1)
        return np.asarray(np.where(number > 0, mean, _logarithm(0.0)))


def _keep(kept: dict[_Key, Places], key: _Key, places: Places) -> Places:
    if len(kept) >= _PHRASES_KEPT:
        kept.clear()
    kept[key] = places
    return places


def _hashed(word: str, following: str) -> int:
    return zlib.crc32(f"{word} {following}".encode("utf-8", "replace"))


def _inverted(keys: Iterable[Iterable[str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for place, its in enumerate(keys):
        for key in its:
            found[key].append(place)
    return dict(found)


@lru_cache(maxsize=10_000)
def _logarithm(share: float) -> float:
    return math.floor(math.log(share + _UNUSUAL) * _STEPS)
