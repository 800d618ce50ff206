"""The command about readers' taste: replay reading profiles over recorded papers."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("recommend")(recommend)


def recommend(
    papers: Annotated[list[Path], typer.Option(metavar="FILE", help="Papers, one JSON object per line; repeatable.")],
    profiles: Annotated[Path, typer.Option(metavar="FILE", help="Reading profiles, one JSON object per line.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the rankings go, one JSON object per line.")],
) -> None:
    """Rank each profile's day of new papers by what its reader liked, from text and categories alone."""
    from digest.flows import recommend as flow

    started, worked = time.perf_counter(), time.process_time()
    readings = flow.read_profiles(profiles)
    typer.echo("reading the papers ...", err=True)
    shelf = flow.read_shelf(papers)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=1)

        def told(doing: str, done: int, total: int) -> None:
            bar.update(task, description=doing, completed=done, total=total)

        ranked = flow.write_ranked(out, flow.recommend(shelf, readings, told))
    unknown = sum(len(one.unknown) for one in ranked)
    if unknown:
        typer.echo(f"{unknown} liked papers are in no file given with --papers and were left out", err=True)
    for one in [one for one in ranked if not one.ranked][:3]:
        typer.echo(f"profile {one.profile_id}: no paper was first listed on its day", err=True)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    took = f"{time.perf_counter() - started:.0f} s ({time.process_time() - worked:.0f} s of processor)"
    typer.echo(
        f"{len(ranked)} profiles ranked over {len(shelf.papers)} papers in {took}, {megabytes} MB at most; "
        f"written to {out}"
    )
