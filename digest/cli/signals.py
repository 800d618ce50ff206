"""The command that asks the services for signals: stars, points, citations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli.context import wired, with_database
from digest.core.capture import RunStatus

ServiceName = Annotated[
    str, typer.Argument(metavar="SERVICE", help="github, hacker-news, semantic-scholar or openalex")
]


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("refresh")(refresh)


def refresh(
    service: ServiceName,
    limit: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Ask for at most so many papers; a run's budget without it.")
    ] = None,
    from_file: Annotated[
        Path | None, typer.Option(help="Print what a recorded response says, and neither ask nor store anything.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
) -> None:
    """Ask one service for the papers that are due; exit status 0 when it answered, 1 when not."""
    from digest.flows.bounded import read_bounded
    from digest.flows.refresh import refresh as refresh_signals

    if from_file is not None:
        for record in wired().signal_service(service).records(read_bounded(from_file), str(from_file)):
            words = json.dumps(record, ensure_ascii=False)
            typer.echo(words if as_json else ", ".join(f"{name}: {value}" for name, value in record.items()))
        return
    services = with_database()
    asked = services.signal_service(service)
    with services.http_client(service) as client, Progress(console=Console(stderr=True)) as bar:
        asking = bar.add_task(f"asking {service}", total=None)
        report = refresh_signals(
            services.engine,
            asked,
            client,
            clock=services.clock,
            limit=limit or services.signal_limit(service),
            progress=lambda done, due: bar.update(asking, completed=done, total=due),
        )
    if as_json:
        typer.echo(json.dumps(report.as_plain(), ensure_ascii=False))
    else:
        typer.echo(f"{service}: {report.status} ({report.reason}): {report.observations} observations")
    if report.status is RunStatus.FAILED:
        raise typer.Exit(1)
