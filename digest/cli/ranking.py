"""The commands about the ranking: replay it over what was recorded."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from digest.cli.context import day, with_database
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
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="The first day to replay; else all there is.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day to replay; else all there is.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, max=24 * 31, help="Hours from one instant to the next.")] = 24,
    ahead: Annotated[int, typer.Option(min=1, max=24 * 31, help="Hours over which a gain is to be foretold.")] = 24,
    fewest: Annotated[int, typer.Option(min=2, help="Leave out instants with fewer papers of known gain.")] = 20,
    any_age: Annotated[
        bool, typer.Option("--any-age", help="Take old papers too, not only those listed in the last four days.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one line of JSON.")] = False,
) -> None:
    """Replay history: score past days from what was observed by then and nothing later.

    Without --papers the service's own database is replayed, an instant a day at the cut-off hour, and the score is
    measured beside simpler ones. With --papers, --observations, --queries and --scores the recordings are replayed,
    and every paper listed on the day of an instant or the three days before gets its row.
    """
    if papers or observations or queries or scores:
        if not (papers and observations and queries and scores):
            raise ConfigError("a replay of files needs --papers, --observations, --queries and --scores together")
        if since or until or any_age or as_json:
            raise ConfigError("--since, --until, --any-age and --json are for the database, not for a replay of files")
        _replay_files(papers, observations, queries, scores)
    else:
        _replay_database(since, until, every=every, ahead=ahead, fewest=fewest, any_age=any_age, as_json=as_json)


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


def _replay_database(
    since: str | None, until: str | None, *, every: int, ahead: int, fewest: int, any_age: bool, as_json: bool
) -> None:
    from digest.flows.measure import Protocol, measure, past_instants

    first, last = day(since, "--since"), day(until, "--until")
    services = with_database()
    protocol = Protocol(timedelta(hours=ahead), None if any_age else Protocol().days, fewest)
    hour = services.settings.cut_off_hour
    step = timedelta(hours=every)
    instants = past_instants(services.engine, hour=hour, since=first, until=last, every=step, ahead=protocol.ahead)
    with _progress() as bar:
        replaying = bar.add_task("replaying (instants)", total=len(instants))
        found = measure(services.engine, instants, protocol, lambda _at: bar.advance(replaying))
    if as_json:
        typer.echo(json.dumps(found.as_json()))
        return
    typer.echo(
        f"{found.instants} of {len(instants)} instants, {found.first:%Y-%m-%d %H:%M} to"
        f" {found.last:%Y-%m-%d %H:%M} UTC; {found.papers:,} papers whose gain {ahead} h later is known"
    )
    if found.simulated:
        typer.echo("some of these signals are simulated: the figures say nothing of real papers")
    typer.echo(f"{'order':30s}{'NDCG@10':>8s}{'95 % interval':>18s}{'P@5':>8s}{'P@10':>8s}{'Spearman':>10s}")
    for row in found.rows:
        between = f"{row.ndcg_10_low:.3f} to {row.ndcg_10_high:.3f}"
        figures = f"{row.precision_5:8.3f}{row.precision_10:8.3f}{row.spearman:10.3f}"
        typer.echo(f"{row.order:30s}{row.ndcg_10:8.3f}{between:>18s}{figures}")


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
