"""Why a paper is in a reader's edition, from the parts of that reader's own score, and how it is said."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class WhyKind(StrEnum):
    """What speaks for a paper most."""

    AUTHOR = "author"
    LAB = "lab"
    REVISED = "revised"
    KEYWORD = "keyword"
    SEARCH = "search"
    LIKED = "liked"
    CATEGORY = "category"
    OUTSIDE = "outside"


class Why(NamedTuple):
    """A reason: its kind, and the name, phrase, category or words that it is about (may be empty)."""

    kind: WhyKind
    words: tuple[str, ...] = ()


_SAID = {
    WhyKind.AUTHOR: "By {}, whom you follow",
    WhyKind.LAB: "From {}, which you follow",
    WhyKind.REVISED: "A new version of a paper you saved",
    WhyKind.KEYWORD: "On {}, which you follow",
    WhyKind.SEARCH: "On {}, which you look for",
    WhyKind.LIKED: "Close to papers you liked: {}",
    WhyKind.CATEGORY: "You follow {}",
    WhyKind.OUTSIDE: "Outside your usual",
}


@lru_cache(maxsize=20_000)
def sentence(why: Why) -> str:
    """Say a reason in English, without a final stop."""
    if why.kind is WhyKind.LIKED and not why.words:
        return "Close to papers you liked"
    return _SAID[why.kind].format(", ".join(why.words))
