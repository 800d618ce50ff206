"""The command about papers' words: how new each paper is, and what is near it."""

from __future__ import annotations

import resource
import time

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from digest.cli.context import with_database


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("novelty")(novelty)


def novelty() -> None:
    """Read the words of all papers that are new here: how unlike earlier work each is, and what is near it.

    The service does this by itself after every reading of the sources; by hand it fills in what an older version has
    left out. What is there already stands. It can be stopped at any time, and goes on where it was.
    """
    from digest.flows.learn import learn_again
    from digest.flows.words import read_words

    services = with_database()
    started, worked = time.perf_counter(), time.process_time()
    columns = (TextColumn("reading words (papers)"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        tally = read_words(
            services.engine,
            lambda done, total: bar.update(task, completed=done, total=total),
            then=lambda session, ids: learn_again(session, ids, now=services.clock()),
        )
        bar.update(task, completed=tally.read, total=tally.read)
    if not tally.read:
        typer.echo("no paper has words that were not read yet")
        return
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    typer.echo(
        f"{tally.read:,} papers read, {tally.judged:,} of them with a novelty, {tally.neighbours:,} neighbours kept; "
        f"{time.perf_counter() - started:.0f} s ({time.process_time() - worked:.0f} s of processor), "
        f"{megabytes} MB at most"
    )
