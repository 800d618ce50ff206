"""What every test may use: a fresh database, a fixed instant, the recorded input, the services."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from digest.store import tables  # noqa: F401  # registers the tables with the metadata
from digest.store.engine import open_engine

NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)  # a Wednesday
SHARED = Path(__file__).resolve().parents[2] / "shared"


def absent(service: str) -> None:
    """Skip a test whose service is not there, or fail it where services are required."""
    reason = f"{service} is not there; .ci/run starts it"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def now() -> datetime:
    """The instant at which tests take place unless they say otherwise."""
    return NOW


@pytest.fixture
def shared() -> Path:
    """The folder of recorded input beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there: it holds recorded input that is not part of the project")
    return SHARED


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path}/digest.db"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test's own."""
    server = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
    admin = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"firstlight_test_{uuid.uuid4().hex[:12]}"
    try:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except sqlalchemy.exc.OperationalError:
        absent("PostgreSQL")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database URL, once for each kind of database that Firstlight runs on."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh database with the current tables, once for each kind of database."""
    opened = open_engine(database_url)
    SQLModel.metadata.create_all(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    """An engine on a fresh SQLite database, for tests in which the kind of database does not matter."""
    opened = open_engine(sqlite_url)
    SQLModel.metadata.create_all(opened)
    yield opened
    opened.dispose()
