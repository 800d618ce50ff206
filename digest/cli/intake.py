"""Commands that let readers in: a file of them, and invitations."""

from __future__ import annotations

import csv
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TextIO

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli.context import with_database
from digest.cli.new_file import new_file

if TYPE_CHECKING:
    from digest.flows.csv_lines import Refused

_TOLD = 20  # refused lines that are printed one by one


def add_to(app: typer.Typer, subscribers: typer.Typer) -> None:
    """Add the commands to the application, and to its group about readers."""
    subscribers.command("import")(import_)
    app.command("invite")(invite)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header; - is standard input.")],
    source: Annotated[str, typer.Option(metavar="WORDS", help="Where these readers agreed to get a digest.")] = "",
    confirm: Annotated[bool, typer.Option("--confirm", help="Ask each of them by mail instead.")] = False,
    rejects: Annotated[Path | None, typer.Option(metavar="FILE", help="Where lines go that are not taken.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line and write nothing.")] = False,
) -> None:
    """Take in readers: address, and if you like categories, hour, timezone, cadence, weekday, papers, confirmed_at, ip.

    Every good line counts, every bad one is named with its number. Exit status 1 if any was bad.
    """
    from digest.flows.intake import ReaderIntake

    services = with_database()
    with ExitStack() as open_things:
        lines: BinaryIO = sys.stdin.buffer if str(file) == "-" else open_things.enter_context(file.open("rb"))
        told = _Told(open_things.enter_context(new_file(rejects)) if rejects else None)
        intake = ReaderIntake(
            services.engine,
            services.tokens,
            source=source,
            confirm=confirm,
            now=services.clock(),
            tell=told,
            dry_run=dry_run,
            special_use=services.settings.allow_test_addresses,
        )
        console = Console(stderr=True)
        progress = open_things.enter_context(Progress(console=console, transient=True, disable=not console.is_terminal))
        bar = progress.add_task("reading", total=None if str(file) == "-" else file.stat().st_size)
        for taken in intake.take(iter(lambda: lines.readline(65_536), b"")):
            progress.update(bar, advance=taken)
    intake.close(file.name)
    if confirm and intake.new and not dry_run:
        services.kick()
    told.close()
    for name in intake.ignored:
        typer.echo(f"the column {name!r} is not known, and was left out", err=True)
    verb = "would be new" if dry_run else "new"
    typer.echo(f"{intake.new} {verb}, {intake.known} known already, {intake.banned} banned, {intake.refused} refused")
    if intake.refused:
        raise typer.Exit(1)


class _Told:
    """Names the lines that are not taken: in a file, or the first of them on standard error."""

    def __init__(self, file: TextIO | None) -> None:
        self._written = csv.writer(file) if file else None
        self._count = 0
        if self._written:
            self._written.writerow(["line", "why", "text"])

    def __call__(self, refused: Refused, raw: bytes) -> None:
        self._count += 1
        if self._written:
            text = raw.decode("utf-8", "replace").rstrip("\r\n")
            self._written.writerow([refused.number, refused.why, f"'{text}" if text[:1] in "=+-@\t'" else text])
        elif self._count <= _TOLD:
            typer.echo(f"line {refused.number}: {refused.why}", err=True)

    def close(self) -> None:
        """Say how many more there were."""
        if not self._written and self._count > _TOLD:
            typer.echo(f"and {self._count - _TOLD} more lines like these; --rejects FILE keeps them all", err=True)


def invite(
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many links.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=3650, help="For how many days they work.")] = 14,
    uses: Annotated[int, typer.Option(min=1, max=100_000, help="How many addresses may be entered by each.")] = 1,
) -> None:
    """Print links by which people may subscribe where sign-up is not open to them; they are shown only now."""
    from digest.flows.invitations import invite as make

    services = with_database()
    for token in make(services.engine, count=count, lasts=timedelta(days=days), uses=uses, now=services.clock()):
        typer.echo(f"{services.settings.base_url}/invitation/{token}")
