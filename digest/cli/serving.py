"""Commands that run and stay: everything in one process, or each part in its own; and the database's schema."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.context import wired

Port = Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")]
Host = Annotated[str, typer.Option(help="The address to listen on.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("up")(up)
    app.command("web")(web)
    app.command("worker")(worker)
    app.command("scheduler")(scheduler)
    app.command("demo")(demo)
    app.command("settings")(settings)
    database = typer.Typer(help="The database's schema.", no_args_is_help=True)
    database.command("upgrade")(upgrade)
    app.add_typer(database, name="db")


def up(port: Port = 8000, host: Host = "127.0.0.1") -> None:
    """Run site, scheduler and worker in this one process, until Ctrl-C."""
    from digest.running import run_everything

    run_everything(host=host, port=port)


def web(port: Port = 8000, host: Host = "127.0.0.1") -> None:
    """Run the site."""
    from digest.running import run_web

    run_web(host=host, port=port)


def worker(
    concurrency: Annotated[int, typer.Option(min=1, help="How many processes.")] = 2,
    queues: Annotated[str, typer.Option(help="The queues to take from, comma-separated; all without it.")] = "",
) -> None:
    """Run a worker: reads sources, scores, composes and sends."""
    from digest.running import run_worker

    run_worker(concurrency=concurrency, queues=queues)


def scheduler() -> None:
    """Run the scheduler, which ticks and puts what is due on the queue."""
    from digest.running import run_scheduler

    run_scheduler()


def upgrade() -> None:
    """Create the tables, or bring them up to date."""
    from digest.store.schema import upgrade as upgrade_schema

    services = wired()
    upgrade_schema(services.engine)
    typer.echo("the database has the schema of this version")


def demo(
    serve: Annotated[bool, typer.Option(help="Serve site, admin and inbox afterwards.", envvar="DEMO_SERVE")] = True,
    port: Port = 8000,
) -> None:
    """Send today's digest to invented readers from bundled facts, then serve site, admin and inbox."""
    from digest.demo import run_demo

    run_demo(serve=serve, port=port)


def settings() -> None:
    """Print every setting as a Markdown table: its variable, its default, what it is for."""
    from digest.config import Settings

    typer.echo("| variable | default | what it is for |\n|---|---|---|")
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = ", ".join(default) if isinstance(default, list) else str("" if default is None else default)
        typer.echo(f"| `DIGEST_{name.upper()}` | {f'`{shown}`' if shown else ''} | {field.description} |")
