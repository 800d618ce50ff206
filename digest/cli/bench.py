"""Commands that measure this machine: how fast the real engine sends to a relay."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    bench = typer.Typer(help="Measure on this machine; nothing here mails a reader.", no_args_is_help=True)
    bench.callback()(_bench)
    bench.command("send")(send)
    app.add_typer(bench, name="bench")


def _bench() -> None:
    """Measure on this machine; nothing here mails a reader."""


def send(
    deliveries: Annotated[int, typer.Option(min=1, help="How many readers are invented and mailed.")],
    smtp: Annotated[str, typer.Option(help="The relay: a sink, such as smtp://127.0.0.1:2525.")],
    database: Annotated[str, typer.Option(help="An empty database, or that of an earlier run.")],
    dkim: Annotated[bool, typer.Option("--dkim", help="Sign each message with a new RSA-2048 key.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=16, help="How many processes send.")] = 2,
    connections: Annotated[int, typer.Option(min=1, max=200, help="How many connections each of them opens.")] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Mail invented readers, ten papers of their own choice each, through the real engine, and say how fast it was.

    Filling the database is not counted. The addresses end in .invalid: no relay can pass them on.
    """
    from dataclasses import asdict

    from digest.rehearsal import Plan, rehearse

    plan = Plan(deliveries=deliveries, smtp=smtp, database=database, workers=workers, connections=connections)
    outcome = rehearse(plan, dkim=dkim)
    if as_json:
        typer.echo(json.dumps(asdict(outcome)))
        return
    states = ", ".join(f"{count} {state}" for state, count in outcome.states.items())
    typer.echo(
        f"{outcome.deliveries} deliveries in {outcome.seconds} s: {outcome.per_second} a second, "
        f"{outcome.rss_mb} MB in all processes; {states}"
    )
