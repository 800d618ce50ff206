"""Queries on the issue that is going out: by state and domain, why some wait, and what came back of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, distinct, func, select
from sqlmodel import Session

from digest.core.bounce import ReportKind
from digest.core.delivery import UNSETTLED, DeliveryKind, DeliveryState
from digest.core.issue import IssueState
from digest.store.dialects import table_of
from digest.store.tables import BounceEvent, Delivery, IssueRow, Subscriber, Subscription
from digest.store.vitals import domain_of

_delivery, _issue, _event = table_of(Delivery), table_of(IssueRow), table_of(BounceEvent)
_subscriber, _subscription = table_of(Subscriber), table_of(Subscription)
_ENOUGH = 10  # readers whose domain is named: a smaller one may be one person's
_CODE = 9  # characters of a reply, `450 4.2.1`: what comes after differs from message to message
_ANSWERED_WITHIN = timedelta(hours=36)  # so long after its cut-off an issue is why somebody leaves


@dataclass(frozen=True, slots=True)
class Running:
    """An issue that is going out, or went out last."""

    id: int
    issued_on: date
    state: IssueState
    frozen_at: datetime
    queued: bool


@dataclass(frozen=True, slots=True)
class Share:
    """How the digests for one domain stand; `name` is empty for all the small ones together."""

    name: str
    counts: dict[DeliveryState, int]

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    def of(self, states: Collection[DeliveryState]) -> int:
        """How many are in one of some states."""
        return sum(number for state, number in self.counts.items() if state in states)

    @property
    def settled(self) -> int:
        """How many of them are in a final state."""
        return sum(number for state, number in self.counts.items() if state not in UNSETTLED)


@dataclass(frozen=True, slots=True)
class Delay:
    """Deliveries that wait for the same reason: how many, in whose words, and when the first is tried again."""

    number: int
    words: str
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A delivery whose fate is unknown."""

    id: int
    address: str
    reason: str
    reply: str
    at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CameBack:
    """What came back of an issue: readers who complained, whose addresses bounced hard, who left."""

    complaints: int
    hard: int
    left: int


def running_issue(session: Session, on: date | None = None) -> Running | None:
    """Return the issue of a day; without one the newest that is not complete, else the newest."""
    chosen = select(_issue.c.id, _issue.c.issued_on, _issue.c.state, _issue.c.frozen_at, _issue.c.queued_at)
    if on is not None:
        chosen = chosen.where(_issue.c.issued_on == on)
    complete = _issue.c.state == IssueState.COMPLETE
    row = session.connection().execute(chosen.order_by(complete, _issue.c.issued_on.desc()).limit(1)).first()
    if row is None:
        return None
    return Running(row.id, row.issued_on, IssueState(row.state), row.frozen_at, row.queued_at is not None)


def shares_of(session: Session, issue_id: int) -> list[Share]:
    """Count an issue's digests by domain and state, the largest domain first; small ones come together, last."""
    domain = domain_of(session, _subscriber.c.address).label("domain")
    number = func.count()
    rows = session.connection().execute(
        select(domain, _delivery.c.state, number)
        .select_from(_delivery.outerjoin(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id))
        .where(_delivery.c.issue_id == issue_id, _delivery.c.kind == DeliveryKind.DIGEST)
        .group_by(domain, _delivery.c.state)
    )
    found: dict[str, dict[DeliveryState, int]] = {}
    for name, state, count in rows:
        found.setdefault(name or "", {})[DeliveryState(state)] = count
    named = sorted(
        (name for name, counts in found.items() if name and sum(counts.values()) >= _ENOUGH),
        key=lambda name: (-sum(found[name].values()), name),
    )
    rest: dict[DeliveryState, int] = {}
    for name, counts in found.items():
        if name not in named:
            for state, count in counts.items():
                rest[state] = rest.get(state, 0) + count
    return [Share(name, found[name]) for name in named] + ([Share("", rest)] if rest else [])


def deferrals_of(session: Session, issue_id: int, *, limit: int = 12) -> list[Delay]:
    """Say in the servers' words why digests of an issue were deferred, the most frequent first."""
    return _alike(session, issue_id, DeliveryState.DEFERRED, limit)


def failures_of(session: Session, issue_id: int, *, limit: int = 12) -> list[Delay]:
    """Say in the servers' words why digests of an issue failed, the most frequent first."""
    return _alike(session, issue_id, DeliveryState.FAILED, limit)


def put_back_of(session: Session, issue_id: int, *, limit: int = 12) -> list[Delay]:
    """Say why digests of an issue wait beyond their hour without having been offered, the most frequent first."""
    number = func.count()
    rows = session.connection().execute(
        select(number, _delivery.c.reason, func.min(_delivery.c.due_at))
        .where(*_digests(issue_id, DeliveryState.PENDING), _delivery.c.reason != "")
        .group_by(_delivery.c.reason)
        .order_by(number.desc(), _delivery.c.reason)
        .limit(limit)
    )
    return [Delay(*row) for row in rows]


def _alike(session: Session, issue_id: int, state: DeliveryState, limit: int) -> list[Delay]:
    number = func.count()
    words = func.coalesce(func.nullif(_delivery.c.reply, ""), _delivery.c.reason)
    code = func.substr(words, 1, _CODE)
    rows = session.connection().execute(
        select(number, func.max(words), func.min(_delivery.c.due_at))
        .where(*_digests(issue_id, state))
        .group_by(code)
        .order_by(number.desc(), code)
        .limit(limit)
    )
    waits = state in UNSETTLED
    return [Delay(count, said, next_at if waits else None) for count, said, next_at in rows]


def doubts_of(session: Session, issue_id: int, *, limit: int = 50) -> list[Doubt]:
    """List digests of an issue whose fate is unknown, the newest first."""
    rows = session.connection().execute(
        select(
            _delivery.c.id,
            func.coalesce(_subscriber.c.address, _delivery.c.address),
            _delivery.c.reason,
            _delivery.c.reply,
            func.coalesce(_delivery.c.settled_at, _delivery.c.sent_at, type_=_delivery.c.sent_at.type),
            _delivery.c.expires_at,
        )
        .select_from(_delivery.outerjoin(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id))
        .where(*_digests(issue_id, DeliveryState.UNKNOWN))
        .order_by(_delivery.c.id.desc())
        .limit(limit)
    )
    return [Doubt(*row) for row in rows]


def came_back(session: Session, issue: Running) -> CameBack:
    """Count what came back of an issue: each reader once, whatever the number of reports."""
    mine = select(_delivery.c.id).where(
        _delivery.c.issue_id == issue.id,
        _delivery.c.kind == DeliveryKind.DIGEST,
        _delivery.c.id == _event.c.delivery_id,
    )
    reported = session.connection().execute(
        select(_event.c.kind, func.count(distinct(_event.c.subscriber_id)))
        .where(
            _event.c.received_at >= issue.frozen_at,
            _event.c.kind.in_((ReportKind.COMPLAINT, ReportKind.HARD)),
            mine.exists(),
        )
        .group_by(_event.c.kind)
    )
    counts: dict[str, int] = {kind: number for kind, number in reported}  # noqa: C416  # rows are no pairs for mypy
    left = session.connection().scalar(
        select(func.count())
        .select_from(_subscription.join(_delivery, _delivery.c.subscriber_id == _subscription.c.subscriber_id))
        .where(
            *_digests(issue.id, DeliveryState.ACCEPTED),
            _subscription.c.unsubscribed_at.between(issue.frozen_at, issue.frozen_at + _ANSWERED_WITHIN),
            _subscription.c.unsubscribed_at >= _delivery.c.sent_at,
        )
    )
    return CameBack(counts.get(ReportKind.COMPLAINT, 0), counts.get(ReportKind.HARD, 0), left or 0)


def next_due(session: Session, issue_id: int) -> datetime | None:
    """Return when the next digest of an issue is due, or since when; None where nothing waits."""
    firsts = [
        session.connection().scalar(select(func.min(_delivery.c.due_at)).where(*_digests(issue_id, state)))
        for state in UNSETTLED
    ]
    return min((first for first in firsts if first is not None), default=None)


def _digests(issue_id: int, state: DeliveryState) -> tuple[ColumnElement[bool], ...]:
    return (
        _delivery.c.issue_id == issue_id,
        _delivery.c.state == state,
        _delivery.c.kind == DeliveryKind.DIGEST,
    )
