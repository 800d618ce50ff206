"""Commands about the addresses that are never mailed: list, add, lift, import, export."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TextIO

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli.context import with_database
from digest.cli.new_file import new_file

if TYPE_CHECKING:
    from digest.store.suppressions import Ban

Address = Annotated[str, typer.Argument(metavar="EMAIL", help="The address.")]
Reason = Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why, for whoever reads the list.")]
_TOLD = 20  # refused lines that are printed one by one


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="The addresses that are never mailed.", no_args_is_help=True)
    group.command("list")(show)
    group.command("add")(add)
    group.command("lift")(lift)
    group.command("import")(import_)
    group.command("export")(export)
    app.add_typer(group, name="suppressions")


def show(
    address: Annotated[str, typer.Argument(metavar="[EMAIL]", help="Only this address.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
) -> None:
    """List the newest bans, or say whether one address is banned."""
    from digest.store.engine import reading
    from digest.store.suppressions import bans_on, count_bans, newest_bans

    services = with_database()
    with reading(services.engine) as session:
        found = bans_on(session, services.tokens.address_hashes(address)) if address else newest_bans(session, limit)
        together = count_bans(session)
    if as_json:
        typer.echo(json.dumps([_as_plain(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        typer.echo(
            f"{one.since:%Y-%m-%d %H:%M}  {one.address or one.address_hash[:12] + '... (hash only)'}  {one.reason}"
        )
    if address and not found:
        typer.echo(f"{address} is not banned")
    if not address:
        typer.echo(
            f"{together} banned addresses" + (f", the newest {len(found)} shown" if len(found) < together else "")
        )


def _as_plain(one: Ban) -> dict[str, str | None]:
    return {"hash": one.address_hash, "address": one.address, "reason": one.reason, "since": one.since.isoformat()}


def add(address: Address, reason: Reason = "by hand") -> None:
    """Ban an address at once; what waits for it is not sent."""
    from digest.flows.ban_list import ban

    services = with_database()
    added = ban(services.engine, services.tokens, address, reason, now=services.clock())
    typer.echo(f"{address} is banned" if added else f"{address} was banned already")


def lift(address: Address) -> None:
    """Lift the ban on an address; the reader's consent stays as it was."""
    from digest.flows.ban_list import lift as lift_ban

    services = with_database()
    lifted = lift_ban(services.engine, services.tokens, address, now=services.clock())
    typer.echo(f"the ban on {address} is lifted" if lifted else f"{address} was not banned")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, or one address a line; - is standard input.")],
    reason: Reason = "imported",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line and write nothing.")] = False,
) -> None:
    """Take in a list of bans; every good line counts, every bad one is named. Exit status 1 if any was bad."""
    from digest.flows.ban_list import Intake

    services = with_database()
    intake = Intake(services.engine, services.tokens, reason=reason, now=services.clock(), dry_run=dry_run)
    console = Console(stderr=True)
    with ExitStack() as open_things:
        lines: BinaryIO = sys.stdin.buffer if str(file) == "-" else open_things.enter_context(file.open("rb"))
        size = None if str(file) == "-" else file.stat().st_size
        progress = open_things.enter_context(Progress(console=console, transient=True, disable=not console.is_terminal))
        bar = progress.add_task("reading", total=size)
        for taken in intake.take(iter(lambda: lines.readline(65_536), b"")):
            progress.update(bar, advance=taken)
    intake.close(file.name)
    for one in intake.refused[:_TOLD]:
        typer.echo(f"line {one.number}: {one.why}", err=True)
    if len(intake.refused) > _TOLD:
        typer.echo(f"and {len(intake.refused) - _TOLD} more lines like these", err=True)
    verb = "would be banned" if dry_run else "banned"
    typer.echo(f"{intake.new} {verb}, {intake.known} known already, {len(intake.refused)} lines refused")
    if intake.refused:
        raise typer.Exit(1)


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the CSV goes; - is standard output.")],
    hashes_only: Annotated[
        bool,
        typer.Option(
            "--hashes-only", help="Leave the addresses out; only an installation with the same secret can use it."
        ),
    ] = False,
) -> None:
    """Write every ban as CSV, as `import` reads it; a file is never overwritten, and only its owner can read it."""
    from digest.flows.ban_list import export as lines_of

    services = with_database()
    with ExitStack() as open_things:
        out: TextIO = sys.stdout if str(file) == "-" else open_things.enter_context(new_file(file))
        count = -1
        for line in lines_of(services.engine, services.tokens, hashes_only=hashes_only, now=services.clock()):
            out.write(line + "\n")
            count += 1
    typer.echo(f"{count} bans written", err=True)
