"""What a reader's taste looks at in a paper, and what a reader has said about it. Light: the sender may import it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from digest.core.text import title_key


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


def is_excluded(paper: Writing, excludes: Iterable[str]) -> bool:
    """Tell whether a paper is in an excluded category, or holds an excluded phrase as whole words, in any case."""
    named = [phrase.strip() for phrase in excludes if phrase.strip()]
    if not named:
        return False
    if {category.casefold() for category in paper.categories} & {phrase.casefold() for phrase in named}:
        return True
    text = f" {title_key(paper.text)} "
    return any(f" {key} " in text for key in map(title_key, named) if key)
