"""Commands about readers: list, show, export, erase, and forget those whose time is over."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli import intake
from digest.cli.context import with_database
from digest.cli.new_file import new_file
from digest.core.subscription import SubscriptionState
from digest.errors import NotFound

if TYPE_CHECKING:
    from digest.wiring import Services

Address = Annotated[str, typer.Argument(metavar="EMAIL", help="The reader's address.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="The readers: who they are, what is kept of them, and for how long.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("export")(export)
    group.command("erase")(erase)
    group.command("retain")(retain)
    intake.add_to(app, group)
    app.add_typer(group, name="subscribers")


def list_(
    state: Annotated[
        SubscriptionState | None, typer.Option(help="Only readers whose consent stands like this.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest readers, and count all of them by state."""
    from digest.store import roll
    from digest.store.engine import reading

    services = with_database()
    with reading(services.engine) as session:
        found = roll.newest(session, state, limit)
        counts = roll.counts(session)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, default=_plain))
        return
    for one in found:
        slot = f"{one.cadence} {one.hour:02}:00 {one.timezone}"
        typer.echo(f"{one.since:%Y-%m-%d}  {one.state:<12}  {one.address}  {slot}")
    typer.echo(", ".join(f"{number} {name}" for name, number in counts.items()) or "nobody has subscribed yet")


def show(address: Address, as_json: AsJson = False) -> None:
    """Show how a reader's consent stands, its record with the words agreed to, bans, and the mail they were sent."""
    from digest.flows.wording import name_of, words_of
    from digest.store import roll
    from digest.store.engine import reading
    from digest.store.suppressions import bans_on

    services = with_database()
    reader = _reader_at(services, address)
    with reading(services.engine) as session:
        found = roll.one(session, reader)
        record = roll.record_of(session, reader)
        mail = roll.mail_of(session, reader)
        bans = bans_on(session, services.tokens.address_hashes(address))
    agreed = list(dict.fromkeys(name_of(one.wording, one.language) for one in record if one.wording))
    shown = {
        "reader": asdict(found) if found else {"subscriber_id": reader, "address": address},
        "consents": [asdict(one) for one in record],
        "wordings": {name: words_of(name) for name in agreed},
        "bans": [{"reason": ban.reason, "since": ban.since} for ban in bans],
        "mail": mail,
    }
    if as_json:
        typer.echo(json.dumps(shown, ensure_ascii=False, default=_plain))
        return
    if found:
        typer.echo(f"{found.address}: {found.state}, {found.cadence} at {found.hour:02}:00 ({found.timezone})")
    for one in record:
        words = f", wording {name_of(one.wording, one.language)}" if one.wording else ""
        typer.echo(f"{one.at:%Y-%m-%d %H:%M}  {one.action}  from {one.source or 'nowhere'} {one.ip}{words}")
    for name in agreed:
        for place, said in words_of(name).items():
            typer.echo(f"  {name}, {place}: {said}")
    for ban in bans:
        typer.echo(f"banned since {ban.since:%Y-%m-%d %H:%M}: {ban.reason}")
    typer.echo(", ".join(f"{number} {what}" for what, number in mail.items()) or "no mail yet")


def export(
    address: Address,
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where the JSON goes; - is standard output.")] = Path(
        "-"
    ),
) -> None:
    """Write everything held about a reader as JSON; docs/privacy.md describes it. A file is never overwritten."""
    from digest.flows.export import export as export_reader
    from digest.store.admins import append_audit
    from digest.store.engine import writing

    services = with_database()
    reader, now = _reader_at(services, address), services.clock()
    held = export_reader(services.engine, services.tokens, reader, base_url=services.settings.base_url, now=now)
    with ExitStack() as open_things:
        out: TextIO = sys.stdout if str(file) == "-" else open_things.enter_context(new_file(file))
        out.write(held)
    with writing(services.engine) as session:
        target = services.tokens.address_hashes(address)[0][:12]
        append_audit(session, at=now, actor="command line", action="export reader", target=target)


def erase(
    address: Address,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a reader at once and for good; a ban on the address stays as a keyed hash."""
    from digest.flows.erasure import erase_address

    services = with_database()
    _reader_at(services, address)
    if not yes:
        typer.confirm(f"Erase everything about {address}? It cannot be undone.", abort=True)
    done = erase_address(services.engine, services.tokens, address, actor="command line", now=services.clock())
    typer.echo(f"{address} is erased; {done.deliveries} deliveries are nobody's now")


def retain(dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is due.")] = False) -> None:
    """Erase readers whose time is over and shorten old IP addresses, as the scheduler does every six hours."""
    from digest.flows import retention

    services = with_database()
    due = retention.due(services.engine, services.reader_terms, now=services.clock())
    done = due
    if not dry_run:
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("forgetting", total=due.never_confirmed + due.unsubscribed + due.addresses)
            done = retention.retain(
                services.engine,
                services.tokens,
                services.reader_terms,
                now=services.clock(),
                progress=lambda number: progress.update(bar, advance=number),
            )
    erased, shortened = ("would be erased", "would be shortened") if dry_run else ("erased", "shortened")
    typer.echo(
        f"{done.never_confirmed} who never confirmed and {done.unsubscribed} who left {erased}, "
        f"{done.addresses} IP addresses {shortened}"
    )


def _reader_at(services: Services, address: str) -> int:
    from digest.store.choices import subscriber_of
    from digest.store.engine import reading

    with reading(services.engine) as session:
        reader = subscriber_of(session, address)
    if reader is None:
        raise NotFound(f"nobody is known by the address {address}; digest suppressions list shows a ban on it")
    return reader


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
