"""What a reader's taste looks at in a paper, and what a reader has said about it. Light: the sender may import it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from digest.core.prints import Print
from digest.core.text import title_key

SCALE = 4096.0  # the length of a taste and of a print: with whole weights, any sum of products is exact in 32 bits


@dataclass(frozen=True, slots=True)
class Writing:
    """A paper's words and categories, and never its authors."""

    paper_id: str
    title: str
    abstract: str = ""
    categories: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The title and the abstract."""
        return f"{self.title}\n{self.abstract}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a reader's taste; all of it may be empty.

    `liked` holds paper ids, `follows` categories, `searches` phrases, and `excludes` phrases or categories.
    """

    liked: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taste:
    """What a reader likes, as learned from `papers` papers by `core/liking.py`.

    `words` holds places, ascending, as little-endian int32; `weights` a whole number as float32 for each, together
    of length SCALE. `categories` are the shares of the liked papers' categories. `terms` are the words that say most,
    for people to read; those that were struck out weigh 0.
    """

    words: bytes = b""
    weights: bytes = b""
    categories: Mapping[str, float] = field(default_factory=dict)
    terms: Mapping[str, float] = field(default_factory=dict)
    papers: int = 0


@dataclass(frozen=True, slots=True)
class Beyond:
    """What is known of a card's paper beside the card: its abstract, its print, and under whom sources list it.

    `credited` holds the slugs of authors.
    """

    abstract: str = ""
    words: Print | None = None
    credited: tuple[str, ...] = ()


def is_excluded(paper: Writing, excludes: Iterable[str]) -> bool:
    """Tell whether a paper is in an excluded category, or holds an excluded phrase as whole words, in any case."""
    named = [phrase.strip() for phrase in excludes if phrase.strip()]
    if not named:
        return False
    if {category.casefold() for category in paper.categories} & {phrase.casefold() for phrase in named}:
        return True
    text = f" {title_key(paper.text)} "
    return any(f" {key} " in text for key in map(title_key, named) if key)
