"""One issue and readers' preferences, cut to their editions."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from digest.core.interests import Interest
from digest.core.issue import Card, Issue
from digest.core.reading import Taste
from digest.core.why import Why, WhyKind, sentence

if TYPE_CHECKING:
    from digest.core.issue_index import IssueIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a reader asked for and likes: categories (none means all), how many papers, and the rest if anything.

    `outside` asks for one paper from outside the usual.
    """

    categories: tuple[str, ...] = ()
    paper_count: int = 10
    interests: tuple[Interest, ...] = ()
    taste: Taste | None = None
    outside: bool = False


class Pick(NamedTuple):
    """A card in an edition, its place there, and the strongest reason why it is there for this reader, if any."""

    place: int
    card: Card
    reason: Why | None = None

    @property
    def why(self) -> str:
        """The reason as a sentence; empty if there is none."""
        return sentence(self.reason) if self.reason is not None else ""

    @property
    def outside(self) -> bool:
        """Whether it is the one from outside the reader's usual."""
        return self.reason is not None and self.reason.kind is WhyKind.OUTSIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One reader's cut of an issue; an editor's `subject` and `preheader` stand in place of the mail's own."""

    issued_on: date
    picks: tuple[Pick, ...]
    topics: tuple[str, ...] = ()
    note: str = ""
    subject: str = ""
    preheader: str = ""


class Asked(NamedTuple):
    """One reader's preferences, the ids of papers they had before, and of those that come back: a new version."""

    preferences: Preferences
    already_sent: Set[int] = frozenset()
    revised: Set[int] = frozenset()


def tailor(issue: Issue | IssueIndex, preferences: Preferences, already_sent: Set[int] = frozenset()) -> Edition:
    """Cut an issue to one reader. An issue alone is known by its cards; an index also by abstracts and prints.

    `already_sent` holds paper ids. The edition may be empty; the caller decides what that means.
    """
    return tailor_many(issue, [Asked(preferences, already_sent)])[0]


def tailor_many(issue: Issue | IssueIndex, asked: Sequence[Asked]) -> list[Edition]:
    """Cut an issue to many readers, each as if alone: an edition for each, in order."""
    from digest.core.cutting import cut  # noqa: PLC0415 - numpy comes with the first edition
    from digest.core.issue_index import IssueIndex  # noqa: PLC0415

    return cut(IssueIndex(issue) if isinstance(issue, Issue) else issue, asked)
