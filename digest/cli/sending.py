"""The editor's commands that send: `digest issue test` and `digest issue send-now`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from digest.cli.context import actor, day, with_database
from digest.errors import ConfigError


def add_to(issue: typer.Typer) -> None:
    """Add the commands to `digest issue`."""
    issue.command("test")(send_test)
    issue.command("send-now")(send)


def send_test(
    to: Annotated[str, typer.Option("--to", metavar="EMAIL", help="Who gets it.")],
    date: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="The issue's date (UTC), such as 2026-05-20; tomorrow's without it."),
    ] = None,
    reader: Annotated[str | None, typer.Option(metavar="EMAIL", help="Show the mail of this reader.")] = None,
    category: Annotated[
        list[str] | None, typer.Option(metavar="CATEGORY", help="Cut it for a category; give it again for more.")
    ] = None,
) -> None:
    """Mail somebody an issue as `digest preview` shows it: at once, its links inert, marked as a test."""
    from digest.flows.preview import preview
    from digest.flows.specimen import send_specimen
    from digest.flows.subscribe import readable_address

    services = with_database()
    address = readable_address(to, special_use=services.settings.allow_test_addresses)
    now = services.clock()
    issued_on = day(date, "--date") or (now + timedelta(days=1)).date()
    categories = tuple(category or ())
    shown = preview(
        services.engine,
        services.previewer,
        issued_on=issued_on,
        at=min(now, services.cut_off(issued_on)),
        reader=reader,
        size=services.settings.issue_size,
        categories=categories,
    )
    send_specimen(services.engine, shown, address, categories=categories, actor=actor(), now=now)
    services.kick()
    typer.echo(f"a test of the issue of {issued_on} is on its way to {address}; a running worker sends it at once")


def send(
    date: Annotated[
        str | None, typer.Option(metavar="DATE", help="The issue's date (UTC), such as 2026-05-20; today's without it.")
    ] = None,
    late: Annotated[bool, typer.Option("--late", help="Only those that were due and wait for another try.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the date to be typed.")] = False,
) -> None:
    """Let the digests of a frozen issue go that wait for their hour: each on its own local date, nobody's twice."""
    from digest.flows.send_now import Which, coming, send_now

    services = with_database()
    now = services.clock()
    issued_on = day(date, "--date") or now.date()
    if not yes:
        waits = coming(services.engine, issued_on, now)
        if waits is not None:
            typer.echo(
                f"{waits.planned} wait for their hour, {waits.late} for another try; "
                f"{waits.kept} keep their hour, since their day has not begun or they had one lately"
            )
        typed = typer.prompt(f"This cannot be undone. Type the issue's date, {issued_on}, to go on", default="")
        if typed.strip() != issued_on.isoformat():
            raise ConfigError("that is not the issue's date; nothing was sent sooner")
    which = Which.LATE if late else Which.EVERYBODY
    let_go = send_now(services.engine, issued_on, which, actor=actor(), now=now)
    services.kick()
    typer.echo(f"{let_go} deliveries of the issue of {issued_on} are due at once")
