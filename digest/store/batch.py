"""A batch of rows as one JSON parameter, so that a statement is compiled once whatever their number.

PostgreSQL takes such a batch for a hundred rows, and looks them up by an index one by one; a list of hundreds of
parameters it plans anew each time, and may read a whole table for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, String, TableValuedAlias, bindparam, cast, func, literal_column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session


def dialect_of(session: Session) -> str:
    """Name the kind of database."""
    return session.connection().dialect.name


def fields_of_batch(dialect: str) -> Callable[[int, Any], ColumnElement[Any]]:
    """What takes the nth field of each row of `:batch`, which stands in the statement as a table of JSON values."""
    if dialect == "postgresql":
        rows = func.jsonb_array_elements(cast(bindparam("batch", type_=String), JSONB)).table_valued("value")

        def field(number: int, kind: Any) -> ColumnElement[Any]:
            return cast(rows.c.value.op("->>")(literal_column(str(number))), kind)

        return field
    rows = func.json_each(bindparam("batch", type_=String)).table_valued("value")
    return lambda number, kind: func.json_extract(rows.c.value, literal_column(f"'$[{number}]'"), type_=kind)


def values_of_batch(dialect: str, kind: Any) -> tuple[TableValuedAlias, ColumnElement[Any]]:
    """`:batch` as a table of plain values, and its only column."""
    if dialect == "postgresql":
        rows = func.jsonb_array_elements_text(cast(bindparam("batch", type_=String), JSONB)).table_valued("value")
        return rows, cast(rows.c.value, kind)
    rows = func.json_each(bindparam("batch", type_=String)).table_valued("value")
    return rows, rows.c.value


def off_index(column: ColumnElement[Any], nothing: Any) -> ColumnElement[Any]:
    """A column of values, never NULL, by which no index is looked through.

    A planner that knows nothing of a table yet, or that asks for a batch of rows, may otherwise go through everything
    in one state, or of one issue, for each of them.
    """
    return func.coalesce(column, nothing)


def written_instant(at: datetime | None, dialect: str) -> str | None:
    """Write an instant into a batch as the database keeps it."""
    if at is None:
        return None
    written = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return f"{written}+00" if dialect == "postgresql" else written


def instant_of(field: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Take an instant out of a field that `written_instant` wrote."""
    return cast(field, DateTime(timezone=True)) if dialect == "postgresql" else field
