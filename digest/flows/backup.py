"""Back a database up while it is used, and restore it so that it sends nothing a second time."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from digest.errors import ConfigError, FileUnusable
from digest.flows.epoch import Guard
from digest.flows.leading import who_leads
from digest.store import postgres_copy, sqlite_copy
from digest.store.engine import open_engine
from digest.store.epoch import Fenced
from digest.store.schema import SchemaState, require_current, schema_state, upgrade

Progress = Callable[[int, int], None]  # done, and in all; 0 where that is not known


def backup(guard: Guard, file: Path, progress: Progress) -> int:
    """Write a checked copy of the database and its checksum beside it; return its size.

    Raises FileUnusable where the file is there already. Nothing is left behind by a failure.
    """
    if file.exists():
        raise FileUnusable(f"{file} is there already; name a new file, or remove it first")
    url = guard.engine.url
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        partial.touch(mode=0o600)  # it holds every reader's address
        if url.get_backend_name() == "sqlite":
            sqlite_copy.take_copy(_file_of(guard.engine), partial, progress)
            _sync(partial)
        else:
            postgres_copy.dump(url, partial, lambda done: progress(done, 0))
        guard.stand()  # from now on the database knows of more than its copy
        checksum(file).write_text(f"{_sha256(partial)}  {file.name}\n", encoding="utf-8")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    _sync(file.parent)
    return file.stat().st_size


def restore(guard: Guard, file: Path, progress: Progress, *, unchecked: bool = False) -> Fenced:
    """Put a backup in place of the database, with the fence up; return what that stopped.

    On SQLite the fence is in the copy before anybody can see it. Raises FileUnusable for a backup that is damaged or
    no database of ours, and ConfigError while a scheduler or, on PostgreSQL, anything else is connected.
    """
    _require_sum(file, unchecked=unchecked)
    _require_nobody(guard)
    taken = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    words = f"the backup {file.name}, written {taken:%Y-%m-%d %H:%M} UTC, was put back"
    if guard.engine.url.get_backend_name() == "sqlite":
        return _restore_sqlite(guard, file, words, progress)
    if others := postgres_copy.others_connected(guard.engine):
        raise ConfigError(
            f"{others} other connections to the database are open; stop web, workers and schedulers first"
        )
    guard.engine.dispose()
    postgres_copy.undump(guard.engine.url, file, lambda done: progress(done, 0))
    upgrade(guard.engine)
    return guard.raise_fence(words)


def _restore_sqlite(guard: Guard, file: Path, words: str, progress: Progress) -> Fenced:
    database = _file_of(guard.engine)
    with TemporaryDirectory(dir=database.parent, prefix="restoring-") as folder:
        copy = Path(folder) / "copy.db"
        with closing(sqlite3.connect(f"file:{file.absolute().as_posix()}?mode=ro", uri=True)) as source:
            sqlite_copy.require_whole(source, file)
        sqlite_copy.take_copy(file, copy, progress)
        with _opened(copy) as engine:
            if schema_state(engine) is SchemaState.NEWER:
                require_current(engine)
            if schema_state(engine) is SchemaState.ABSENT:
                raise FileUnusable(f"{file} is not a backup of Firstlight: it has none of its tables")
            upgrade(engine)
            fenced = Guard(engine, guard.marks, guard.clock).raise_fence(words)
        guard.engine.dispose()
        sqlite_copy.put_back(copy, database)
    return fenced


def checksum(file: Path) -> Path:
    """Return where a backup's checksum is, in the form that `sha256sum --check` reads."""
    return file.with_name(f"{file.name}.sha256")


def _require_sum(file: Path, *, unchecked: bool) -> None:
    if not file.is_file():
        raise FileUnusable(f"{file} is not there")
    if unchecked:
        return
    beside = checksum(file)
    if not beside.is_file():
        raise FileUnusable(f"{beside} is not there; where you trust the backup without it, add --unchecked")
    if beside.read_text(encoding="utf-8").split()[:1] != [_sha256(file)]:
        raise FileUnusable(f"{file} is not what was backed up: its checksum differs from {beside.name}")


def _require_nobody(guard: Guard) -> None:
    try:
        leader = who_leads(guard.engine)
    except SQLAlchemyError:
        return  # empty, older or damaged: there is nobody to ask, and that may be why it is restored
    if leader is not None and leader.lease_until > guard.clock():
        raise ConfigError(f"the scheduler {leader.holder} is running; stop web, workers and schedulers first")


@contextmanager
def _opened(file: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{file}")
    try:
        yield engine
    finally:
        engine.dispose()


def _file_of(engine: Engine) -> Path:
    return Path(engine.url.database or "")


def _sha256(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
