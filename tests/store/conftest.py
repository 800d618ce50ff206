"""A second database of the same kind, for tests that compare two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from digest.store.engine import open_engine


@pytest.fixture
def other(engine: Engine, tmp_path: Path) -> Iterator[Engine]:
    """An empty database beside `engine`."""
    if engine.dialect.name == "sqlite":
        opened = open_engine(f"sqlite:///{tmp_path}/other.db")
        yield opened
        opened.dispose()
        return
    name = f"{engine.url.database}_other"
    server = open_engine(make_url(engine.url).set(database="postgres").render_as_string(hide_password=False))
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        opened = open_engine(make_url(engine.url).set(database=name).render_as_string(hide_password=False))
        yield opened
        opened.dispose()
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()
