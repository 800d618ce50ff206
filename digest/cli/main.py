"""The `digest` command: joins the groups and turns expected failures into one clear line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from digest import __version__
from digest.cli import (
    admins,
    alarms,
    backups,
    bench,
    brake,
    conditions,
    doctor,
    editing,
    inbound,
    init,
    issue,
    mailing,
    novelty,
    pruning,
    ranking,
    serving,
    signals,
    source,
    status,
    subscribers,
    suppressions,
    tasks,
    taste,
)
from digest.cli.context import plain_failures
from digest.errors import DigestError
from digest.logs import configure_logs, log_surprise

app = typer.Typer(
    name="digest",
    help="Firstlight: a daily mail of the research papers that are gaining attention.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
init.add_to(app)
source.add_to(app)
signals.add_to(app)
conditions.add_to(app)
issue.add_to(app)
editing.add_to(app)
admins.add_to(app)
ranking.add_to(app)
novelty.add_to(app)
mailing.add_to(app)
bench.add_to(app)
inbound.add_to(app)
suppressions.add_to(app)
subscribers.add_to(app)
brake.add_to(app)
doctor.add_to(app)
serving.add_to(app)
backups.add_to(app)
status.add_to(app)
alarms.add_to(app)
pruning.add_to(app)
taste.add_to(app)
tasks.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"firstlight {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Firstlight: a daily mail of the research papers that are gaining attention."""


def main() -> None:
    """Run the command line; an expected failure is one line on standard error and exit status 1."""
    configure_logs()
    try:
        with plain_failures():
            app()
    except DigestError as error:
        typer.echo(f"digest: {error}", err=True)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  # a traceback of the interpreter's own would hold what its error says
        log_surprise(error)
        sys.exit(1)
