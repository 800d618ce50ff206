"""Queries on fresh papers that some reader watches for: an author or a lab, a keyword or a search."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlmodel import Session

from digest.core.interests import InterestKind
from digest.core.text import title_key
from digest.store.dialects import table_of
from digest.store.interests import watched
from digest.store.paper_rows import in_chunks
from digest.store.tables import PaperAuthor, PaperCredit, PaperLab
from digest.store.texts import texts_of

_KINDS = (InterestKind.AUTHOR, InterestKind.LAB, InterestKind.KEYWORD, InterestKind.SEARCH)
# How many papers beyond the ranking one name or phrase may bring, so that a common word does not fill the issue.
_EACH = {InterestKind.AUTHOR: 50, InterestKind.LAB: 20, InterestKind.KEYWORD: 10, InterestKind.SEARCH: 10}
_Key = tuple[InterestKind, str]


def watched_papers(session: Session, ids: Sequence[int], most: int) -> list[int]:
    """Return those of the papers that some reader watches for, in the order given, at most so many.

    What followed authors wrote comes in before all else, then what is from followed labs.
    """
    keys = watched(session, _KINDS)
    if not ids or not any(keys.values()):
        return []
    hits: dict[int, set[_Key]] = defaultdict(set)
    for paper_id, key in _written(session, ids, keys):
        hits[paper_id].add(key)
    phrases = [(kind, key) for kind in (InterestKind.KEYWORD, InterestKind.SEARCH) for key in sorted(keys[kind])]
    for paper_id, key in _worded(session, ids, phrases):
        hits[paper_id].add(key)
    kept: set[int] = set()
    for kinds in ((InterestKind.AUTHOR,), (InterestKind.LAB,), (InterestKind.KEYWORD, InterestKind.SEARCH)):
        brought: Counter[_Key] = Counter()
        for paper_id in ids:
            own = [key for key in hits.get(paper_id, ()) if key[0] in kinds]
            if paper_id not in kept and len(kept) < most and any(brought[key] < _EACH[key[0]] for key in own):
                kept.add(paper_id)
                brought.update(own)
    return [paper_id for paper_id in ids if paper_id in kept]


def _written(
    session: Session, ids: Sequence[int], keys: dict[InterestKind, frozenset[str]]
) -> Iterator[tuple[int, _Key]]:
    """Tell which papers are by a watched author, or listed under one, or from a watched lab."""
    for kind, model in (
        (InterestKind.AUTHOR, PaperAuthor),
        (InterestKind.AUTHOR, PaperCredit),
        (InterestKind.LAB, PaperLab),
    ):
        table = table_of(model)
        for chunk in in_chunks(ids) if keys[kind] else ():
            rows = session.connection().execute(
                select(table.c.paper_id, table.c.slug).where(table.c.paper_id.in_(chunk))
            )
            for paper_id, slug in rows:
                if slug in keys[kind]:
                    yield paper_id, (kind, slug)


def _worded(session: Session, ids: Sequence[int], phrases: Sequence[_Key]) -> Iterator[tuple[int, _Key]]:
    """Tell which papers hold a phrase, or all words of a search, as whole words of their title or abstract."""
    beginning: dict[str, list[_Key]] = defaultdict(list)
    for kind, key in phrases:
        beginning[key.split()[0]].append((kind, key))
    for chunk in in_chunks(ids) if phrases else ():
        for paper_id, text in texts_of(session, chunk).items():
            folded = f" {title_key(text)} "
            words = set(folded.split())
            for word in sorted(words & beginning.keys()):
                for kind, key in beginning[word]:
                    held = f" {key} " in folded if kind is InterestKind.KEYWORD else words.issuperset(key.split())
                    if held:
                        yield paper_id, (kind, key)
