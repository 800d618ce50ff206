"""Commands about sources: read one, live or from a recorded file, and check that they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from digest.cli.context import day, moment, wired, with_database
from digest.core.capture import RunStatus
from digest.errors import DigestError

if TYPE_CHECKING:
    from digest.core.paper import Listing
    from digest.flows.ingest import Report

SourceName = Annotated[str, typer.Argument(metavar="SOURCE", help="arxiv-rss, arxiv-api, arxiv-oai, hf or pages")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("ingest")(ingest)
    group = typer.Typer(help="The outside services that papers come from.", no_args_is_help=True)
    group.command("check")(check)
    app.add_typer(group, name="sources")


def ingest(
    source: SourceName,
    from_file: Annotated[Path | None, typer.Option(help="Read a recorded response instead of asking live.")] = None,
    captured_on: Annotated[
        str | None, typer.Option(metavar="DATE", help="The day a page was captured; gives its months their year.")
    ] = None,
    observed_at: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="When a recorded response's signals were seen (UTC).")
    ] = None,
    scope: Annotated[
        str | None, typer.Option(help="Ask live for this category or set only; all configured ones without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")] = False,
    records: Annotated[bool, typer.Option(help="Add the records themselves to the JSON.")] = False,
) -> None:
    """Read one source and merge what it lists; exit status 0 when it was read (ok, quiet), 1 when not."""
    from digest.flows.ingest import ingest_file, ingest_live

    services = with_database()
    reports: list[Report] = []
    listings: list[Listing] = []
    if from_file is not None:
        report, capture = ingest_file(
            services.engine,
            services.source(source),
            from_file,
            now=services.clock(),
            captured_on=day(captured_on, "--captured-on"),
            observed_at=moment(observed_at, "--observed-at"),
        )
        reports.append(report)
        listings = capture.listings
    else:
        live = services.live_source(source)
        with services.http_client(source) as client:
            for one in [scope] if scope else services.scopes(source):
                typer.echo(f"asking {source} for {one} ...", err=True)
                reports.append(ingest_live(services.engine, live, client, one, clock=services.clock))
    _print(reports, listings if records else None, as_json=as_json)
    if any(report.status is RunStatus.FAILED for report in reports):
        raise typer.Exit(1)


def check() -> None:
    """Ask each live service once, store nothing, and say what came back."""
    from digest.flows.probe import probe
    from digest.wiring import LIVE_SOURCES

    services = wired()
    table = Table("source", "asked for", "answer", title="Live sources")
    failed = False
    for name in LIVE_SOURCES:
        scope = services.scopes(name)[0]
        typer.echo(f"asking {name} for {scope} ...", err=True)
        try:
            with services.http_client(name) as client:
                answer = probe(services.live_source(name), client, scope, now=services.clock())
        except DigestError as error:
            answer, failed = f"failed: {error}", True
        table.add_row(name, scope, answer)
    Console().print(table)
    if failed:
        raise typer.Exit(1)


def _print(reports: list[Report], listings: list[Listing] | None, *, as_json: bool) -> None:
    if not as_json:
        for report in reports:
            typer.echo(_words(report))
        return
    for report in reports:
        line = report.as_plain()
        if listings is not None:
            line["records"] = [record(listing) for listing in listings]
        typer.echo(json.dumps(line, ensure_ascii=False))


def _words(report: Report) -> str:
    name = f"{report.source} {report.scope}".strip()
    counts = (
        f"{report.listings} listings, {report.papers_new} new papers, {report.papers_updated} updated, "
        f"{report.observations} observations, {report.rejected} set aside"
    )
    return f"{name}: {report.status}{f' ({report.reason})' if report.reason else ''}: {counts}"


def record(listing: Listing) -> dict[str, Any]:
    """Return a listing as the plain values that `--records` prints."""
    return {
        "arxiv_id": listing.arxiv_id,
        "version": listing.version,
        "title": listing.title,
        "authors": list(listing.authors),
        "labs": list(listing.labs),
        "category": listing.categories[0] if listing.categories else None,
        "categories": list(listing.categories),
        "listed_on": listing.listed_on.isoformat() if listing.listed_on else None,
        "has_code": bool(listing.has_code),
        "percentile": listing.percentile,
        "abstract": listing.abstract,
        "announce_type": listing.announce_type.value,
        "code_url": listing.code_url,
        "keywords": list(listing.keywords),
    }
