"""The command that begins an installation; run again, it goes on where it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli import doctor as examination
from digest.cli.answers import Answers, settle
from digest.cli.context import plain_failures, wired
from digest.core.capture import RunStatus

if TYPE_CHECKING:
    from digest.wiring import Services

_FILLED_FROM = ("arxiv-api", "hf")
_MARK = "== "


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("init")(init)


def init(
    base_url: Annotated[str, typer.Option(metavar="URL", help="The site's public address.")] = "",
    smtp_url: Annotated[str, typer.Option(metavar="URL", help="The relay: smtp://name:password@host:587.")] = "",
    mail_from: Annotated[str, typer.Option(metavar="EMAIL", help="The address the mail comes from.")] = "",
    admin: Annotated[str, typer.Option(metavar="EMAIL", help="The first admin, who owns the desk.")] = "",
    contact: Annotated[str, typer.Option(metavar="EMAIL", help="The operator's address; the admin's without it.")] = "",
    postal_address: Annotated[str, typer.Option(help="The sender's postal address, shown in every mail.")] = "",
    categories: Annotated[str, typer.Option(help="The arXiv categories that are read, comma-separated.")] = "",
    database_url: Annotated[str, typer.Option(metavar="URL", help="sqlite:///path or postgresql://...")] = "",
    broker_url: Annotated[
        str, typer.Option(metavar="URL", help="redis://... where there is more than one process.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: take the options, the file, and the defaults.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Change values that the settings file holds already.")] = False,
    dkim: Annotated[bool, typer.Option(help="Make a key that signs the mail.")] = True,
    examine: Annotated[bool, typer.Option("--doctor/--no-doctor", help="Look the installation over.")] = True,
    dns: Annotated[str, typer.Option("--dns", metavar="ADDRESS", help="The DNS server that doctor asks.")] = "",
    ntp: Annotated[str, typer.Option("--ntp", metavar="HOST", help="The time server it asks; empty asks none.")] = (
        "pool.ntp.org"
    ),
    ip: Annotated[
        list[str] | None, typer.Option("--ip", metavar="ADDRESS", help="An address that mail leaves from; repeatable.")
    ] = None,
    fill: Annotated[bool, typer.Option(help="Read the last days from arXiv and Hugging Face.")] = True,
    days: Annotated[int, typer.Option(min=1, max=30, help="How many days back.")] = 7,
) -> None:
    """Begin here: settings and secret, signing key, DNS records, database, a look-over, the first days of papers."""
    addresses = tuple(ip or ())
    examination.only_addresses(addresses)
    given = {
        "BASE_URL": base_url,
        "SMTP_URL": smtp_url,
        "MAIL_FROM": mail_from,
        "ADMINS": admin,
        "CONTACT": contact,
        "POSTAL_ADDRESS": postal_address,
        "CATEGORIES": categories,
        "DATABASE_URL": database_url,
        "BROKER_URL": broker_url,
    }
    settle(Answers(given=given, ask=not yes, force=force, dkim=dkim))
    services = wired()
    _show_records(services, addresses)
    _prepare_database(services)
    if examine:
        _look_over(services, addresses, dns, ntp)
    if fill:
        _fill(services, days)
    _say_what_is_next(services)


def _show_records(services: Services, leaves_from: tuple[str, ...]) -> None:
    from digest.cli.checks import sender_view
    from digest.flows.doctor_names import wanted_records

    sender = sender_view(services, leaves_from)
    typer.echo(f"{_MARK}DNS: publish these records, unless the domain has its own of that kind", err=True)
    if "." not in sender.domain or sender.domain.endswith(".localdomain"):
        typer.echo(f"none: {sender.domain} is no public domain; set DIGEST_MAIL_FROM", err=True)
        return
    for record in wanted_records(sender, mail_host=services.settings.host):
        typer.echo(record)


def _prepare_database(services: Services) -> None:
    from digest.store.schema import upgrade

    typer.echo(f"{_MARK}database", err=True)
    upgrade(services.engine)
    typer.echo("it has the schema of this version", err=True)


def _look_over(services: Services, leaves_from: tuple[str, ...], dns: str, ntp: str) -> None:
    from digest.core.checkup import fails

    typer.echo(f"{_MARK}doctor", err=True)
    found = examination.look(services, leaves_from, dns=dns, ntp=ntp)
    examination.show(found)
    if fails(found):
        typer.echo("mend what fails when you can, and look again with: digest doctor", err=True)


def _fill(services: Services, days: int) -> None:
    """Read the last days, scope by scope; a failure is told, and met by running again."""
    from digest.flows.first_days import fill
    from digest.flows.score import score
    from digest.flows.words import read_words
    from digest.sources.retries import retries_told

    plan = [(services.live_source(name), scope) for name in _FILLED_FROM for scope in services.scopes(name)]
    typer.echo(f"{_MARK}the first {days} days of papers; arXiv asks for three seconds between requests", err=True)
    console = Console(stderr=True)

    def tell(words: str) -> None:
        console.print(words, markup=False, highlight=False, soft_wrap=True)

    failed = 0
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress, retries_told(tell):
        bar = progress.add_task("reading", total=len(plan))
        for report in fill(services.engine, plan, services.http_client, days=days, clock=services.clock):
            failed += report.status is RunStatus.FAILED
            why = f" ({report.reason})" if report.reason else ""
            tell(f"{report.source} {report.scope}: {report.status}{why}: {report.papers_new} new papers")
            progress.update(bar, advance=1)
        progress.update(bar, description="scoring")
        read_words(services.engine)
        scored = score(services.engine, services.clock())
    typer.echo(f"{scored} papers are scored", err=True)
    if failed:
        typer.echo(f"{failed} of {len(plan)} could not be read; `digest init --yes` asks them again", err=True)


def _say_what_is_next(services: Services) -> None:
    from digest.flows.sign_in import shown_sign_in_token

    settings = services.settings
    typer.echo(f"{_MARK}next", err=True)
    typer.echo("start it with: digest up", err=True)
    if settings.admins:
        with plain_failures():
            token = shown_sign_in_token(services.engine, services.tokens, settings.admins[0], now=services.clock())
        typer.echo(f"then open the desk within the hour, once: {settings.base_url}/admin/sign-in/{token}", err=True)
    else:
        typer.echo("nobody may sign in at the desk yet: digest init --admin you@example.org", err=True)
