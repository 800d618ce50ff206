"""Commands about mail: send what is due, and sweep."""

from __future__ import annotations

from collections import Counter

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli.context import stopped_by_signals, with_database
from digest.errors import RelayUnavailable

_A_RUN = 1_000


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("deliver")(deliver)
    app.command("sweep")(sweep)


def deliver() -> None:
    """Send everything that is due now; Ctrl-C or SIGTERM finishes what is under way and gives back the rest."""
    from digest.flows.brake import BrakeWatch
    from digest.flows.deliver import deliver_due
    from workers.tasks import worker_name

    services = with_database()
    services.guard.stand()
    watch = BrakeWatch()
    totals: Counter[str] = Counter()
    trouble = ""
    console = Console(stderr=True)
    with (
        stopped_by_signals() as stopping,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        bar = progress.add_task("delivering", total=None)
        while True:
            judged = watch.look(services.engine, services.clock)
            tally = deliver_due(
                services.engine,
                services.courier,
                worker=worker_name(),
                clock=services.clock,
                limit=_A_RUN,
                stopping=stopping.is_set,
            )
            totals.update(tally.as_plain())
            progress.update(bar, advance=tally.total)
            trouble = tally.trouble
            if trouble or tally.total + tally.lost < _A_RUN:
                break
    if totals:
        services.guard.stand()
    typer.echo(", ".join(f"{count} {state}" for state, count in totals.items()) or "nothing is due")
    for words in judged.words:
        typer.echo(f"brake: {judged.pull}: {words}", err=True)
    if trouble:
        raise RelayUnavailable(f"delivery stopped: {trouble}")


def sweep() -> None:
    """Return what stopped workers left behind to a state that says so."""
    from digest.flows.deliver import sweep as sweep_deliveries

    services = with_database()
    moved = sweep_deliveries(services.engine, now=services.clock(), warm_up=services.warm_up).as_plain()
    typer.echo(", ".join(f"{count} {state}" for state, count in moved.items()) or "nothing to sweep")
