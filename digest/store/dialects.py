"""What SQLite and PostgreSQL say differently: inserts that skip what is there, and one writer at a time."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

# psycopg parses every statement it has not seen; many rows in one make a long one, and twice the time.
ROWS_PER_STATEMENT = {"insertmanyvalues_page_size": 50}


def table_of(model: type[SQLModel]) -> Table:
    """Return the Core table of a model, for statements on many rows."""
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    return table


def insert_missing(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows that no unique constraint knows yet; return how many there were."""
    if not rows:
        return 0
    table = table_of(model)
    dialect = session.connection().dialect.name
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    # psycopg gets many rows in one statement, which leaves no count of rows unless it is asked for.
    statement = insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True, **ROWS_PER_STATEMENT)
    return int(session.connection().execute(statement, list(rows)).rowcount)


def one_writer(session: Session, purpose: str) -> None:
    """Wait until no other transaction does the same, and keep others waiting until this one ends.

    SQLite has one writer anyway; PostgreSQL takes an advisory lock of the transaction.
    """
    if session.connection().dialect.name == "postgresql":
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(purpose.encode())})
