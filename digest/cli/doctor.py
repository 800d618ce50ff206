"""The command that looks an installation over."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli.context import wired
from digest.core.checkup import Finding, Health, fails
from digest.errors import ConfigError

if TYPE_CHECKING:
    from digest.wiring import Services

_MARKS = {Health.OK: "ok", Health.WARNING: "warning", Health.FAILURE: "FAILURE", Health.UNKNOWN: "not checked"}


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor)


def doctor(
    ip: Annotated[
        list[str] | None, typer.Option("--ip", metavar="ADDRESS", help="An address that mail leaves from; repeatable.")
    ] = None,
    dns: Annotated[
        str, typer.Option("--dns", metavar="ADDRESS", help="Ask this DNS server, as ADDRESS or ADDRESS:PORT.")
    ] = "",
    ntp: Annotated[
        str, typer.Option("--ntp", metavar="HOST", help="Ask this time server; empty asks none.")
    ] = "pool.ntp.org",
    as_json: Annotated[bool, typer.Option("--json", help="Print a list with one object for each check.")] = False,
) -> None:
    """Check DNS, TLS, clock, database, broker, secret and address; exit status 1 if anything must be mended."""
    only_addresses(ip or ())
    found = look(wired(), tuple(ip or ()), dns=dns, ntp=ntp)
    if as_json:
        typer.echo(json.dumps([one.as_plain() for one in found], ensure_ascii=False))
    else:
        show(found)
    if fails(found):
        raise typer.Exit(1)


def only_addresses(named: Iterable[str]) -> None:
    """Raise ConfigError where one that was given with --ip is none."""
    for one in named:
        try:
            ipaddress.ip_address(one)
        except ValueError as error:
            raise ConfigError(f"--ip {one!r} is not an IP address") from error


def look(services: Services, leaves_from: tuple[str, ...], *, dns: str, ntp: str) -> list[Finding]:
    """Run every check, with a bar on a terminal."""
    from digest.cli.checks import checks_for
    from digest.flows.doctor import examine

    checks = checks_for(services, leaves_from=leaves_from, dns=dns, ntp=ntp)
    found: list[Finding] = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("looking", total=len(checks))
        for finding in examine(checks):
            found.append(finding)
            progress.update(bar, advance=1)
    return found


def show(found: Iterable[Finding]) -> None:
    """Print what was found, and what to do about it."""
    for finding in found:
        typer.echo(f"{_MARKS[finding.health]:12}{finding.check:16}{finding.words}")
        if finding.remedy:
            typer.echo(f"{'':28}-> {finding.remedy}")
