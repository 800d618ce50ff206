"""Queries on readers' tastes: what each rests on, and what was learned from it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, delete, or_, select, update
from sqlmodel import Session

from digest.core.interests import InterestKind
from digest.core.prints import Print, folded_word
from digest.core.reading import Taste
from digest.store.batch import dialect_of, values_of_batch
from digest.store.dialects import changed, insert_into, table_of
from digest.store.paper_rows import in_chunks
from digest.store.tables import InterestRow, Paper, PaperAlias, PaperText, ReactionRow, TasteRow
from digest.store.tables.columns import BigKey

_taste = table_of(TasteRow)
_paper = table_of(Paper)
_alias = table_of(PaperAlias)
_text = table_of(PaperText)
_interest = table_of(InterestRow)
_reaction = table_of(ReactionRow)


class Source(NamedTuple):
    """A paper that a taste may rest on, with its words as far as they were read."""

    paper_id: int
    text: str
    categories: tuple[str, ...]
    words: Print | None


def tastes_of(session: Session, subscribers: Collection[int]) -> dict[int, Taste]:
    """Return the tastes of those subscribers who have one."""
    batch = {"batch": json.dumps(list(subscribers))}
    rows = session.connection().execute(_whose(dialect_of(session)), batch)
    return {row.subscriber_id: _taste_of(row) for row in rows}


@cache
def _whose(dialect: str) -> Select[Any]:
    rows, its_reader = values_of_batch(dialect, BigKey)
    return select(_taste).select_from(rows).join(_taste, _taste.c.subscriber_id == its_reader)


def put_taste(session: Session, subscriber_id: int, taste: Taste, now: datetime) -> None:
    """Store a reader's taste in place of what was stored."""
    values = {
        "words": taste.words,
        "weights": taste.weights,
        "categories": dict(taste.categories),
        "terms": dict(taste.terms),
        "papers": taste.papers,
        "learned_at": now,
    }
    statement = insert_into(session, _taste).values(subscriber_id=subscriber_id, **values)
    session.connection().execute(statement.on_conflict_do_update(index_elements=["subscriber_id"], set_=values))


def forget_taste(session: Session, subscriber_id: int) -> None:
    """Forget a reader's taste, and which words they struck out; what it rested on stays."""
    session.connection().execute(delete(_taste).where(_taste.c.subscriber_id == subscriber_id))


def strike_out(session: Session, subscriber_id: int, words: Iterable[str]) -> bool:
    """Note that words of a taste's terms, in any form, are to weigh nothing; False if there is no taste.

    Learning anew takes them out of the taste and keeps them so; it may also have changed in which form they are shown.
    """
    terms = session.connection().scalar(select(_taste.c.terms).where(_taste.c.subscriber_id == subscriber_id))
    if terms is None:
        return False
    out = set(map(folded_word, words))
    struck = {term: 0.0 if folded_word(term) in out else weight for term, weight in terms.items()}
    return changed(session, update(_taste).where(_taste.c.subscriber_id == subscriber_id).values(terms=struck)) == 1


def put_back(session: Session, subscriber_id: int, words: Collection[str]) -> bool:
    """Let words that were struck out weigh again, once the taste is learned anew; False if there is no taste."""
    terms = session.connection().scalar(select(_taste.c.terms).where(_taste.c.subscriber_id == subscriber_id))
    if terms is None:
        return False
    back = set(map(folded_word, words))
    left = {term: weight for term, weight in terms.items() if weight or folded_word(term) not in back}
    return changed(session, update(_taste).where(_taste.c.subscriber_id == subscriber_id).values(terms=left)) == 1


def seeds_of(session: Session, subscriber_id: int) -> dict[int, datetime]:
    """Return the papers that a reader starts from, as far as they are known here, and since when."""
    rows = session.connection().execute(
        select(_interest.c.key, _interest.c.created_at).where(
            _interest.c.subscriber_id == subscriber_id, _interest.c.kind == InterestKind.PAPER
        )
    )
    since = {row.key: row.created_at for row in rows}
    return {paper_id: since[name] for name, paper_id in seeds_named(session, since).items()}


def sources(session: Session, ids: Collection[int]) -> dict[int, Source]:
    """Return the words and categories of papers."""
    found: dict[int, Source] = {}
    for chunk in in_chunks(sorted(ids)):
        rows = session.connection().execute(
            select(_paper.c.id, _paper.c.title, _paper.c.abstract, _paper.c.categories, _text.c.words, _text.c.counts)
            .join(_text, _text.c.paper_id == _paper.c.id, isouter=True)
            .where(_paper.c.id.in_(chunk))
        )
        for paper_id, title, abstract, categories, words, counts in rows:
            read = Print(words, counts) if words is not None else None
            found[paper_id] = Source(paper_id, f"{title}\n{abstract}", tuple(categories), read)
    return found


def resting_on(session: Session, ids: Sequence[int]) -> list[int]:
    """List the subscribers whose taste rests on one of the papers: a paper to start from, or one reacted to."""
    found: set[int] = set()
    for chunk in in_chunks(ids):
        reacted = select(_reaction.c.subscriber_id).where(_reaction.c.paper_id.in_(chunk))
        names = select(_paper.c.arxiv_id, _paper.c.slug).where(_paper.c.id.in_(chunk))
        keys = {name for row in session.connection().execute(names) for name in row if name}
        aliases = select(_alias.c.slug).where(_alias.c.paper_id.in_(chunk))
        keys.update(session.connection().execute(aliases).scalars())
        started = select(_interest.c.subscriber_id).where(
            _interest.c.kind == InterestKind.PAPER, _interest.c.key.in_(keys)
        )
        found.update(session.connection().execute(reacted.union(started)).scalars())
    return sorted(found)


def seeds_named(session: Session, names: Collection[str]) -> dict[str, int]:
    """Return the ids of those papers to start from that are known here, by the names they were given."""
    found: dict[str, int] = {}
    for chunk in in_chunks(sorted(names)):
        aliases = select(_alias.c.slug, _alias.c.paper_id).where(_alias.c.slug.in_(chunk))
        found |= {row.slug: row.paper_id for row in session.connection().execute(aliases)}
        rows = session.connection().execute(
            select(_paper.c.id, _paper.c.arxiv_id, _paper.c.slug).where(
                or_(_paper.c.arxiv_id.in_(chunk), _paper.c.slug.in_(chunk))
            )
        )
        found |= {name: row.id for row in rows for name in (row.slug, row.arxiv_id) if name in names}
    return found


def _taste_of(row: Row[Any]) -> Taste:
    return Taste(words=row.words, weights=row.weights, categories=row.categories, terms=row.terms, papers=row.papers)
