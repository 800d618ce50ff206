"""What SQLite and PostgreSQL say differently: inserts that skip what is there, and one writer at a time."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Executable, Select, Table, literal, select, text
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
    # psycopg gets many rows in one statement, which leaves no count of rows unless it is asked for.
    statement = insert_into(session, table_of(model)).on_conflict_do_nothing()
    options = {"preserve_rowcount": True, **ROWS_PER_STATEMENT}
    return int(session.connection().execute(statement, list(rows), execution_options=options).rowcount)


def insert_many(session: Session, into: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows whose values stand in the order of `names`, hundreds in a statement, past SQLAlchemy's compiler.

    On SQLite one statement for many rows also spares the full-text index, which writes out what it has collected at
    the end of every statement that fires a trigger. Column types still say how a value is written.
    """
    if not rows:
        return
    dialect = session.connection().dialect
    writers = [into.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    changed_at = [(place, write) for place, write in enumerate(writers) if write is not None]
    on_postgresql = dialect.name == "postgresql"
    size = 50 if on_postgresql else min(500, 32_000 // len(names))  # SQLite takes 32,766 values in a statement
    marks = f"({', '.join(['%s' if on_postgresql else '?'] * len(names))})"
    quoted = ", ".join(dialect.identifier_preparer.quote(name) for name in names)
    # Nothing from outside is in the statement: the names are the table's, the values go apart.
    begin = f"INSERT INTO {dialect.identifier_preparer.format_table(into)} ({quoted}) VALUES "  # noqa: S608
    for start in range(0, len(rows), size):
        flat: list[Any] = []
        some = rows[start : start + size]
        for row in some:
            written = list(row)
            for place, write in changed_at:
                written[place] = write(written[place])
            flat += written
        session.connection().exec_driver_sql(begin + ", ".join([marks] * len(some)), tuple(flat))


def insert_new(session: Session, into: Table, columns: Sequence[str], rows: Select[Any]) -> int:
    """Insert the rows of a select, except those that a unique constraint already holds; return how many went in."""
    chosen = insert_into(session, into).from_select(list(columns), rows, include_defaults=False)
    return changed(session, chosen.on_conflict_do_nothing())


def insert_row(session: Session, into: Table, values: Mapping[str, Any], *conditions: ColumnElement[bool]) -> bool:
    """Insert one row where the conditions hold and no unique constraint has it; return whether it went in."""
    constants = [literal(value, type_=into.c[name].type).label(name) for name, value in values.items()]
    return insert_new(session, into, list(values), select(*constants).where(*conditions)) == 1


def changed(session: Session, statement: Executable, values: Mapping[str, Any] | None = None) -> int:
    """Run a statement that writes, with values for its parameters, and return how many rows it wrote."""
    # Without the option the count of an insert is lost on PostgreSQL.
    result: CursorResult[Any] = session.connection().execute(
        statement, values, execution_options={"preserve_rowcount": True}
    )
    return result.rowcount


def insert_into(session: Session, into: Table) -> postgresql.Insert | sqlite.Insert:
    """Begin an insert that can say `on_conflict_do_nothing`."""
    on_postgresql = session.connection().dialect.name == "postgresql"
    return postgresql.insert(into) if on_postgresql else sqlite.insert(into)


def one_writer(session: Session, purpose: str) -> None:
    """Wait until no other transaction does the same, and keep others waiting until this one ends.

    SQLite has one writer anyway; PostgreSQL takes an advisory lock of the transaction.
    """
    if session.connection().dialect.name == "postgresql":
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(purpose.encode())})


def keep_writers_out(session: Session, table: Table) -> None:
    """Wait for transactions that write to a table, and let others wait until this one ends; they may read."""
    if session.connection().dialect.name == "postgresql":  # SQLite has one writer, and this is it
        name = session.connection().dialect.identifier_preparer.format_table(table)
        session.connection().execute(text(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"))
