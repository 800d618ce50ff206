"""What the admin's desk reads: the records that were set aside, and how deliveries stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.core.delivery import DeliveryState
from digest.store.tables import Delivery, IngestRun, IssueRow, RejectedRecord, Subscriber

_OPEN_QUESTIONS = (DeliveryState.FAILED.value, DeliveryState.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that a run set aside, and which run that was."""

    source: str
    scope: str
    at: datetime
    position: str
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class IssueTally:
    """How the deliveries of one issue stand; the issue's fields are None for mails that belong to none."""

    issue_id: int | None
    issued_on: date | None
    issue_state: str | None
    kind: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """How many deliveries there are."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Trouble:
    """A delivery that failed or whose fate is unknown, with the server's words."""

    delivery: Delivery
    address: str
    issued_on: date | None


@dataclass(frozen=True, slots=True)
class HeldUp:
    """Deliveries that wait for the same reason, and when the first of them is tried again."""

    reason: str
    number: int
    next_at: datetime


def set_aside(session: Session, *, source: str = "", scope: str = "", limit: int = 100) -> list[SetAside]:
    """List the newest records that were set aside, with the reasons; of one source in one scope if it is named."""
    statement = select(RejectedRecord, IngestRun).where(RejectedRecord.run_id == IngestRun.id)
    if source:
        statement = statement.where(IngestRun.source == source, IngestRun.scope == scope)
    rows = session.exec(statement.order_by(col(RejectedRecord.id).desc()).limit(limit))
    return [
        SetAside(run.source, run.scope, run.started_at, record.position, record.reason, record.excerpt)
        for record, run in rows
    ]


def issue_tallies(session: Session, *, limit: int = 30) -> list[IssueTally]:
    """Count the deliveries of the newest issues by state, and those of mails that belong to no issue."""
    recent = select(IssueRow.id).order_by(col(IssueRow.issued_on).desc()).limit(limit)
    counted = (
        select(
            col(Delivery.issue_id).label("issue_id"),
            col(Delivery.kind).label("kind"),
            col(Delivery.state).label("state"),
            func.count().label("number"),
        )
        .where(col(Delivery.issue_id).is_(None) | col(Delivery.issue_id).in_(recent))
        .group_by(col(Delivery.issue_id), col(Delivery.kind), col(Delivery.state))
        .subquery()
    )
    statement = (
        sqlalchemy.select(col(IssueRow.issued_on), col(IssueRow.state), counted)
        .select_from(counted)
        .join(IssueRow, col(IssueRow.id) == counted.c.issue_id, isouter=True)
    )
    tallies: dict[tuple[int | None, str], IssueTally] = {}
    for issued_on, issue_state, issue_id, kind, state, number in session.connection().execute(statement):
        tally = tallies.setdefault((issue_id, kind), IssueTally(issue_id, issued_on, issue_state, kind, {}))
        tally.counts[state] = number
    return sorted(tallies.values(), key=lambda tally: (tally.issued_on or date.min, tally.kind), reverse=True)


def held_up(session: Session, *, limit: int = 20) -> list[HeldUp]:
    """Say why deliveries wait beyond their slots: their domains take less, or the relay broke off; the most first."""
    number = func.count()
    rows = session.exec(
        select(col(Delivery.reason), number, func.min(col(Delivery.due_at)))
        .where(Delivery.state == DeliveryState.PENDING.value, Delivery.reason != "")
        .group_by(col(Delivery.reason))
        .order_by(number.desc())
        .limit(limit)
    )
    return [HeldUp(*row) for row in rows]


def troubles(session: Session, *, limit: int = 100) -> list[Trouble]:
    """List the newest deliveries that failed or whose fate is unknown."""
    rows = session.exec(
        select(Delivery, col(Subscriber.address), col(IssueRow.issued_on))
        .join(Subscriber, isouter=True)
        .join(IssueRow, col(Delivery.issue_id) == IssueRow.id, isouter=True)
        .where(col(Delivery.state).in_(_OPEN_QUESTIONS))
        .order_by(col(Delivery.id).desc())
        .limit(limit)
    )
    return [Trouble(delivery, address or delivery.address, issued_on) for delivery, address, issued_on in rows]
