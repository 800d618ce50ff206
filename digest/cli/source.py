"""The command that reads a source, live or from a recorded file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import day, moment, plain_failures, with_database
from digest.core.capture import RunStatus
from digest.errors import ConfigError, DigestError
from digest.outside import LIVE_SOURCES, SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import httpx

    from digest.core.capture import Capture, Cursor, Fetched, Reading
    from digest.core.paper import Listing
    from digest.flows.ingest import LiveSource, Report

SourceName = Annotated[str, typer.Argument(metavar="SOURCE", help="arxiv-rss, arxiv-api, arxiv-oai, hf or pages")]
_WORST_FIRST = (RunStatus.FAILED, RunStatus.LATE, RunStatus.OK, RunStatus.QUIET)


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("ingest")(ingest)


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
    """Read one source and merge what it lists; exit status 0 when it was read (ok, quiet, late), 1 when not."""
    recorded = _Recorded(from_file, captured_on, observed_at)
    listings: list[Listing] = []
    try:
        with plain_failures():
            report = _read(source, scope, recorded, listings)
    except DigestError as error:
        if not as_json:
            raise
        report = _failed(source, str(error))
    if as_json:
        line = report.as_plain() | ({"records": [record(listing) for listing in listings]} if records else {})
        typer.echo(json.dumps(line, ensure_ascii=False))
    else:
        typer.echo(_words(report))
    if report.status is RunStatus.FAILED:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The options that belong to a recorded response, as they were typed."""

    path: Path | None
    captured_on: str | None
    observed_at: str | None


def _refuse_what_is_to_come(observed_at: datetime | None, now: datetime) -> None:
    """Refuse signals of a later moment: kept for good, they would lie unseen until then, and count from then on."""
    if observed_at is not None and observed_at > now:
        raise ConfigError(f"--observed-at {observed_at:%Y-%m-%dT%H:%M:%SZ} is still to come; nobody can have seen it")


def _read(source: str, scope: str | None, recorded: _Recorded, listings: list[Listing]) -> Report:
    """Read a recorded response, or ask live in one scope or all, and add what was listed to `listings`."""
    from digest.flows.ingest import ingest_file, ingest_live

    captured_on = day(recorded.captured_on, "--captured-on")
    observed_at = moment(recorded.observed_at, "--observed-at")
    if recorded.path is None and (captured_on or observed_at):
        raise ConfigError("--captured-on and --observed-at date a recorded response; name it with --from-file")
    if recorded.path is not None and scope:
        raise ConfigError("--scope is for asking live; a recorded response has the scope it was recorded in")
    services = with_database()
    if recorded.path is not None:
        _refuse_what_is_to_come(observed_at, services.clock())
        report, capture = ingest_file(
            services.engine,
            services.source(source),
            recorded.path,
            now=services.clock(),
            captured_on=captured_on,
            observed_at=observed_at,
        )
        listings += capture.listings
        return report
    if source in SOURCES and source not in LIVE_SOURCES:
        raise ConfigError(f"{source} cannot be asked live; name what was captured with --from-file")
    live = _Overheard(services.live_source(source), listings)
    scopes = [scope] if scope else services.scopes(source)
    reports = []
    with services.http_client(source) as client:
        for one in scopes:
            typer.echo(f"asking {source} for {one} ...", err=True)
            reports.append(ingest_live(services.engine, live, client, one, clock=services.clock))
    return _together(source, reports)


class _Overheard:
    """A live source whose listings are also kept, for `--records`."""

    def __init__(self, source: LiveSource, listings: list[Listing]) -> None:
        self._source = source
        self._listings = listings

    @property
    def name(self) -> str:
        return self._source.name

    def read(self, body: bytes, reading: Reading) -> Capture:
        return self._source.read(body, reading)

    def fetch(self, client: httpx.Client, scope: str, cursor: Cursor, now: datetime) -> Iterator[Fetched]:
        for page in self._source.fetch(client, scope, cursor, now):
            yield page
            self._listings += page.capture.listings


def _together(source: str, reports: list[Report]) -> Report:
    """Join the reports of several scopes: the sums, the worst status, and each scope's reason with its name."""
    from digest.flows.ingest import Report

    if len(reports) == 1:
        return reports[0]
    if not reports:
        return _failed(source, "it is asked for nothing: its list of categories or sets is empty")
    return Report(
        source=source,
        status=next(status for status in _WORST_FIRST if any(report.status is status for report in reports)),
        reason="; ".join(f"{report.scope}: {report.reason}" for report in reports if report.reason),
        listings=sum(report.listings for report in reports),
        papers_new=sum(report.papers_new for report in reports),
        papers_updated=sum(report.papers_updated for report in reports),
        observations=sum(report.observations for report in reports),
        rejected=sum(report.rejected for report in reports),
    )


def _failed(source: str, reason: str) -> Report:
    from digest.flows.ingest import Report

    return Report(source=source, status=RunStatus.FAILED, reason=reason)


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
