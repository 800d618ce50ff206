"""People as sources name them, and the figures that sources state of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session

from digest.core.capture import AuthorFigure
from digest.core.merge import storable
from digest.core.names import author_slug
from digest.store.dialects import insert_missing, table_of
from digest.store.paper_rows import in_chunks
from digest.store.tables import Author, AuthorFigureRow


def record_figures(session: Session, figures: Sequence[AuthorFigure], source: str, observed_at: datetime) -> None:
    """Store what a source states of authors; it replaces that source's older figure, never a newer."""
    for chunk in in_chunks(figures):
        _record(session, chunk, source, observed_at)


def _record(session: Session, figures: Sequence[AuthorFigure], source: str, observed_at: datetime) -> None:
    names = {author_slug(name): name for name in (storable(figure.author).strip() for figure in figures) if name}
    insert_missing(session, Author, [{"name": name[:300], "slug": address} for address, name in names.items()])
    connection = session.connection()
    authors = table_of(Author)
    found = connection.execute(select(authors.c.slug, authors.c.id).where(authors.c.slug.in_(names)))
    ids: dict[str, int] = {address: author_id for address, author_id in found}  # noqa: C416  # rows are not plain tuples
    table = table_of(AuthorFigureRow)
    stored = connection.execute(
        select(table).where(table.c.source == source, table.c.author_id.in_(ids.values()))
    ).mappings()
    known = {(row["author_id"], row["figure"]): row for row in stored}
    new: dict[tuple[int, str], dict[str, Any]] = {}
    changed: dict[tuple[int, str], dict[str, Any]] = {}
    for figure in figures:
        author_id = ids.get(author_slug(storable(figure.author).strip()))
        if author_id is None:
            continue
        key = (author_id, storable(figure.figure)[:60])
        value = storable(figure.value)[:200]
        row = known.get(key)
        if row is None:
            new[key] = {
                "author_id": author_id,
                "figure": key[1],
                "value": value,
                "source": source,
                "observed_at": observed_at,
            }
        elif row["observed_at"] < observed_at or (row["value"] != value and row["observed_at"] == observed_at):
            changed[key] = {"this_id": row["id"], "new_value": value, "new_at": observed_at}
    if new:
        connection.execute(insert(table), list(new.values()))
    if changed:
        statement = update(table).where(table.c.id == bindparam("this_id"))
        connection.execute(
            statement.values(value=bindparam("new_value"), observed_at=bindparam("new_at")), list(changed.values())
        )
