"""Commands about the brake, which stops issues by itself: show how it stands, and let them go."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from digest.cli.context import with_database
from digest.core.brake import Pull


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="The brake, which stops issues when too much comes back.", no_args_is_help=True)
    group.command("show")(show)
    group.command("release")(release)
    app.add_typer(group, name="brake")


def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether mail may go out, and why not; exit status 1 where it may not."""
    from digest.flows.brake import brake
    from digest.store.brake import held_by_brake, why_stopped
    from digest.store.engine import reading

    services = with_database()
    with reading(services.engine) as session:
        judged = brake(session, services.clock())
        held = held_by_brake(session)
        why = why_stopped(session)
    if as_json:
        typer.echo(json.dumps({"pull": judged.pull, "words": judged.words, "held": held, "stopped": why}))
    else:
        typer.echo("\n".join([str(judged.pull), *judged.words]))
        if held:
            typer.echo(f"{len(held)} issues are held ({why}); let them go with: digest brake release")
    if judged.pull is Pull.STOP or held:
        raise typer.Exit(1)


def release() -> None:
    """Let the issues go that the brake holds, and count anew from now; the audit log keeps it."""
    from digest.flows.brake import release_brake

    services = with_database()
    let_go = release_brake(services.engine, actor="command line", now=services.clock())
    services.kick()
    typer.echo(f"{len(let_go)} issues go on; what came back before now counts no more")
