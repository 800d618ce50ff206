"""The commands about the ranking: replay it over what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from digest.errors import ConfigError


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("backtest")(backtest)


def backtest(
    papers: Annotated[
        list[Path] | None, typer.Option(help="Recorded papers, JSON lines, plain or gzipped; may be repeated.")
    ] = None,
    observations: Annotated[
        list[Path] | None, typer.Option(help="Their recorded observations, likewise; may be repeated.")
    ] = None,
    queries: Annotated[Path | None, typer.Option(help="The instants to score at, one ISO instant a line.")] = None,
    scores: Annotated[Path | None, typer.Option(help="Where to write the scores, as JSON lines.")] = None,
) -> None:
    """Replay history: score past days from what was observed by then and nothing later.

    With --papers, --observations, --queries and --scores the recordings are replayed and every paper listed on the
    day of an instant or the three days before gets its row. Without --papers the service's own database is replayed,
    and the score is measured beside simpler ones.
    """
    if papers or observations:
        if not (papers and observations and queries and scores):
            raise ConfigError("a replay of files needs --papers, --observations, --queries and --scores together")
        _replay_files(papers, observations, queries, scores)
    else:
        _replay_database(queries, scores)


def _replay_files(papers: list[Path], observations: list[Path], queries: Path, scores: Path) -> None:
    from digest.flows.backtest import write_scores
    from digest.flows.history import read_history, read_queries

    instants = read_queries(queries)
    with _progress() as bar:
        reading = bar.add_task("reading recordings (lines)", total=None)
        history = read_history(papers, observations, instants, lambda _size: bar.advance(reading))
        bar.update(reading, total=bar.tasks[reading].completed)
        scoring = bar.add_task("scoring (instants)", total=len(instants))
        written = write_scores(history, instants, scores, lambda _at: bar.advance(scoring))
    typer.echo(f"{written:,} scores at {len(instants):,} instants -> {scores}")


def _replay_database(queries: Path | None, scores: Path | None) -> None:
    raise ConfigError("name recordings with --papers, --observations, --queries and --scores")


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
