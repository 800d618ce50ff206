"""The command that deletes what is past its time."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli.context import stopped_by_signals, with_database


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("prune")(prune)


def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be deleted, and delete nothing.")
    ] = False,
) -> None:
    """Delete observations, deliveries, runs and the like that are past their time; the scheduler does so daily."""
    from digest.flows.prune import past_its_time
    from digest.flows.prune import prune as delete_past

    services = with_database()
    keep = services.retention
    expected = past_its_time(services.engine, keep, now=services.clock())
    if dry_run:
        for name, number in expected.counts.items():
            typer.echo(f"{name}: {number} would be deleted")
        return
    console = Console(stderr=True)
    with (
        stopped_by_signals() as stopping,
        Progress(console=console, transient=True, disable=not console.is_terminal) as shown,
    ):
        bar = shown.add_task("deleting", total=expected.total)
        done = delete_past(
            services.engine,
            keep,
            now=services.clock(),
            stopping=stopping.is_set,
            progress=lambda _kind, number: shown.update(bar, advance=number),
        )
    for name, number in done.counts.items():
        typer.echo(f"{name}: {number} deleted")
    if not done.finished:
        typer.echo("stopped before the end; the next run goes on from there", err=True)
