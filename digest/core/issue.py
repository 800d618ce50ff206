"""An issue: the dated, frozen ranking of one day, and the cards it is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from digest.core.trend import Part


class IssueState(StrEnum):
    """Where an issue stands; a draft is never stored."""

    DRAFT = "draft"
    FROZEN = "frozen"
    SENDING = "sending"
    COMPLETE = "complete"
    HELD = "held"


TRANSITIONS: dict[IssueState, frozenset[IssueState]] = {
    IssueState.DRAFT: frozenset({IssueState.FROZEN}),
    IssueState.FROZEN: frozenset({IssueState.SENDING, IssueState.HELD}),
    IssueState.SENDING: frozenset({IssueState.COMPLETE, IssueState.HELD}),
    # Released, a held issue returns to where it was held: before its first message or in the midst of them.
    IssueState.HELD: frozenset({IssueState.FROZEN, IssueState.SENDING}),
    IssueState.COMPLETE: frozenset({IssueState.SENDING}),  # only when an admin resends what was in doubt
}


_APART = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A paper as an issue shows it: a snapshot, so that a frozen issue never changes.

    `path` is the paper's address on the site, from the root. Outside URLs are http or https, or empty.
    `authors` holds every known author in order; how many are shown is the template's affair.
    `percentile` is 0 to 100 within the primary category. `simulated` marks evidence that the demo made up.
    `novelty`, 0 to 100, is no part of the score: it says how unlike earlier papers' words this one's are.
    `watched` marks a card beyond the ranking: the issue has it for the readers who watch for such a paper.
    `pinned` marks a card that an editor has put where it stands, for every reader who does not exclude it.
    """

    paper_id: int
    rank: int
    title: str
    path: str
    arxiv_id: str | None = None
    primary_category: str = ""
    categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    authors_complete: bool = True
    labs: tuple[str, ...] = ()
    listed_on: date | None = None
    has_code: bool = False
    code_url: str = ""
    discussion_url: str = ""
    project_url: str = ""
    score: float = 0.0
    percentile: float | None = None
    evidence: str = ""
    parts: tuple[Part, ...] = ()
    summary: str = ""
    simulated: bool = False
    novelty: float | None = None
    watched: bool = False
    pinned: bool = False

    @property
    def stands_apart(self) -> bool:
        """Whether its words are further from earlier papers' than those of nine papers in ten."""
        return self.novelty is not None and self.novelty >= _APART

    @property
    def abs_url(self) -> str:
        """The paper's page at arXiv, or an empty string."""
        return f"https://arxiv.org/abs/{self.arxiv_id}" if self.arxiv_id else ""

    @property
    def pdf_url(self) -> str:
        """The paper's PDF at arXiv, or an empty string."""
        return f"https://arxiv.org/pdf/{self.arxiv_id}" if self.arxiv_id else ""

    def as_plain(self) -> dict[str, Any]:
        """Return the card as plain values for a JSON column."""
        plain = asdict(self)
        if self.novelty is None:
            del plain["novelty"]  # cards frozen before there was one have no such field, and their hash stands
        if not self.watched:
            del plain["watched"]
        if not self.pinned:
            del plain["pinned"]
        plain["parts"] = [part._asdict() for part in self.parts]
        plain["listed_on"] = self.listed_on.isoformat() if self.listed_on else None
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Card:
        """Rebuild a card from what `as_plain` returned, after a round trip through JSON."""
        fields = dict(plain)
        fields["listed_on"] = date.fromisoformat(plain["listed_on"]) if plain["listed_on"] else None
        fields["parts"] = tuple(Part(**part) for part in plain["parts"])
        for name in ("categories", "authors", "labs"):
            fields[name] = tuple(plain[name])
        return cls(**fields)


@dataclass(frozen=True, kw_only=True)
class Issue:
    """The ranking of one day; `cards` are in rank order, `cut_off` is the last instant (UTC) that counts.

    `subject` and `preheader` are an editor's, for every reader's mail; empty, each mail has its own.
    """

    issued_on: date
    cut_off: datetime
    cards: tuple[Card, ...]
    note: str = ""
    subject: str = ""
    preheader: str = ""

    @cached_property
    def places(self) -> Mapping[str, tuple[int, ...]]:
        """Where in `cards` the papers of each category are, in rank order."""
        places: dict[str, list[int]] = {}
        for place, card in enumerate(self.cards):
            for category in dict.fromkeys(card.categories):
                places.setdefault(category, []).append(place)
        return {category: tuple(those) for category, those in places.items()}

    @property
    def content_hash(self) -> str:
        """SHA-256 over everything the issue shows, in hexadecimal."""
        cards = [card.as_plain() for card in self.cards]
        return content_hash(
            self.issued_on, self.cut_off, self.note, cards, subject=self.subject, preheader=self.preheader
        )


def content_hash(
    issued_on: date,
    cut_off: datetime,
    note: str,
    cards: Sequence[Mapping[str, Any]],
    *,
    subject: str = "",
    preheader: str = "",
) -> str:
    """Return the SHA-256, in hexadecimal, over an issue whose cards are given as `Card.as_plain` made them."""
    content = {"issued_on": issued_on.isoformat(), "cut_off": cut_off.isoformat(), "note": note, "cards": list(cards)}
    # Issues frozen before there were such lines have none, and their hash stands.
    content |= {name: words for name, words in (("subject", subject), ("preheader", preheader)) if words}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
