"""Commands about issues: score, compose, and preview without sending."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.context import day, with_database
from digest.errors import ConfigError, FileUnusable

Date = Annotated[str | None, typer.Option(metavar="DATE", help="The issue's date (UTC), such as 2026-05-20.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("score")(score)
    app.command("compose")(compose)
    app.command("preview")(preview)


def score() -> None:
    """Score every paper in the window as of now."""
    from digest.flows.score import score as score_window

    services = with_database()
    typer.echo(f"{score_window(services.engine, services.clock(), size=services.settings.issue_size)} papers scored")


def compose(
    date: Date = None,
    restored: Annotated[
        bool, typer.Option("--after-restore", help="Make it although it may have gone out before a restore.")
    ] = False,
) -> None:
    """Freeze the issue of a day (today's without --date) and make a delivery for every reader it is due to."""
    from digest.core.epoch import may_have_gone_out
    from digest.flows.morning import freeze_and_materialise
    from digest.store.due import issue_queued
    from digest.store.engine import reading
    from digest.store.epoch import newest_fence

    services = with_database()
    now = services.clock()
    issued_on = day(date, "--date") or now.date()
    if issued_on > now.date():
        raise ConfigError(
            f"{issued_on} is not here yet, and a frozen issue stays as it is; look ahead with: digest preview"
        )
    services.guard.stand()
    with reading(services.engine) as session:
        fenced = newest_fence(session)
        known = issue_queued(session, issued_on)
    if fenced and not known and not restored and may_have_gone_out(services.cut_off(issued_on), fenced[0]):
        raise ConfigError(
            f"the database was restored after the cut-off of {issued_on}: its issue may have been mailed already. "
            "Where you are sure that it was not, add --after-restore"
        )
    made = freeze_and_materialise(
        services.engine,
        issued_on,
        cut_off=services.cut_off(issued_on),
        size=services.settings.issue_size,
        needs_approval=services.settings.approval,
        now=now,
    )
    with reading(services.engine) as session:
        there = issue_queued(session, issued_on)
    if there:
        typer.echo(f"issue of {issued_on}: {made} deliveries made")
    else:
        typer.echo(f"no issue of {issued_on} was made: at its cut-off no paper was known that it could show")


def preview(
    date: Date = None,
    reader: Annotated[str | None, typer.Option(metavar="EMAIL", help="Cut the issue for this reader.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the HTML here instead of the text.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print its size, its papers and its faults as JSON.")] = False,
) -> None:
    """Show an issue as it would go out (tomorrow's without --date); write nothing, mail nothing."""
    from digest.flows.preview import preview as preview_issue
    from digest.mail.review import review

    services = with_database()
    now = services.clock()
    issued_on = day(date, "--date") or (now + timedelta(days=1)).date()
    shown = preview_issue(
        services.engine,
        services.previewer,
        issued_on=issued_on,
        at=min(now, services.cut_off(issued_on)),
        reader=reader,
        size=services.settings.issue_size,
    )
    if as_json:
        said = [words for words in (shown.issue.subject, shown.issue.preheader, shown.issue.note) if words]
        local = services.settings.outbox_dir is not None
        remarks = review(shown.message, base_url=services.settings.base_url, said=said, local=local)
        summary = {
            "issued_on": issued_on.isoformat(),
            "frozen": shown.frozen,
            "subject": shown.subject,
            "html_bytes": shown.html_size,
            "message_bytes": shown.message_size,
            "papers": [{"place": pick.place, "title": pick.card.title} for pick in shown.edition.picks],
            "warnings": [remark.as_plain() for remark in remarks],
        }
        typer.echo(json.dumps(summary, ensure_ascii=False))
    if out is None:
        if not as_json:
            typer.echo(f"Subject: {shown.subject}\n\n{shown.text}")
        return
    try:
        out.write_text(shown.html, encoding="utf-8")
    except OSError as error:
        raise FileUnusable(f"--out {out} cannot be written: {error.strerror}") from error
    typer.echo(
        f"{out}: {len(shown.html.encode()) / 1000:.1f} KB, {len(shown.edition.picks)} papers — {shown.subject}",
        err=as_json,
    )
