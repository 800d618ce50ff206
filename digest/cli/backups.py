"""Commands that copy the database: back it up while it is used, and restore it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli.context import wired
from digest.store.engine import reading
from digest.store.schema import require_current

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup's file.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(file: BackupFile) -> None:
    """Write a checked copy of the database, as it is at one instant, and its checksum; workers may go on."""
    from digest.flows.backup import backup as back_up
    from digest.flows.backup import checksum

    services = wired()
    require_current(services.engine)  # a database made this instant is no backup of the one that was meant
    with _progress("backing up") as progress:
        size = back_up(services.guard, file, progress)
    typer.echo(f"{file}: {size / 1e6:.1f} MB; {checksum(file)} has its checksum")


def restore(
    file: BackupFile,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Do not ask for the checksum.")] = False,
) -> None:
    """Put a backup in place of the database; nothing that may have been sent since is sent again by itself."""
    from digest.flows.backup import restore as put_back
    from digest.store.issues import dates_of

    services = wired()
    if not yes:
        typer.confirm("Everything in the database will be replaced. Go on?", abort=True)
    with _progress("restoring") as progress:
        fenced = put_back(services.guard, file, progress, unchecked=unchecked)
    with reading(services.engine) as session:
        dates = dates_of(session, fenced.issues)
    held = ", ".join(str(on) for on in dates) or "none"
    typer.echo(
        f"restored, and fenced: {fenced.unknown} deliveries that were due are unknown, issues held: {held}.\n"
        "What to do next is in docs/operations.md: look at /admin/deliveries, let issues go whose later slots shall be "
        "served, and make today's issue only if it was not sent: digest compose --after-restore.\n"
        "Who unsubscribed or complained since the backup is a reader again: take that in anew from the bounce mailbox."
    )


@contextmanager
def _progress(words: str) -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as shown:
        bar = shown.add_task(words, total=None)
        yield lambda done, total: shown.update(bar, completed=done, total=total or None)
