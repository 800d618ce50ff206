"""Commands about mail and admins: send what is due, sweep, make a sign-in link."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli.context import with_database

_CHUNK = 200


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("deliver")(deliver)
    app.command("sweep")(sweep)
    admin = typer.Typer(help="Who may sit at the admin's desk.", no_args_is_help=True)
    admin.command("link")(link)
    app.add_typer(admin, name="admin")


def deliver() -> None:
    """Send everything that is due now, chunk by chunk."""
    from digest.flows.deliver import deliver_due
    from workers.tasks import worker_name

    services = with_database()
    totals: dict[str, int] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("delivering", total=None)
        while True:
            tally = deliver_due(
                services.engine, services.courier, worker=worker_name(), clock=services.clock, limit=_CHUNK
            )
            for state, count in tally.as_plain().items():
                totals[state] = totals.get(state, 0) + count
            progress.update(bar, advance=tally.claimed)
            if tally.claimed < _CHUNK:
                break
    typer.echo(", ".join(f"{count} {state}" for state, count in totals.items() if count) or "nothing is due")


def sweep() -> None:
    """Return what stopped workers left behind to a state that says so."""
    from digest.flows.deliver import sweep as sweep_deliveries

    services = with_database()
    tally = sweep_deliveries(services.engine, now=services.clock()).as_plain()
    typer.echo(", ".join(f"{count} {state}" for state, count in tally.items() if count) or "nothing to sweep")


def link(address: Annotated[str, typer.Argument(metavar="EMAIL", help="An address in DIGEST_ADMINS.")]) -> None:
    """Print a one-time sign-in link for an admin."""
    from digest.flows.sign_in import sign_in_link

    services = with_database()
    typer.echo(
        sign_in_link(
            services.tokens,
            address,
            services.settings.admins,
            base_url=services.settings.base_url,
            now=services.clock(),
        )
    )
