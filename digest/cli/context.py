"""What the commands share: the wired services and a database that is fit to use."""

from __future__ import annotations

import getpass
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import typer
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from digest.config import read_settings, unknown_settings
from digest.errors import ConfigError, FileUnusable, StoreUnavailable
from digest.store.schema import SchemaState, require_current, schema_state, upgrade
from digest.wiring import Services

# Before arXiv there is nothing to say; near the ends of the calendar there is no day before or after.
_FIRST, _LAST = date(1991, 1, 1), date(2200, 12, 31)


def wired() -> Services:
    """Wire the services from the environment, and name settings that nothing reads."""
    settings = read_settings()
    for name in unknown_settings():
        typer.echo(f"digest: no setting is called {name}; see docs/configuration.md", err=True)
    services = Services(settings)
    services.name_readers()
    return services


def with_database() -> Services:
    """Wire the services on a current schema: an empty database gets its tables, an outdated one is refused."""
    services = wired()
    if schema_state(services.engine) is SchemaState.ABSENT:
        typer.echo("digest: creating the tables of an empty database", err=True)
        upgrade(services.engine)
    require_current(services.engine)
    return services


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turn what databases and file systems refuse into errors of ours, which are one clear line."""
    try:
        yield
    except DBAPIError as error:
        if type(error) not in {OperationalError, DatabaseError}:
            raise  # its subclasses, such as a broken constraint, are faults of ours
        words = " ".join(str(error.orig).split())
        raise StoreUnavailable(f"the database of DIGEST_DATABASE_URL cannot be used: {words[:300]}") from error
    except OSError as error:
        if error.filename is None:
            raise
        raise FileUnusable(f"{error.filename} cannot be used: {error.strerror}") from error


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that the first SIGTERM or Ctrl-C sets; a second one ends the process as ever."""
    stopping = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, _frame: object) -> None:
        stopping.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, stop)
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def day(text: str | None, option: str) -> date | None:
    """Read an ISO date given on the command line; raises ConfigError naming the option."""
    if text is None:
        return None
    try:
        named = date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is not a date such as 2026-05-20") from error
    _check_reach(named, text, option)
    return named


def moment(text: str | None, option: str) -> datetime | None:
    """Read an ISO instant given on the command line, UTC unless it names an offset."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is not an instant such as 2026-05-20T06:00:00Z") from error
    _check_reach(instant.date(), text, option)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _check_reach(named: date, text: str, option: str) -> None:
    if not _FIRST <= named <= _LAST:
        raise ConfigError(f"{option} {text!r} is out of reach: days from {_FIRST} to {_LAST} are taken")


def actor() -> str:
    """Name who gives a command, for the audit log."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # no account has this number, as in some containers
        return "command line"
