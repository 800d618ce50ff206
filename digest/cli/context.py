"""What the commands share: the wired services and a database that is fit to use."""

from __future__ import annotations

from datetime import UTC, date, datetime

import typer

from digest.config import read_settings, unknown_settings
from digest.errors import ConfigError
from digest.store.schema import SchemaState, require_current, schema_state, upgrade
from digest.wiring import Services


def wired() -> Services:
    """Wire the services from the environment, and name settings that nothing reads."""
    for name in unknown_settings():
        typer.echo(f"digest: no setting is called {name}; see docs/configuration.md", err=True)
    return Services(read_settings())


def with_database() -> Services:
    """Wire the services on a current schema: an empty database gets its tables, an outdated one is refused."""
    services = wired()
    if schema_state(services.engine) is SchemaState.ABSENT:
        typer.echo("digest: creating the tables of an empty database", err=True)
        upgrade(services.engine)
    require_current(services.engine)
    return services


def day(text: str | None, option: str) -> date | None:
    """Read an ISO date given on the command line; raises ConfigError naming the option."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is not a date such as 2026-05-20") from error


def moment(text: str | None, option: str) -> datetime | None:
    """Read an ISO instant given on the command line, UTC unless it names an offset."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is not an instant such as 2026-05-20T06:00:00Z") from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
