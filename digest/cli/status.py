"""Commands that say how the installation does: for people, for programs, for Prometheus."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from digest.cli.context import wired, with_database

if TYPE_CHECKING:
    from digest.flows.vitals import Vitals
    from digest.store.warm_up import WarmUpDay
    from digest.wiring import Services


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("status")(status)
    app.command("metrics")(metrics)
    app.command("log-name")(log_name)


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Say who leads, how the newest issue stands, what waits or is in doubt, and how the sources do."""
    from digest.flows.vitals import take_vitals
    from digest.flows.watch import open_alarms
    from digest.store.engine import reading

    services = with_database()
    vitals = take_vitals(services.engine, services.clock(), services.warm_up)
    with reading(services.engine) as session:
        alarms = open_alarms(session)
    warming = _warming(services)
    if as_json:
        cap = {"cap": warming.cap, "used": warming.used, "waiting": warming.waiting} if warming else None
        plain = vitals.as_plain() | {"alarms": [one.key for one in alarms], "warm_up": cap}
        typer.echo(json.dumps(plain, ensure_ascii=False))
        return
    for alarm in alarms:
        typer.echo(f"alarm: {alarm.title}, since {alarm.since:%d %b %H:%M} UTC; see: digest alarms")
    for line in _lines(vitals):
        typer.echo(line)
    if warming:
        typer.echo(f"warm-up: {warming.words}")
    table = Table("source", "scope", "newest run", "last read well")
    for one in vitals.sources:
        table.add_row(one.source, one.scope, one.status, _ago(vitals, one.last_ok))
    if vitals.sources:
        Console().print(table)


def _warming(services: Services) -> WarmUpDay | None:
    from digest.store.engine import reading
    from digest.store.warm_up import warm_up_day

    if services.warm_up is None:
        return None
    with reading(services.engine) as session:
        return warm_up_day(session, services.warm_up, services.clock())


def metrics() -> None:
    """Print what /metrics says, for a collector that reads files."""
    from digest.flows.metrics import exposition
    from digest.flows.vitals import take_vitals

    services = with_database()
    vitals = take_vitals(services.engine, services.clock(), services.warm_up)
    typer.echo(exposition(vitals, services.watchman.duties.asked).decode(), nl=False)


def log_name(address: Annotated[str, typer.Argument(metavar="EMAIL", help="An address.")]) -> None:
    """Print what stands for an address in the log."""
    from digest.logs import log_name as name_of

    typer.echo(f"address:{name_of(wired().tokens, address)}")


def _lines(vitals: Vitals) -> list[str]:
    leader = vitals.leader
    if leader is None:
        who = "no scheduler has run yet"
    elif vitals.leads:
        who = f"{leader.holder}, since {leader.leading_since:%d %b %H:%M} UTC"
    else:
        who = f"nobody; {leader.holder} until {leader.lease_until:%d %b %H:%M} UTC"
    lines = [f"leader: {who}", f"last tick: {_ago(vitals, leader.ticked_at if leader else None)}"]
    if vitals.issues:
        newest = vitals.issues[0]
        counts = ", ".join(f"{number} {state}" for state, number in newest.counts.items()) or "no deliveries"
        lines.append(f"newest issue: {newest.issued_on}, {newest.state}: {counts}")
    else:
        lines.append("newest issue: none")
    lines += [f"oldest due {queue}: {_ago(vitals, since)}" for queue, since in vitals.oldest_due.items()]
    deferred = sum(vitals.deferred.values())
    lines += [f"unknown: {vitals.unknown}", f"deferred: {deferred}", f"scored: {_ago(vitals, vitals.scored_at)}"]
    lines += [f"{name}: {_ago(vitals, at)}" for name, at in vitals.chores.items()]
    if vitals.braked:
        lines.append(f"the brake holds {len(vitals.braked)} issues; see: digest brake show")
    if vitals.relay_away:
        lines.append(f"the relay takes no mail: {vitals.relay_away.words}")
    lines += [f"set aside: {one.name}, after {one.tries} tries; see: digest tasks list" for one in vitals.set_aside]
    if vitals.fenced_at:
        lines.append(f"restored: {_ago(vitals, vitals.fenced_at)}; {vitals.fence_words}")
    return lines


def _ago(vitals: Vitals, at: datetime | None) -> str:
    seconds = vitals.age(at)
    if seconds is None:
        return "none"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
