"""Commands that ask something of a source beside its plan: to be read now, or from a date on; and stop that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from digest.cli.context import day, with_database
from digest.errors import ConfigError
from digest.outside import LIVE_SOURCES, SIGNAL_SERVICES

if TYPE_CHECKING:
    from datetime import date

    from digest.core.asker import Asker
    from digest.wiring import Services

Name = Annotated[str, typer.Argument(metavar="NAME", help="arxiv-rss, arxiv-api, arxiv-oai, hf, or a service.")]
Scope = Annotated[str, typer.Option(help="This category or set only; all that are set up without it.")]
_ACTOR = "command line"
_TAKEN_UP = "a worker takes it up within half a minute; digest sources status shows how it goes"


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group of the sources."""
    group.command("run")(run)
    group.command("backfill")(fill_in)
    group.command("stop")(stop)


def run(name: Name, scope: Scope = "") -> None:
    """Have a source or service read now, once, by the worker; it waits where the service wants to be left alone."""
    from digest.flows.errands import ask_to_run

    services = with_database()
    for one in _scopes(services, name, scope):
        typer.echo(f"{name} {one}: {ask_to_run(services.engine, name, one, _asker(services))}")
        services.errand(name, one)
    typer.echo(_TAKEN_UP, err=True)


def fill_in(
    name: Name,
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day, like 2026-05-01.")],
    scope: Scope = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Have a source read from a date on by the worker, once it was said what that costs; it goes on where it was."""
    from digest.flows.errands import ask_to_fill_in, cost_of

    if name not in LIVE_SOURCES:
        raise ConfigError(f"{name} cannot be filled in; these list papers: {', '.join(LIVE_SOURCES)}")
    services = with_database()
    first = _day(since)
    source, pace = services.live_source(name), services.pace_of(name)
    scopes = _scopes(services, name, scope)
    for one in scopes:
        cost = cost_of(services.engine, source, one, first, pace=pace, now=services.clock())
        typer.echo(f"{name} {one} from {first}: {cost.words}")
    if not yes:
        typer.confirm("Fill it in?", abort=True)
    for one in scopes:
        words = ask_to_fill_in(services.engine, source, one, first, _asker(services), pace=pace)
        typer.echo(f"{name} {one}: {words}")
        services.errand(name, one)
    typer.echo(_TAKEN_UP, err=True)


def stop(name: Name, scope: Scope = "") -> None:
    """End the back-fills of a source at their next page; what they read stays."""
    from digest.flows import errands as flow
    from digest.store.engine import reading
    from digest.store.errands import errands

    services = with_database()
    _scopes(services, name, scope)  # names the sources where there is none of that name
    with reading(services.engine) as session:
        running = [one.scope for one in errands(session) if one.source == name and not one.ended_at and one.since]
    chosen = [scope] if scope else running
    for one in chosen:
        flow.stop(services.engine, name, one, _asker(services))
        typer.echo(f"{name} {one}: stopped")
    if not chosen:
        typer.echo(f"no back-fill of {name} is open")


def show(services: Services) -> None:
    """Print what was asked for, and how far it has come; nothing where nothing was."""
    from digest.store.engine import reading
    from digest.store.errands import errands

    with reading(services.engine) as session:
        found = errands(session)
    if not found:
        return
    table = Table("source", "asked for", "by", "how it goes", "requests", "listings", title="Asked for")
    for one in found:
        until = f"until {one.next_at:%d %b %H:%M} UTC" if one.next_at > services.clock() else "for a worker"
        state = one.outcome or ("under way" if one.held_until else f"waits {until}")
        table.add_row(
            f"{one.source} {one.scope}",
            f"from {one.since} on" if one.since else "to be read now",
            one.asked_by,
            Text(f"{state}: {one.words}" if one.words else state),  # as text: it comes from outside
            f"{one.requests} of about {one.expected}" if one.since else "",
            f"{one.listings}, {one.papers_new} new" if one.since else "",
        )
    Console().print(table)


def _day(since: str) -> date:
    first = day(since, "--from")
    if first is None:
        raise ConfigError("--from names no day")
    return first


def _scopes(services: Services, name: str, scope: str) -> list[str]:
    from digest.core.refresh import SCOPE

    if name in SIGNAL_SERVICES:
        set_up = [SCOPE]
    elif name in LIVE_SOURCES:
        set_up = services.scopes(name)
    else:
        raise ConfigError(f"there is no live source {name!r}; they are: {', '.join((*LIVE_SOURCES, *SIGNAL_SERVICES))}")
    if scope and scope not in set_up:
        raise ConfigError(f"{name} is not set up for {scope!r}, but for: {', '.join(set_up) or 'nothing'}")
    return [scope] if scope else set_up


def _asker(services: Services) -> Asker:
    from digest.core.asker import Asker

    return Asker(_ACTOR, services.clock())
