"""Commands about tasks that are set aside because they took their workers with them."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from digest.cli.context import actor, with_database

Number = Annotated[int, typer.Argument(min=1, max=2**31 - 1, metavar="NUMBER", help="Its number in the list.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="Tasks that killed their workers, and are not run.", no_args_is_help=True)
    group.command("list")(list_aside)
    group.command("retry")(retry)
    group.command("forget")(forget)
    app.add_typer(group, name="tasks")


def list_aside(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """List the tasks that are set aside, with the last words about each; exit status 1 if there are any."""
    from digest.store.engine import reading
    from digest.store.trials import set_aside

    services = with_database()
    with reading(services.engine) as session:
        found = set_aside(session)
    if as_json:
        typer.echo(json.dumps([one.as_plain() for one in found], ensure_ascii=False))
    else:
        for one in found:
            typer.echo(
                f"{one.id}: {one.name}: {one.tries} tries, the last on {one.worker} at {one.began_at:%d %b %H:%M} UTC: "
                f"{one.words}"
            )
        typer.echo("go on with: digest tasks retry NUMBER" if found else "no task is set aside")
    if found:
        raise typer.Exit(1)


def retry(number: Number) -> None:
    """Try a task again that is set aside, and count anew; the next tick starts it if it is still due."""
    from digest.flows.trials import try_again

    services = with_database()
    work = try_again(services.engine, number, actor=actor(), now=services.clock())
    services.kick()
    typer.echo(f"{work.name} is tried again")


def forget(number: Number) -> None:
    """Leave a task undone: nothing starts it for a day, then it is tried anew if it is due."""
    from digest.flows.trials import forget as leave_undone

    services = with_database()
    work = leave_undone(services.engine, number, actor=actor(), now=services.clock())
    typer.echo(f"{work.name} is left undone for a day")
