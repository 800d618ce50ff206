"""What the words of a title promise: fitted weights for some hundred words, and which of them speak loudest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")
_LONGEST = 500  # characters of a title that are read
_NAMED = 2
# They weigh, because a title's manner says something; but none is named as a reason.
_SMALL_WORDS = frozenset(
    {"all", "an", "any", "beyond", "can", "do", "does", "from", "into", "is", "it", "more", "not", "one", "or"}
    | {"toward", "when", "with", "your"}
)


@lru_cache(maxsize=8_192)  # asked for what it promises, and again for why
def words_of(title: str) -> frozenset[str]:
    """Return the words of a title, each once, in small letters; hyphens bind, single letters do not count."""
    return frozenset(word for word in _WORD.findall(title[:_LONGEST].lower()) if len(word) > 1)


def promise(title: str, weights: Mapping[str, float], usual: float) -> float:
    """Return what a title adds to the expected log growth: its words' weights less the `usual` sum; 0 for no title."""
    words = words_of(title)
    # In the order of the alphabet, so that the sum is the same in every process.
    return sum(weights[word] for word in sorted(words & weights.keys())) - usual if words else 0.0


def telling(title: str, weights: Mapping[str, float]) -> str:
    """Return in words why a title raises the forecast, empty where no word of it does."""
    known = words_of(title) & weights.keys()
    if not known:
        return ""
    raising = sorted((-weights[word], word) for word in known - _SMALL_WORDS if weights[word] > 0)
    named = " and ".join(f"“{word}”" for _weight, word in raising[:_NAMED])
    return f"{named} in the title" if named else ""
