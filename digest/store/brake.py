"""Queries of the brake: what became of the messages of a time, and which issues it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import distinct, func, literal, select, update
from sqlmodel import Session

from digest.core.bounce import BounceAction, ReportKind
from digest.core.brake import Counts, harmless_from
from digest.core.delivery import DeliveryKind, DeliveryState, NotSent
from digest.core.issue import IssueState
from digest.store.dialects import insert_row, table_of
from digest.store.tables import BounceEvent, BrakeEvent, Delivery, IssueRow

_delivery = table_of(Delivery)
_event = table_of(BounceEvent)
_issue = table_of(IssueRow)
_brake = table_of(BrakeEvent)
_KINDS = (DeliveryKind.DIGEST, DeliveryKind.WELCOME, DeliveryKind.CONFIRMATION)
# A message goes out at its slot or soon after; looked for by slot, since that is what the index knows.
_LATE = timedelta(hours=6)


def counts_since(session: Session, since: datetime) -> Counts:
    """Count what became of the messages after an instant; of several reports on one reader one counts.

    Messages are counted only as far as it matters (`harmless_from`): a run of a million must not be held up by it.
    """
    against = _held_against(session, since)
    enough = harmless_from(against)
    if not enough:
        return against
    # A row more than enough, so that what is just harmless is told from what is just not.
    some = (
        select(_delivery.c.state)
        .where(
            _delivery.c.state.in_((DeliveryState.ACCEPTED, DeliveryState.FAILED)),
            _delivery.c.kind.in_(_KINDS),
            _delivery.c.due_at >= since - _LATE,
            _delivery.c.settled_at > since,
            (_delivery.c.state == DeliveryState.ACCEPTED) | (_delivery.c.reason == NotSent.REJECTED),
        )
        .limit(enough + 1)
        .subquery()
    )
    sent = session.connection().execute(select(some.c.state, func.count().label("number")).group_by(some.c.state))
    states: dict[str, int] = {row.state: row.number for row in sent}
    accepted, rejected = (states.get(state, 0) for state in (DeliveryState.ACCEPTED, DeliveryState.FAILED))
    return replace(against, accepted=accepted, rejected=rejected)


def _held_against(session: Session, since: datetime) -> Counts:
    reports = session.connection().execute(
        select(_event.c.kind, _event.c.action, _event.c.status, func.count(distinct(_event.c.subscriber_id)))
        .where(
            _event.c.received_at > since,
            _event.c.subscriber_id.is_not(None),
            _event.c.action.in_((BounceAction.SUPPRESS, BounceAction.SCORE, BounceAction.POLICY)),
        )
        .group_by(_event.c.kind, _event.c.action, _event.c.status)
    )
    hard = complaints = 0
    policy: dict[str, int] = {}
    for kind, action, status, number in reports:
        if action == BounceAction.POLICY:
            policy[status] = policy.get(status, 0) + number
        elif kind == ReportKind.COMPLAINT:
            complaints += number
        elif kind == ReportKind.HARD:
            hard += number
    return Counts(hard=hard, complaints=complaints, policy=policy)


def why_stopped(session: Session) -> str:
    """Return why the brake stopped last; empty where it was released since, or never pulled."""
    row = session.connection().execute(select(_brake).order_by(_brake.c.id.desc()).limit(1)).one_or_none()
    return row.words if row and not row.released else ""


def released_at(session: Session) -> datetime | None:
    """Return when somebody last let sending go on: what was before that counts no more."""
    at: datetime | None = session.connection().scalar(select(func.max(_brake.c.at)).where(_brake.c.released))
    return at


def hold_running(session: Session) -> list[int]:
    """Hold every issue that is being sent or about to be; return which."""
    rows = session.connection().scalars(
        update(_issue)
        .where(_issue.c.state.in_((IssueState.FROZEN, IssueState.SENDING)), _issue.c.queued_at.is_not(None))
        .values(state=IssueState.HELD)
        .returning(_issue.c.id)
    )
    return sorted(rows)


def held_by_brake(session: Session) -> list[int]:
    """List the issues that the brake has stopped since it was last released."""
    newest = select(func.coalesce(func.max(_brake.c.id), 0)).where(_brake.c.released).scalar_subquery()
    rows = session.connection().scalars(select(_brake.c.issue_ids).where(~_brake.c.released, _brake.c.id > newest))
    return sorted({issue_id for ids in rows for issue_id in ids})


def record(session: Session, *, at: datetime, released: bool, actor: str, words: str, issue_ids: Sequence[int]) -> None:
    """Record that the brake was pulled or released."""
    row = {"at": at, "released": released, "actor": actor, "words": words, "issue_ids": list(issue_ids)}
    insert_row(session, _brake, row, literal(True))
