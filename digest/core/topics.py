"""The topics by which a paper can be muted: its categories, its keywords, and the telling words of its title."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

from digest.core.prints import is_telling
from digest.core.text import title_key

_KEYWORDS, _PHRASES, _WORDS = 6, 3, 4  # at most so many of each are offered


def topics(
    title: str,
    categories: Sequence[str],
    keywords: Sequence[str],
    *,
    gets: Collection[str] = (),
    common: Callable[[str], int] = len,
) -> tuple[str, ...]:
    """Return what can be muted because of a paper, the narrowest first; each once.

    Categories are those that the reader `gets`; none of these means all. `common` says how common a folded word is:
    the rarest words of the title are offered, and pairs of telling words that stand together.
    """
    telling = [word for word in title_key(title).split() if is_telling(word) and not word.isdigit()]
    words = title_key(title).split()
    pairs = [f"{first} {second}" for first, second in pairwise(words) if first in telling and second in telling]
    pairs.sort(key=lambda pair: sum(map(common, pair.split())))
    rarest = sorted(dict.fromkeys(word for word in telling if len(word) > 2), key=common)
    offered = [
        *(" ".join(keyword.split()) for keyword in keywords[:_KEYWORDS]),
        *pairs[:_PHRASES],
        *rarest[:_WORDS],
        *(category for category in categories if not gets or category in gets),
    ]
    first: dict[str, str] = {}
    for topic in offered:
        first.setdefault(title_key(topic), topic)
    first.pop("", None)
    return tuple(first.values())
