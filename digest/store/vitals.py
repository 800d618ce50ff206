"""What an operator watches, counted by indexes: how the newest issues stand, what waits, what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from digest.core.capture import RunStatus
from digest.core.delivery import PROMPT, DeliveryKind, DeliveryState
from digest.store.dialects import table_of
from digest.store.tables import Chore, Delivery, IngestRun, IssueRow, MailboxCursor, Score, Subscriber

_delivery = table_of(Delivery)
_issue = table_of(IssueRow)
_run = table_of(IngestRun)
_subscriber = table_of(Subscriber)
_WAITING = (DeliveryState.PENDING, DeliveryState.DEFERRED)
# Nobody waits for an alert, as for a confirmation: that one waits must not be another alarm.
_QUEUES: dict[str, Sequence[DeliveryKind]] = {
    "digest": (DeliveryKind.DIGEST,),
    "prompt": tuple(kind for kind in PROMPT if kind is not DeliveryKind.ALERT),
    "alert": (DeliveryKind.ALERT,),
}
_LOOKED_AT = 20_000  # deferred deliveries by whose domains the rest is judged
_NAMED, _ENOUGH = 10, 10  # domains that are named, and the readers one must have for that


@dataclass(frozen=True, slots=True)
class IssueStanding:
    """How an issue stands: its mails, digests and welcomes, by state."""

    issued_on: date
    state: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """How a source's newest run in a scope ended, and when one ended well last, quiet days included."""

    source: str
    scope: str
    status: str
    finished_at: datetime | None
    last_ok: datetime | None


def newest_issues(session: Session, number: int) -> list[IssueStanding]:
    """Return how the newest issues stand, the newest first."""
    recent = (
        session.connection()
        .execute(
            select(_issue.c.id, _issue.c.issued_on, _issue.c.state).order_by(_issue.c.issued_on.desc()).limit(number)
        )
        .all()
    )
    counted = session.connection().execute(
        select(_delivery.c.issue_id, _delivery.c.state, func.count())
        .where(_delivery.c.issue_id.in_([row.id for row in recent]))
        .group_by(_delivery.c.issue_id, _delivery.c.state)
    )
    counts: dict[int, dict[str, int]] = {}
    for issue_id, state, count in counted:
        counts.setdefault(issue_id, {})[state] = count
    return [IssueStanding(row.issued_on, row.state, counts.get(row.id, {})) for row in recent]


def oldest_due(session: Session, now: datetime) -> dict[str, datetime | None]:
    """Return, for digests, for mail that somebody waits for and for alerts, since when the oldest is due, or None."""
    kinds = [
        (name, select(func.min(_delivery.c.due_at)).where(_delivery.c.state == state, _delivery.c.kind == kind))
        for name, kinds in _QUEUES.items()
        for kind in kinds
        for state in _WAITING
    ]
    found = session.connection().execute(select(*(first.scalar_subquery() for _, first in kinds))).one()
    due: dict[str, datetime | None] = dict.fromkeys(_QUEUES)
    for (name, _), at in zip(kinds, found, strict=True):
        if at is not None and at <= now and (due[name] is None or at < (due[name] or at)):
            due[name] = at
    return due


def count_state(session: Session, state: DeliveryState) -> int:
    """Count all deliveries in a state that is meant to be rare."""
    return session.connection().scalar(select(func.count()).where(_delivery.c.state == state)) or 0


def deferred_by_domain(session: Session) -> dict[str, int]:
    """Count deferred deliveries by their addresses' domains, the largest first.

    Only domains with several readers have names, the others are "other": a domain may be one person's. Beyond the
    first 20,000 nothing is counted: more than that tells no more.
    """
    address = func.coalesce(func.nullif(_delivery.c.address, ""), _subscriber.c.address)
    some = (
        select(domain_of(session, address).label("domain"))
        .select_from(_delivery)
        .outerjoin(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
        .where(_delivery.c.state == DeliveryState.DEFERRED)
        .limit(_LOOKED_AT)
        .subquery()
    )
    number = func.count().label("number")
    rows = session.connection().execute(
        select(some.c.domain, number).group_by(some.c.domain).order_by(number.desc(), some.c.domain)
    )
    named: dict[str, int] = {}
    for domain, count in rows:
        name = domain if domain and count >= _ENOUGH and len(named) < _NAMED else "other"
        named[name] = named.get(name, 0) + count
    return named


def domain_of(session: Session, address: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the domain of an address, in small letters, as an expression."""
    if session.connection().dialect.name == "postgresql":
        return func.lower(func.substring(address, "[^@]*$"))
    return func.lower(func.substr(address, func.instr(address, "@") + 1))


def source_standings(session: Session) -> list[SourceStanding]:
    """Return how each source and scope stands, by name."""
    ended = select(
        _run.c.source,
        _run.c.scope,
        func.max(_run.c.id).label("newest"),
        func.max(_run.c.finished_at).filter(_run.c.status.in_((RunStatus.OK, RunStatus.QUIET))).label("last_ok"),
    ).group_by(_run.c.source, _run.c.scope)
    each = ended.subquery()
    rows = session.connection().execute(
        select(_run.c.source, _run.c.scope, _run.c.status, _run.c.finished_at, each.c.last_ok)
        .join(each, each.c.newest == _run.c.id)
        .order_by(_run.c.source, _run.c.scope)
    )
    return [SourceStanding(row.source, row.scope, row.status or "running", *row[3:]) for row in rows]


def newest_score(session: Session) -> datetime | None:
    """Return the instant of the newest ranking."""
    newest: datetime | None = session.connection().scalar(select(func.max(table_of(Score).c.as_of)))
    return newest


def mailbox_read(session: Session) -> datetime | None:
    """Return when the bounce mailbox was read last; None where there is none."""
    at: datetime | None = session.connection().scalar(select(func.max(table_of(MailboxCursor).c.polled_at)))
    return at


def chores(session: Session) -> dict[str, datetime]:
    """Return when each piece of housekeeping was done last."""
    table = table_of(Chore)
    return {name: at for name, at in session.connection().execute(select(table.c.name, table.c.done_at))}  # noqa: C416  # rows are no pairs for mypy
