"""Text from outside made comparable: keys and slugs."""

from __future__ import annotations

import re
import unicodedata

_NOT_WORD = re.compile(r"[\W_]+")


def title_key(text: str) -> str:
    """Normalise a title for comparison: case-folded words, without accents or punctuation, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return _NOT_WORD.sub(" ", bare.casefold()).strip()


def slug(text: str, *, limit: int = 80) -> str:
    """Make an ASCII slug of at most `limit` characters, cut between words; empty if nothing is left."""
    ascii_words = title_key(text).encode("ascii", "ignore").decode().split()
    kept = ""
    for word in ascii_words:
        longer = f"{kept}-{word}" if kept else word
        if len(longer) > limit:
            break
        kept = longer
    return kept or "".join(ascii_words)[:limit]
