"""The database: engines for SQLite and PostgreSQL, and the two kinds of transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError
from sqlmodel import Session

from digest.errors import ConfigError

_BUSY_MS = 30_000
_TRIES = 4
_Made = TypeVar("_Made")
_log = structlog.get_logger(__name__)
_letters = json.JSONEncoder(ensure_ascii=False)


def open_engine(url: str, password: str = "") -> Engine:
    """Open an engine on `sqlite:///path` or `postgresql://...`; raises ConfigError for any other URL.

    `password` is for a PostgreSQL whose URL names none.

    SQLite runs in WAL mode with synchronous=FULL, so that a committed intent survives a power cut; a file that is not
    there yet is made for its owner alone.
    Parameters never appear in errors: they hold addresses.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(f"DIGEST_DATABASE_URL cannot be read: {error}") from error
    if parsed.get_backend_name() == "postgresql":
        if password and parsed.password:
            raise ConfigError("DIGEST_DATABASE_URL and DIGEST_DATABASE_PASSWORD both name a password; keep one")
        parsed = parsed.set(password=password or parsed.password)
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            pool_pre_ping=True,
            json_serializer=_to_json,
        )
    if parsed.get_backend_name() != "sqlite":
        raise ConfigError(
            f"DIGEST_DATABASE_URL names {parsed.drivername!r}; use sqlite:///path/to/digest.db or postgresql://..."
        )
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed, hide_parameters=True, connect_args={"timeout": _BUSY_MS / 1000}, json_serializer=_to_json
    )
    if parsed.database and parsed.database != ":memory:":
        event.listen(engine, "do_connect", partial(_make_private, Path(parsed.database)))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _to_json(value: Any) -> str:
    """Write JSON with letters as they are: the full-text index takes a text without backslashes as it stands."""
    if value in ([], {}):  # of a paper's five columns of JSON, three are empty as a rule
        return "[]" if isinstance(value, list) else "{}"
    encoded = _letters.encode(value)
    if not encoded.isascii():
        try:
            encoded.encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can hold
            return json.dumps(value)
    return encoded


def _make_private(file: Path, *_connecting: object) -> None:
    """Make a new database's file for its owner alone, as it holds every reader's address; one that is there stays."""
    with suppress(OSError):  # SQLite says itself what is wrong with it
        file.touch(mode=0o600, exist_ok=False)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver's guesses
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that will write takes the lock at once: upgrading a read lock later fails under contention.
    mode = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {mode}")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a session that only reads; what it changed by mistake is rolled back."""
    with Session(engine) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open a session in one write transaction: committed at the end, rolled back on an error."""
    with (
        engine.connect().execution_options(writes=True) as connection,
        Session(connection) as session,
        session.begin(),
    ):
        yield session


def writing_again(engine: Engine, act: Callable[[Session], _Made], *, called: str) -> _Made:
    """Do something in one write transaction, and anew where others at this very moment made the database refuse it.

    `called` names it in the log. What `act` raises itself ends it at once.
    """
    for left in reversed(range(_TRIES)):
        try:
            with writing(engine) as session:
                return act(session)
        except (IntegrityError, OperationalError) as error:
            if not left:
                raise
            _log.info("tried_again", what=called, error=type(error).__name__)
    raise AssertionError("the last try returns or raises")
