"""Alembic's entry point: runs on the connection that `store.schema` hands over."""

from typing import Any, Literal

from alembic import context
from sqlmodel import AutoString, SQLModel

from digest.store import tables  # noqa: F401  # registers the tables with the metadata
from digest.store.tables.columns import Instant
from digest.store.tables.search import is_declared


def plain_type(kind: str, column_type: Any, _context: Any) -> str | Literal[False]:
    """Write our column types as SQLAlchemy's own, so that an old migration does not depend on today's code."""
    if kind == "type" and isinstance(column_type, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(column_type, AutoString):
        return "sa.String()"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite cannot alter a column in place
    render_item=plain_type,
    include_name=is_declared,
)
with context.begin_transaction():
    context.run_migrations()
