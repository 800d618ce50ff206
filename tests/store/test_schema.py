"""The migrations build exactly the tables of the code, and nothing works on another schema."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

from digest.errors import SchemaOutdated
from digest.store.engine import open_engine
from digest.store.schema import SchemaState, require_current, schema_state, upgrade
from digest.store.tables.search import is_declared


@pytest.fixture
def empty(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


# SQLite does not tell of indexes on an expression; tests/store/test_erasure_paths.py shows that they are there.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_upgrading_an_empty_database_builds_the_tables_of_the_code(empty: Engine) -> None:
    assert schema_state(empty) is SchemaState.ABSENT
    upgrade(empty)
    assert schema_state(empty) is SchemaState.CURRENT
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_declared})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_upgrading_twice_changes_nothing(empty: Engine) -> None:
    upgrade(empty)
    upgrade(empty)
    require_current(empty)


def test_an_empty_database_is_refused_with_the_way_out(empty: Engine) -> None:
    with pytest.raises(SchemaOutdated, match="digest db upgrade"):
        require_current(empty)


def test_tables_without_a_revision_are_taken_for_outdated(empty: Engine) -> None:
    SQLModel.metadata.create_all(empty)
    with pytest.raises(SchemaOutdated, match="older schema"):
        require_current(empty)


def test_a_newer_schema_is_neither_used_nor_upgraded(empty: Engine) -> None:
    upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    for refuse in (require_current, upgrade):
        with pytest.raises(SchemaOutdated, match="newer Firstlight"):
            refuse(empty)
