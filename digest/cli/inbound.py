"""Commands about mail that comes back, and the key that signs what goes out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.context import with_database
from digest.errors import ConfigError


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("inbound")(inbound)
    app.command("dkim-key")(dkim_key)


def inbound(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what the message is; needs no database.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list with one object for each recipient.")] = False,
    recipient: Annotated[
        str,
        typer.Option(
            "--recipient", metavar="ADDRESS", help="The envelope's recipient, where the mail server names it."
        ),
    ] = "",
    imap: Annotated[
        bool, typer.Option("--imap", help="Read what is new in the mailbox of DIGEST_IMAP_URL instead.")
    ] = False,
) -> None:
    """Take in a bounce, complaint, automatic reply or unsubscribe mail on standard input; never answers it."""
    if imap:
        _read_mailbox(as_json=as_json, dry_run=dry_run)
        return
    from digest.mail.inbound import read_inbound
    from digest.mail.pieces import LARGEST_MESSAGE

    message = sys.stdin.buffer.read(LARGEST_MESSAGE + 1)
    if dry_run:
        plain = [report.as_plain() for report in read_inbound(message, envelope_to=recipient).reports]
        lines = [_line(one) for one in plain]
    else:
        from digest.flows.bounce import receive

        services = with_database()
        outcomes = receive(services.engine, services.tokens, message, now=services.clock(), envelope_to=recipient)
        plain = [
            outcome.report.as_plain() | {"action": "seen before" if outcome.seen else str(outcome.action)}
            for outcome in outcomes
        ]
        matched = [outcome.matched for outcome in outcomes]
        lines = [
            f"{_line(one)}: {one['action']}{'' if ours else ' (matches no delivery)'}"
            for one, ours in zip(plain, matched, strict=True)
        ]
    typer.echo(json.dumps(plain, ensure_ascii=False) if as_json else "\n".join(lines))


def _read_mailbox(*, as_json: bool, dry_run: bool) -> None:
    from digest.flows.mailbox import poll

    if dry_run:
        raise ConfigError("--imap and --dry-run do not go together: what is read moves the cursor on")
    services = with_database()
    if services.mailbox is None:
        raise ConfigError("DIGEST_IMAP_URL is not set; it names the mailbox, like imaps://name:password@host/INBOX")
    while True:
        polled = poll(services.engine, services.tokens, services.mailbox, now=services.clock())
        for uid, reason in polled.aside:
            typer.echo(f"message {uid} is set aside: {reason}", err=True)
        counts = polled.as_plain()
        typer.echo(json.dumps(counts) if as_json else ", ".join(f"{count} {name}" for name, count in counts.items()))
        if not polled.more:
            return


def _line(report: dict[str, str]) -> str:
    return " ".join(filter(None, (report["kind"], report["status"], report["recipient"] or "(nobody named)")))


def dkim_key(
    selector: Annotated[str, typer.Option("--selector", metavar="NAME", help="The selector, such as 2026a.")],
    domain: Annotated[str, typer.Option("--domain", metavar="DOMAIN", help="The domain of DIGEST_MAIL_FROM.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the private key goes; never overwritten.")],
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="Ed25519 (RFC 8463) instead of RSA with 2048 bits.")
    ] = False,
) -> None:
    """Make a key for DKIM, and print the DNS record to publish."""
    from digest.mail.dkim import make_key

    record = make_key(out, selector=selector, domain=domain, ed25519=ed25519)
    typer.echo(
        f"the private key is in {out}; publish this record, then set DIGEST_DKIM_KEY_FILE and _SELECTOR", err=True
    )
    typer.echo(record)
