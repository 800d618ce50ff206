"""Copies of a PostgreSQL database by its own programs: pg_dump for a backup, pg_restore and psql for a restore."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from digest.errors import ConfigError, StoreUnavailable

_AT_ONCE = 1 << 20
# What is there goes, also what the dump does not know of; all of it in the transaction that brings the dump in.
_EMPTY = b"DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"


def dump(url: URL, file: Path, progress: Callable[[int], None]) -> None:
    """Write a compressed dump of one instant; progress is told how many bytes there are."""
    command = [_program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges"]
    with file.open("wb") as target, TemporaryFile() as errors:
        with subprocess.Popen(command, env=_environment(url), stdout=subprocess.PIPE, stderr=errors) as running:  # noqa: S603  # a fixed command
            _pass_on(running, target.write, progress)
        _require_success(running, "pg_dump", _all_of(errors))
        target.flush()
        os.fsync(target.fileno())


def undump(url: URL, file: Path, progress: Callable[[int], None]) -> None:
    """Replace everything in a database by a dump, in one transaction; progress is told how many bytes went in."""
    reading = [_program("pg_restore"), "--no-owner", "--no-privileges", "--schema=public", "--file=-", str(file)]
    writing = [_program("psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    environment = _environment(url)
    with (
        TemporaryFile() as errors,
        TemporaryFile() as other_errors,
        subprocess.Popen(  # noqa: S603  # a fixed command
            [*writing, "--output=/dev/null"], env=environment, stdin=subprocess.PIPE, stderr=other_errors
        ) as psql,
    ):
        assert psql.stdin is not None  # noqa: S101  # it is a pipe
        whole = False
        try:
            psql.stdin.write(_EMPTY)
            with subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=errors) as restoring:  # noqa: S603  # as above
                _pass_on(restoring, psql.stdin.write, progress)
            whole = restoring.returncode == 0
            if not whole:
                psql.kill()  # before its end of input, at which it would commit the half
            psql.stdin.close()
        except BrokenPipeError:
            pass  # psql ended at an error, and says which
        psql.wait()
        if not whole and psql.returncode and (words := _all_of(errors)):
            raise StoreUnavailable(f"pg_restore failed: {_one_line(words)}")
        _require_success(psql, "psql", _all_of(other_errors))


def others_connected(engine: Engine) -> int:
    """Count the other connections to this database."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with engine.connect() as connection:
        return int(connection.execute(text(others)).scalar_one())


def _pass_on(running: subprocess.Popen[bytes], write: Callable[[bytes], int], progress: Callable[[int], None]) -> None:
    assert running.stdout is not None  # noqa: S101  # it is a pipe
    done = 0
    try:
        while part := running.stdout.read(_AT_ONCE):
            write(part)
            done += len(part)
            progress(done)
    except BaseException:
        running.kill()
        raise


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ConfigError(
            f"{name} is not installed; a PostgreSQL database is backed up by PostgreSQL's own programs: install its "
            "client package (postgresql-client on Debian), of the server's version or newer"
        )
    return found


def _environment(url: URL) -> dict[str, str]:
    """Say where the database is by the environment: arguments are seen by everybody on the machine."""
    said = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    for name, value in url.query.items():
        said[f"PG{name.upper()}"] = value if isinstance(value, str) else value[-1]
    return {**os.environ, "LC_ALL": "C", **{name: value for name, value in said.items() if value}}


def _require_success(ended: subprocess.Popen[bytes], name: str, words: bytes) -> None:
    if ended.returncode:
        raise StoreUnavailable(f"{name} failed: {_one_line(words)}")


def _all_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _one_line(words: bytes) -> str:
    return " ".join(words.decode("utf-8", "replace").split())[:500] or "it did not say why"
