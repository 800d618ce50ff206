"""What a search needs beside the full-text index, kept current by the merge: links to authors and labs, and words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete
from sqlmodel import Session

from digest.core.merge import VISIBLE, storable
from digest.core.names import author_slug, author_words, lab_slug
from digest.store.dialects import insert_missing, table_of
from digest.store.paper_rows import Entry, in_chunks
from digest.store.tables import PaperAuthor, PaperCredit, PaperLab

_SHORTEST, _LONGEST = 4, 40  # characters of a word whose misspellings are recognised
_MOST_WORDS_KEPT = 300_000  # in memory, some 25 MB
_MOST_AUTHORS = 5_000  # of one paper; the longest lists at arXiv name about 3,000
_PLACES = {name: VISIBLE.index(name) for name in ("title", "authors", "labs")}


class Indexed(NamedTuple):
    """A stored paper as the index takes it."""

    paper_id: int
    title_key: str
    authors: Sequence[str]
    labs: Sequence[str]


def index_entries(session: Session, new: Iterable[Entry], dirty: Iterable[Entry], stored_words: set[str]) -> None:
    """Index what a batch of the merge has written; those whose title, authors and labs stayed are left alone.

    `stored_words` are those that this run has stored already; it is added to.
    """
    index_papers(session, [_indexed(entry) for entry in new], stored_words=stored_words)
    moved = [_indexed(entry) for entry in dirty if _moved(entry)]
    index_papers(session, moved, known=True, stored_words=stored_words)


def credit_papers(session: Session, credited: Iterable[tuple[int, str]]) -> None:
    """Link papers, by id, to names under which a source lists them, whether or not it shows these among the authors."""
    rows = {}
    for paper_id, stated in credited:
        name = storable(stated).strip()[:300]
        if name:
            rows[paper_id, author_slug(name)] = name
    insert_missing(
        session,
        PaperCredit,
        [{"paper_id": paper_id, "slug": address, "name": name} for (paper_id, address), name in rows.items()],
    )


def index_papers(
    session: Session, papers: Sequence[Indexed], *, known: bool = False, stored_words: set[str] | None = None
) -> None:
    """Store the links and words of papers; `known` ones get theirs replaced.

    Most words of a batch are those of the one before: what is in `stored_words` is not given to the database again.
    """
    if not papers:
        return
    stored_words = set() if stored_words is None else stored_words
    connection = session.connection()
    if known:
        for chunk in in_chunks(paper.paper_id for paper in papers):
            for model in (PaperAuthor, PaperLab):
                table = table_of(model)
                connection.execute(delete(table).where(table.c.paper_id.in_(chunk)))
    authors: list[tuple[int, int, str]] = []
    labs: list[tuple[int, int, str]] = []
    words: set[str] = set()
    for paper in papers:
        words.update(paper.title_key.split())
        for position, name in enumerate(paper.authors[:_MOST_AUTHORS]):
            address, named = author_words(name)
            words.update(named)
            authors.append((paper.paper_id, position, address))
        labs.extend((paper.paper_id, position, lab_slug(lab)) for position, lab in enumerate(paper.labs))
    _insert(session, "paper_author (paper_id, position, slug)", authors)
    _insert(session, "paper_lab (paper_id, position, slug)", labs)
    words -= stored_words
    known_words = [(word, word[::-1]) for word in sorted(words) if is_indexed(word)]
    _insert(session, "search_word (word, backward)", known_words, "ON CONFLICT DO NOTHING")
    if len(stored_words) > _MOST_WORDS_KEPT:
        stored_words.clear()
    stored_words |= words


def _insert(session: Session, into: str, rows: Sequence[tuple[Any, ...]], otherwise: str = "") -> None:
    """Insert plain rows past SQLAlchemy, which would take longer to prepare them than the database to store them."""
    if not rows:
        return
    mark = "%s" if session.connection().dialect.name == "postgresql" else "?"
    marks = ", ".join([mark] * len(rows[0]))
    # Nothing from outside is in the statement: the names are the caller's, the values go apart.
    session.connection().exec_driver_sql(f"INSERT INTO {into} VALUES ({marks}) {otherwise}", list(rows))  # noqa: S608


def is_indexed(word: str) -> bool:
    """Say whether a word's misspellings are recognised."""
    return _SHORTEST <= len(word) <= _LONGEST and not word.isdigit()


def _indexed(entry: Entry) -> Indexed:
    if entry.id is None:
        raise AssertionError(f"{entry.slug} has not been stored")
    return Indexed(entry.id, entry.title_key, entry.facts.authors, entry.facts.labs)


def _moved(entry: Entry) -> bool:
    before = entry.was_visible
    return before is None or any(before[place] != getattr(entry.facts, name) for name, place in _PLACES.items())
