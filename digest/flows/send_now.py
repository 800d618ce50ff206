"""Send now: let digests go that wait for their hour, without a second one for anybody on one local date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.cadence import local_date
from digest.core.issue import IssueState
from digest.errors import EditRefused, NotFound
from digest.flows.audience import known_zone
from digest.store import sooner
from digest.store.admins import append_audit
from digest.store.dialects import one_writer
from digest.store.edits import ISSUES
from digest.store.engine import reading, writing
from digest.store.issues import state_on
from digest.store.sooner import Waiting


class Which(StrEnum):
    """Which digests are to go at once."""

    EVERYBODY = "everybody"
    LATE = "late"  # those that were due, and wait for another try


@dataclass(frozen=True, slots=True)
class Coming:
    """The digests of an issue that are not due yet: what could go at once, and what keeps its hour whoever asks.

    `planned` wait for their hour, `late` were due and wait for another try. `kept` are for a local date that has not
    begun, or would come less than twelve hours after their reader's last.
    """

    planned: int = 0
    late: int = 0
    kept: int = 0


def coming(engine: Engine, issued_on: date, now: datetime) -> Coming | None:
    """Count what of an issue waits for its hour; None where it is not being sent."""
    with reading(engine) as session:
        found = state_on(session, issued_on)
        if found is None or found[1] not in (IssueState.FROZEN, IssueState.SENDING):
            return None
        groups = sooner.waiting(session, found[0], now)
    planned = sum(one.rested for one in groups if _has_begun(one, now))
    return Coming(planned, sum(one.late for one in groups), sum(one.planned for one in groups) - planned)


def send_now(engine: Engine, issued_on: date, which: Which, *, actor: str, now: datetime, ip: str = "") -> int:
    """Make digests of a frozen issue due at once; return how many. Raises NotFound, and EditRefused for a held one.

    A digest goes before its hour only on its own local date, and not within twelve hours of its reader's last: so
    nobody has two on one date, or two before breakfast. The others keep their hour. Doing it twice changes nothing.
    """
    with writing(engine) as session:
        one_writer(session, ISSUES)
        issue_id = _going(session, issued_on)
        groups = sooner.waiting(session, issue_id, now) if which is Which.EVERYBODY else []
        let_go = sooner.make_late_due(session, issue_id, now)
        for one in groups:
            if one.rested and _has_begun(one, now):
                let_go += sooner.make_due(session, issue_id, one.timezone, one.local_date, now)
        append_audit(
            session,
            at=now,
            actor=actor,
            action="send now",
            target=f"issue of {issued_on}",
            detail=f"{which}: {let_go} deliveries due at once",
            ip=ip,
        )
    return let_go


def _has_begun(group: Waiting, now: datetime) -> bool:
    return group.local_date == local_date(known_zone(group.timezone), now)


def _going(session: Session, issued_on: date) -> int:
    found = state_on(session, issued_on)
    if found is None:
        raise NotFound(f"there is no frozen issue of {issued_on}")
    issue_id, state = found
    if state is IssueState.HELD:
        raise EditRefused(f"the issue of {issued_on} is held; approve it first")
    if state not in (IssueState.FROZEN, IssueState.SENDING):
        raise EditRefused(f"the issue of {issued_on} is {state}: nobody waits for it any more")
    if not sooner.is_queued(session, issue_id):
        raise EditRefused(f"the deliveries of the issue of {issued_on} are still being made; try again in a minute")
    return issue_id
