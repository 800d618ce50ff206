"""Papers between their rows and the facts that merging works on: found, inserted, updated, given a slug."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, text, update
from sqlmodel import Session, col

from digest.core.merge import Facts, visible
from digest.core.text import slug as slug_of
from digest.store.dialects import insert_many, table_of
from digest.store.tables import Paper, PaperAlias

_FACTS = tuple(Facts.__dataclass_fields__)
_LISTS = ("authors", "labs", "categories", "keywords")
_IN_QUERY = 500  # values in one IN; far below what either database allows
_SUFFIXES = range(2, 10)


@dataclass(slots=True, eq=False)
class Entry:
    """A paper while a batch is merged: its facts, and the row they came from (`id` is None for a new one).

    `former` holds the keys of titles that it was seen to bear in this batch and does not bear now.
    """

    facts: Facts
    title_key: str
    author_key: str
    id: int | None = None
    slug: str = ""
    was_visible: tuple[Any, ...] | None = None
    was_hidden: tuple[Any, ...] = ()
    merged_into: Entry | None = None
    aliases: list[str] = field(default_factory=list)
    former: set[str] = field(default_factory=set)

    def rekey(self, *borne: str) -> None:
        """Bring the keys up to date with the facts, and remember other titles that the paper has `borne`."""
        self.former |= {self.title_key, *borne}
        self.title_key, self.author_key = self.facts.title_key, self.facts.first_author_key
        self.former -= {self.title_key, ""}

    @property
    def current(self) -> Entry:
        """The entry that this one is now part of; itself unless it was joined to another."""
        return self.merged_into.current if self.merged_into else self

    @property
    def changed(self) -> bool:
        """Whether what a reader can see of the stored paper changed."""
        return self.was_visible is not None and self.was_visible != visible(self.facts)

    @property
    def dirty(self) -> bool:
        """Whether the stored row must be written, also for facts that nobody sees."""
        return self.id is not None and (self.changed or self.was_hidden != _hidden(self))


def load(session: Session, condition: ColumnElement[bool]) -> list[Entry]:
    """Load the papers under a condition, oldest first."""
    table = table_of(Paper)
    rows = session.connection().execute(select(table).where(condition).order_by(table.c.id)).mappings()
    return [_entry(row) for row in rows]


def in_chunks(values: Iterable[Any], size: int = _IN_QUERY) -> Iterator[list[Any]]:
    """Cut values into lists short enough for one IN."""
    remaining = iter(values)
    while chunk := list(islice(remaining, size)):
        yield chunk


def insert_new(session: Session, entries: Sequence[Entry]) -> None:
    """Insert new papers and fill in their ids; their slugs must be set.

    The ids are taken first: rows that need not be asked for them go in many at a time, at half the cost.
    """
    if not entries:
        return
    for entry, paper_id in zip(entries, _free_ids(session, len(entries)), strict=True):
        entry.id = paper_id
    names = ["id", *_FACTS, "title_key", "first_author_key", "slug"]
    rows = [
        [
            entry.id,
            *(getattr(entry.facts, name) for name in _FACTS),
            entry.title_key,
            entry.author_key,
            entry.slug,
        ]
        for entry in entries
    ]
    insert_many(session, table_of(Paper), names, rows)


def _free_ids(session: Session, number: int) -> Sequence[int]:
    """Take ids that no paper ever had; on SQLite they stay free, as one transaction writes at a time."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        taken = text("SELECT nextval(pg_get_serial_sequence('paper', 'id')) FROM generate_series(1, :number)")
        return connection.execute(taken, {"number": number}).scalars().all()
    last = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'paper'")) or 0
    return range(last + 1, last + 1 + number)


def update_changed(session: Session, entries: Sequence[Entry]) -> None:
    """Write the facts, keys and slugs of papers that are stored already."""
    if not entries:
        return
    table = table_of(Paper)
    names = [*_FACTS, "title_key", "first_author_key", "slug"]
    statement = update(table).where(table.c.id == bindparam("this_id"))
    session.connection().execute(
        statement.values({name: bindparam(f"new_{name}") for name in names}),
        [{"this_id": entry.id, **{f"new_{name}": value for name, value in _row(entry).items()}} for entry in entries],
    )


def assign_slugs(session: Session, entries: Iterable[Entry]) -> None:
    """Give each paper its slug: the arXiv id once it is known, before that its title made unique.

    A title that leaves nothing in ASCII becomes `paper-` and a short hash. A former slug goes into `aliases`.
    """
    by_title: list[Entry] = []
    for entry in entries:
        if entry.facts.arxiv_id:
            if entry.slug and entry.slug != entry.facts.arxiv_id:
                entry.aliases.append(entry.slug)
            entry.slug = entry.facts.arxiv_id
        elif not entry.slug:
            by_title.append(entry)
    wishes = {id(entry): list(_slug_wishes(entry)) for entry in by_title}
    taken = _taken(session, {wish for wished in wishes.values() for wish in wished})
    for entry in by_title:
        entry.slug = next(wish for wish in wishes[id(entry)] if wish not in taken)
        taken.add(entry.slug)


def _slug_wishes(entry: Entry) -> Iterator[str]:
    digest = hashlib.sha256(f"{entry.title_key}\n{entry.author_key}\n{entry.facts.title}".encode()).hexdigest()
    base = slug_of(entry.facts.title)
    if base:
        yield base
        yield from (f"{base}-{number}" for number in _SUFFIXES)
        yield f"{base[:60]}-{digest[:8]}"
    yield f"paper-{digest[:8]}"
    yield from (f"paper-{digest[:length]}" for length in (12, 16, 32, 64))


def _taken(session: Session, wishes: set[str]) -> set[str]:
    taken: set[str] = set()
    for chunk in in_chunks(sorted(wishes), 5_000):
        for column in (col(Paper.slug), col(PaperAlias.slug)):
            taken.update(session.connection().execute(select(column).where(column.in_(chunk))).scalars())
    return taken


def _entry(row: Mapping[Any, Any]) -> Entry:
    stored: dict[str, Any] = {name: tuple(row[name]) if name in _LISTS else row[name] for name in _FACTS}
    facts = Facts(**{**stored, "standings": dict(row["standings"])})
    entry = Entry(facts, row["title_key"], row["first_author_key"], row["id"], row["slug"], visible(facts))
    entry.was_hidden = _hidden(entry)
    return entry


def _hidden(entry: Entry) -> tuple[Any, ...]:
    return (entry.facts.first_seen_at, dict(entry.facts.standings), entry.slug)


def _row(entry: Entry) -> dict[str, Any]:
    facts = entry.facts
    row = {name: list(getattr(facts, name)) if name in _LISTS else getattr(facts, name) for name in _FACTS}
    return {**row, "title_key": entry.title_key, "first_author_key": entry.author_key, "slug": entry.slug}
