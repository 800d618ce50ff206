"""One issue and one reader's preferences, cut to that reader's edition."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from digest.core.issue import Card, Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a reader asked for: categories (none means all) and how many papers."""

    categories: tuple[str, ...] = ()
    paper_count: int = 10


class Pick(NamedTuple):
    """A card in an edition, its place there, and why it is there for this reader (may be empty)."""

    place: int
    card: Card
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One reader's cut of an issue."""

    issued_on: date
    picks: tuple[Pick, ...]
    topics: tuple[str, ...] = ()
    note: str = ""


def tailor(issue: Issue, preferences: Preferences, already_sent: Set[int] = frozenset()) -> Edition:
    """Cut an issue to one reader: their categories, in rank order, nothing they were sent before.

    `already_sent` holds paper ids. The edition may be empty; the caller decides what that means.
    """
    wanted = set(preferences.categories)
    picks: list[Pick] = []
    for place in _places(issue, wanted):
        if len(picks) == preferences.paper_count:
            break
        card = issue.cards[place]
        if card.paper_id in already_sent:
            continue
        matched = next((category for category in card.categories if category in wanted), "")
        picks.append(Pick(place=len(picks) + 1, card=card, why=f"You follow {matched}" if matched else ""))
    return Edition(issued_on=issue.issued_on, picks=tuple(picks), topics=preferences.categories, note=issue.note)


def _places(issue: Issue, wanted: Set[str]) -> Iterable[int]:
    """Where the papers of the wanted categories are, in rank order; none wanted means all."""
    if not wanted:
        return range(len(issue.cards))
    return sorted({place for category in wanted for place in issue.places.get(category, ())})
