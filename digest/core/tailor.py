"""One issue and one reader's preferences, cut to that reader's edition."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date

from digest.core.issue import Card, Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a reader asked for: categories (none means all) and how many papers."""

    categories: tuple[str, ...] = ()
    paper_count: int = 10


@dataclass(frozen=True, slots=True)
class Pick:
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
    for card in issue.cards:
        if len(picks) == preferences.paper_count:
            break
        if card.paper_id in already_sent:
            continue
        matched = [category for category in card.categories if category in wanted]
        if wanted and not matched:
            continue
        why = f"You follow {matched[0]}" if matched else ""
        picks.append(Pick(place=len(picks) + 1, card=card, why=why))
    return Edition(issued_on=issue.issued_on, picks=tuple(picks), topics=preferences.categories, note=issue.note)
