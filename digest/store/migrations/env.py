"""Alembic's entry point: runs on the connection that `store.schema` hands over."""

from alembic import context
from sqlmodel import SQLModel

from digest.store import tables  # noqa: F401  # registers the tables with the metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite cannot alter a column in place
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
