"""Papers alike: the nearest by the words that were read, or else by the words of the title."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from digest.core.text import title_key
from digest.store.search import MOST_WORDS, Query, counts, engine_ranked, statement
from digest.store.texts import neighbours

_FEW = 3
_TELLING = 5
_WIDELY = 3_000  # titles that hold a word which is slow to rank
# They are in every second title and say nothing about it.
_LITTLE = """
    with from through toward towards using based approach method methods model models large language
    learning deep neural network networks data analysis study system systems into over under that
    this what when where which beyond between their more than your
"""
_COMMON = frozenset(_LITTLE.split())


@dataclass(frozen=True, slots=True)
class Alike:
    """Papers like one, nearest first; `by_words` is False where only titles were compared."""

    ids: tuple[int, ...]
    by_words: bool = True


def similar(session: Session, paper_id: int, title: str, *, limit: int = 8) -> Alike:
    """Return the papers nearest to one, itself left out: by title where its words were not read, or say little."""
    near = neighbours(session, paper_id, limit=limit)
    return Alike(near) if len(near) >= _FEW else Alike(alike_titles(session, paper_id, title, limit=limit), False)


def alike_titles(session: Session, paper_id: int, title: str, *, limit: int = 8) -> tuple[int, ...]:
    """Return the papers whose titles share the most telling words with this one, nearest first, itself left out.

    Words that very many titles have are left out: they say little, and they are slow to rank.
    """
    words = [word for word in dict.fromkeys(title_key(title).split()) if len(word) > 3 and word not in _COMMON]
    if not words:
        return ()
    having = counts(session, words[:MOST_WORDS], in_title=True)
    telling = sorted((number, word) for word, number in having.items() if number > 1)[:_TELLING]
    chosen: list[str] = []
    for number, word in telling:
        if chosen and number > _WIDELY:
            break
        chosen.append(word)
    if not chosen:
        return ()
    found = statement(session, Query(tuple(chosen)), loose=True, in_title=True)
    ranked = engine_ranked(session, found, limit + 1)
    return tuple([other for other, _ in ranked if other != paper_id][:limit])
