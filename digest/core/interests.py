"""What a reader says they are interested in, or are not, beside categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from digest.core.names import author_slug, lab_slug
from digest.core.text import title_key

LONGEST_WORDS = 200  # characters of one interest


class InterestKind(StrEnum):
    """What an interest names: words in a text, a person, a place, a search, or a paper to start from."""

    KEYWORD = "keyword"
    EXCLUSION = "exclusion"  # a phrase or a category: absolute, whatever else is known
    AUTHOR = "author"
    LAB = "lab"
    SEARCH = "search"
    PAPER = "paper"  # a canonical arXiv id or the slug of a paper, which need not be known yet


@dataclass(frozen=True, slots=True, order=True)
class Interest:
    """One interest: `key` is what it is compared by, `words` as the reader wrote it."""

    kind: InterestKind
    key: str
    words: str


def interest_of(kind: InterestKind, words: str) -> Interest | None:
    """Read what a reader wrote as an interest; None where no word is left of it.

    Keywords, exclusions and searches are compared by their folded words, authors and labs by their slugs. A PAPER's
    words must be its canonical arXiv id or slug already.
    """
    kept = " ".join(words.split())[:LONGEST_WORDS]
    if not title_key(kept):
        return None
    match kind:
        case InterestKind.AUTHOR:
            key = author_slug(kept)
        case InterestKind.LAB:
            key = lab_slug(kept)
        case InterestKind.PAPER:
            key = kept
        case _:
            key = title_key(kept)
    return Interest(kind, key, kept)


def distinct(interests: Iterable[Interest]) -> tuple[Interest, ...]:
    """Keep the first interest of each kind and key, in the order given."""
    return tuple({(one.kind, one.key): one for one in reversed(list(interests))}.values())[::-1]
