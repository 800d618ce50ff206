"""Commands about how the outside services stand: ask each once, or show what is stored of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from digest.cli import errands
from digest.cli.context import wired, with_database
from digest.errors import DigestError
from digest.outside import LIVE_SOURCES, SIGNAL_SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from digest.flows.conditions import ServiceLine
    from digest.flows.source_lines import SourceLine


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="The outside services that papers and their signals come from.", no_args_is_help=True)
    group.command("check")(check)
    group.command("status")(status)
    errands.add_to(group)
    app.add_typer(group, name="sources")


def check() -> None:
    """Ask each live source and each service once, store nothing, and say what came back; 1 when one failed."""
    import stamina

    from digest.flows.probe import KNOWN, probe, probe_service

    stamina.set_active(False)  # once: whoever checks wants to know how it is now, not after four tries
    services = wired()
    asked = [(name, next(iter(services.scopes(name)), "")) for name in LIVE_SOURCES]
    asked += [(name, KNOWN.arxiv_id) for name in SIGNAL_SERVICES]
    table = Table("source", "asked for", "answer", title="Live sources and services")
    failed = False
    for name, scope in asked:
        if not scope:
            table.add_row(name, "", "not asked: its list of categories or sets is empty")
            continue
        typer.echo(f"asking {name} for {scope} ...", err=True)
        try:
            with services.http_client(name) as client:
                if name in SIGNAL_SERVICES:
                    answer = probe_service(services.signal_service(name), client, now=services.clock())
                else:
                    answer = probe(services.live_source(name), client, scope, now=services.clock())
        except DigestError as error:
            answer, failed = f"failed: {error}", True
        # As text: what came from outside may look like markup.
        table.add_row(name, scope, Text(answer))
    Console().print(table)
    if failed:
        raise typer.Exit(1)


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one line for each source and service.")] = False,
) -> None:
    """Show how each source and service stood when it was asked last, how far it was read, and when it is asked next."""
    from digest.flows.conditions import service_lines
    from digest.flows.source_lines import source_lines

    services = with_database()
    now = services.clock()
    scopes = [(name, scope) for name in LIVE_SOURCES for scope in services.scopes(name)]
    sources = source_lines(services.engine, scopes, now, polled=services.polled_scopes(), apart=SIGNAL_SERVICES)
    lines = service_lines(services.engine, SIGNAL_SERVICES, now)
    if as_json:
        for plain in [line.as_plain() for line in sources] + [line.as_plain() for line in lines]:
            typer.echo(json.dumps(plain, ensure_ascii=False))
        return
    Console().print(_sources_table(sources))
    Console().print(_services_table(lines))
    errands.show(services)


def _sources_table(lines: Iterable[SourceLine]) -> Table:
    table = Table("source", "newest run", "at", "listed", "read up to", "what it said", title="Sources of papers")
    for line in lines:
        health = line.health
        table.add_row(
            Text(f"{line.source} {line.scope}".strip()),
            line.status,
            f"{health.started_at:%d %b %H:%M} UTC" if health else "",
            f"{health.listings:,}, {health.papers_new:,} new" if health else "",
            Text(line.cursor),
            Text(health.reason if health else ""),
        )
    return table


def _services_table(lines: Iterable[ServiceLine]) -> Table:
    table = Table("service", "newest run", "papers", "today", "budget", "refused with", "next", title="Services")
    for line in lines:
        row = line.condition.row
        papers = ", ".join(f"{number:,} {finding}" for finding, number in line.condition.papers.items() if number)
        today = f"{row.requests:,} requests, {row.refused:,} refused" if row else "no request"
        refusal = f"{row.refusal} ({row.refused_at:%d %b %H:%M})" if row and row.refused_at else ""
        table.add_row(
            line.condition.service,
            line.status,
            papers or "none asked for",
            today,
            line.budget or "it names none",
            Text(refusal),
            f"{line.next_at:%d %b %H:%M} UTC",
        )
    return table
