"""The file of a SQLite database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from digest.store.engine import open_engine, writing


@pytest.fixture
def generous_umask() -> Iterator[None]:
    """Let new files be read by every account of the machine, as many systems do."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


@pytest.mark.usefixtures("generous_umask")
def test_a_new_database_is_for_its_owner_alone_and_so_is_what_lies_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "var" / "digest.db"
    engine = open_engine(f"sqlite:///{file}")
    with writing(engine) as session:
        session.connection().execute(text("CREATE TABLE some (thing TEXT)"))
    try:
        beside = sorted(file.parent.iterdir())
        assert [one.name for one in beside] == ["digest.db", "digest.db-shm", "digest.db-wal"]
        assert [mode(one) for one in beside] == [0o600] * 3
    finally:
        engine.dispose()


@pytest.mark.usefixtures("generous_umask")
def test_a_database_that_was_opened_to_others_stays_so(tmp_path: Path) -> None:
    file = tmp_path / "digest.db"
    file.touch(mode=0o644)
    engine = open_engine(f"sqlite:///{file}")
    with writing(engine) as session:
        session.connection().execute(text("CREATE TABLE some (thing TEXT)"))
    engine.dispose()
    assert mode(file) == 0o644
