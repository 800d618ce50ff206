"""What befalls the database of a child process at a point: gone, cut off, or on a full disk."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import sqlalchemy
from sqlalchemy import Engine


class Loss:
    """Something that happens once, when a point is reached; it can be given to a child process."""

    def __init__(self, what: Callable[[Engine], None], point: str = "answered") -> None:
        self._what, self._point = what, point

    def __call__(self, engine: Engine) -> Callable[[str], None]:
        happened = False

        def reach(name: str) -> None:
            nonlocal happened
            if name == self._point and not happened:
                happened = True
                self._what(engine)

        return reach


def take_away(engine: Engine) -> None:
    """Cut every connection to the database, and let nobody in any more."""
    if engine.dialect.name == "sqlite":
        engine.dispose()
        folder = Path(engine.url.database or "").parent
        folder.rename(folder.with_name("away"))
    else:
        _tell_server(engine, f"ALTER DATABASE {engine.url.database} WITH ALLOW_CONNECTIONS false")
        cut(engine)


def bring_back(engine: Engine) -> None:
    """Undo `take_away`."""
    if engine.dialect.name == "sqlite":
        folder = Path(engine.url.database or "").parent
        folder.with_name("away").rename(folder)
    else:
        _tell_server(engine, f"ALTER DATABASE {engine.url.database} WITH ALLOW_CONNECTIONS true")


def cut(engine: Engine) -> None:
    """Cut every connection to a PostgreSQL database, as a fail-over does."""
    _tell_server(
        engine, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{engine.url.database}'"
    )


def fill_disk(engine: Engine) -> None:
    """Let no file of this process grow any more: SQLite's log is then on a full disk."""
    log = Path(f"{engine.url.database}-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))


def _tell_server(engine: Engine, command: str) -> None:
    server = sqlalchemy.create_engine(engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(command)
    server.dispose()
