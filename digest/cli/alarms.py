"""Commands about the alarms: which hold, what was told, whether telling works, and what there is an alarm for."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from digest.cli.context import with_database

if TYPE_CHECKING:
    from digest.wiring import Services

_FINAL = {"accepted", "failed", "unknown", "suppressed", "expired", "skipped"}


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="The alarms: list those that hold, try whether they reach you.")
    group.callback(invoke_without_command=True)(listed)
    group.command("test")(trial)
    group.command("rules")(rules)
    app.add_typer(group, name="alarms")


def listed(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """List the alarms that hold, with what to do; exit status 1 where one should wake somebody."""
    if context.invoked_subcommand is not None:
        return
    from digest.flows.bell import last_words
    from digest.flows.watch import open_alarms
    from digest.store.engine import reading

    services = with_database()
    with reading(services.engine) as session:
        lines = open_alarms(session)
    notices, beat = last_words(services.engine)
    if as_json:
        told = [
            {"id": one.uid, "at": one.created_at.isoformat(), "kind": one.body["kind"], "posted": one.post_state}
            for one in notices
        ]
        good = {"day": beat.day.isoformat(), "state": beat.state, "words": beat.words} if beat else None
        found = {"alarms": [one.as_plain() for one in lines], "told": told, "heartbeat": good}
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        for one in lines:
            typer.echo(f"{'PAGE' if one.wakes else 'ticket'}: {one.title} (since {one.since:%d %b %H:%M} UTC)")
            if one.over_at:
                typer.echo(f"  not seen any more since {one.over_at:%d %b %H:%M} UTC; its end is told after an hour")
            typer.echo(f"  {one.details}\n  -> {one.what_to_do}\n  -> {services.settings.base_url}{one.page}")
        if not lines:
            typer.echo("no alarm holds")
        for notice in notices[:1]:
            posted = f"; webhook: {notice.post_state} {notice.post_words}".rstrip() if notice.post_attempts else ""
            typer.echo(f"last told at {notice.created_at:%d %b %H:%M} UTC ({notice.body['kind']}){posted}")
        if beat:
            typer.echo(f"heartbeat: {beat.day}, {beat.state}, {beat.words or 'nobody knows whether it was heard'}")
    if any(one.wakes and one.over_at is None for one in lines):
        raise typer.Exit(1)


def trial(
    wait: Annotated[int, typer.Option(min=0, max=600, help="Seconds to wait for a worker to send the mail.")] = 60,
) -> None:
    """Send a trial alert by mail and to the webhook, and say how each went; exit status 1 where one did not."""
    services = with_database()
    told = services.watchman.tell_trial()
    failed = False
    if services.settings.alert_webhook:
        typer.echo("webhook: posting to it ...", err=True)
        posted = [answer for _id, answer in services.bell.post_waiting(told.notice_id)]
        for answer in posted:
            typer.echo(f"webhook: {answer.words}")
        failed = not posted or not all(answer.taken for answer in posted)
    else:
        typer.echo("webhook: none is set (DIGEST_ALERT_WEBHOOK)")
    if not told.mails:
        typer.echo("mail: there is nobody to mail; set DIGEST_ADMINS, or: digest admin create")
    elif told.notice_id is not None:
        failed = not _mailed(services, told.notice_id, wait) or failed
    if failed:
        raise typer.Exit(1)


def _mailed(services: Services, notice_id: int, wait: int) -> bool:
    from digest.store.engine import reading
    from digest.store.notices import mail_states

    began = time.monotonic()
    typer.echo(f"mail: it is on the queue; waiting for a worker to send it, {wait} s at most ...", err=True)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        waiting = bar.add_task("waiting", total=wait)
        while True:
            with reading(services.engine) as session:
                states = mail_states(session, notice_id)
            open_ones = [state for _id, state, _reason in states if state not in _FINAL]
            passed = time.monotonic() - began
            if not open_ones or passed >= wait:
                break
            bar.update(waiting, completed=passed, description=f"{len(open_ones)} of {len(states)}: {open_ones[0]}")
            time.sleep(1)
    for delivery_id, state, reason in states:
        typer.echo(f"mail: delivery {delivery_id} is {state}{f' ({reason})' if reason else ''}")
    if open_ones:
        typer.echo("mail: it waits for a worker; does one run, and does the relay answer (digest doctor)?")
    return all(state == "accepted" for _id, state, _reason in states)


def rules() -> None:
    """Print what there is an alarm for, as a Markdown table: when it holds, and what to do."""
    from digest.core.alarms import manual

    typer.echo(manual())
