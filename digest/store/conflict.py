"""Statements that both databases know under different names: inserts that leave an existing row alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CursorResult, Executable, Select, Table, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, SQLModel


def table(name: str) -> Table:
    """Return a table by its name, for statements about many rows."""
    return SQLModel.metadata.tables[name]


def changed(session: Session, statement: Executable) -> int:
    """Run a statement that writes and return how many rows it wrote."""
    # Without the option the count of an insert is lost on PostgreSQL.
    result: CursorResult[Any] = session.connection().execute(statement, execution_options={"preserve_rowcount": True})
    return result.rowcount


def insert_new(session: Session, into: Table, columns: list[str], rows: Select[Any]) -> int:
    """Insert the rows of a select, except those that a unique constraint already holds; return how many went in."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return changed(session, make(into).from_select(columns, rows, include_defaults=False).on_conflict_do_nothing())


def insert_row(session: Session, into: Table, values: Mapping[str, Any], *conditions: ColumnElement[bool]) -> bool:
    """Insert one row where the conditions hold and no unique constraint has it; return whether it went in."""
    constants = [literal(value, type_=into.c[name].type).label(name) for name, value in values.items()]
    return insert_new(session, into, list(values), select(*constants).where(*conditions)) == 1
