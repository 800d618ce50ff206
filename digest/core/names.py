"""The addresses of authors and labs: one spelling of a name for every way in which sources write it."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from digest.core.text import slug, title_key


def author_slug(name: str) -> str:
    """Return the address of an author: the name in ASCII, or `author-` and a short hash where nothing is left."""
    return author_words(name)[0]


@lru_cache(maxsize=20_000)
def lab_slug(name: str) -> str:
    """Return the address of a lab: its name in ASCII, or `lab-` and a short hash where nothing is left."""
    return slug(name) or f"lab-{_short_hash(title_key(name))}"


@lru_cache(maxsize=50_000)
def author_words(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the address of an author and the words of the name, as keys."""
    key = title_key(name)
    return slug(key) or f"author-{_short_hash(key)}", tuple(key.split())


def _short_hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]
