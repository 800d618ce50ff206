"""Copies of a SQLite database while others write to it: out of it for a backup, into it for a restore."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from digest.errors import FileUnusable

_PAGES = 1_000  # copied at once, between two words of progress
_PATIENCE = 60  # seconds to wait for a writer


def take_copy(database: Path, copy: Path, progress: Callable[[int, int], None]) -> None:
    """Copy a live database as it is now into a new file, and check the copy; progress is told (done, total) pages.

    Whoever writes meanwhile neither waits nor is seen: the copy is of one instant. Raises FileUnusable for a copy that
    is not whole.
    """
    # Closing ends a connection; a `with` of the connection itself would only end its transaction.
    with closing(_open(database)) as source, closing(sqlite3.connect(copy, isolation_level=None)) as target:
        source.execute("BEGIN")  # held to the end, or the copy would start anew with every commit of others
        source.execute("SELECT 1 FROM sqlite_master").fetchall()
        source.backup(target, pages=_PAGES, progress=lambda _status, left, total: progress(total - left, total))
        source.execute("ROLLBACK")
        target.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
        require_whole(target, copy)


def put_back(copy: Path, database: Path) -> None:
    """Replace everything in a database by a copy, in one transaction that its other connections see at once."""
    with closing(_open(copy)) as source, closing(sqlite3.connect(database, timeout=_PATIENCE)) as target:
        target.isolation_level = None
        target.execute("PRAGMA journal_mode=WAL")
        target.execute("PRAGMA synchronous=FULL")
        source.backup(target, pages=-1)


def require_whole(connection: sqlite3.Connection, file: Path) -> None:
    """Raise FileUnusable unless every page and index of a database is in order."""
    try:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise FileUnusable(f"{file} is not a SQLite database: {error}") from error
    if found != "ok":
        raise FileUnusable(f"{file} is damaged: {found}")


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{file.absolute().as_posix()}?mode=rw", uri=True, timeout=_PATIENCE, isolation_level=None
    )
