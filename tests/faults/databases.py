"""Databases for a soak: one that is named, or a new SQLite file and a new PostgreSQL database in turn."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy
from sqlalchemy.engine import make_url

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


def databases(named: str = "", *, sqlite: bool = True) -> Iterator[str]:
    """Give the URL of each database; those made here are gone when the next one is asked for."""
    if named:
        yield named
        return
    if sqlite:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/soak.db"
    with postgres() as url:
        yield url


@contextmanager
def postgres() -> Iterator[str]:
    """Make an empty database on the server of TEST_POSTGRES_URL, and drop it afterwards."""
    server = os.environ.get("TEST_POSTGRES_URL", SERVER)
    admin = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"firstlight_soak_{uuid.uuid4().hex[:12]}"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()
