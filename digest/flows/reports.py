"""Act on one report on one reader: record it once, decide, and ban or unsubscribe where that is due.

Apart from the reading of mail, so that the process that sends need not load it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from digest.core.bounce import MEMORY, BounceAction, ReportKind, decide, status_of_reply
from digest.core.subscription import ConsentAction
from digest.mail.report import Report, one_line
from digest.store import bounces, subscribers
from digest.store.bounces import Addressee
from digest.store.subscribers import Evidence
from digest.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done about one report; `seen` if it was known already, `matched` if it is about a reader of ours."""

    report: Report
    action: BounceAction
    matched: bool
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """A delivery that the relay refused for good in the session (5xx): the reply's digits and its words."""

    delivery_id: int
    attempts: int
    code: int
    text: str


def take_rejected(session: Session, tokens: Tokens, rejected: Sequence[Rejected], *, now: datetime) -> list[Outcome]:
    """Act on rejections in the session as on reports that come back by mail, in the caller's transaction."""
    readers = bounces.addressees_of(session, [one.delivery_id for one in rejected])
    outcomes = []
    for one in rejected:
        if whose := readers.get(one.delivery_id):
            status = status_of_reply(one.code, one.text)
            words = one_line(f"{one.code} {one.text}")
            report = Report(kind=ReportKind.HARD, recipient=whose.address, status=status, reason=words)
            key = hashlib.sha256(f"session\n{one.delivery_id}\n{one.attempts}".encode()).hexdigest()
            outcomes.append(take(session, tokens, key, report, whose=whose, now=now, at=now))
    return outcomes


def take(
    session: Session,
    tokens: Tokens,
    key: str,
    report: Report,
    *,
    whose: Addressee | None,
    now: datetime,
    at: datetime,
) -> Outcome:
    """Take in a report under a key that makes it count once; `whose` is None where it is about nobody of ours."""
    if not recorded(session, key, report, whose, at):
        return Outcome(report, BounceAction.NONE, whose is not None, seen=True)
    if whose is None:
        return Outcome(report, BounceAction.NONE, matched=False)
    history = bounces.scored_before(session, whose.subscriber_id, now - MEMORY)
    action, _score = decide(report.kind, report.status, report.reason, history, now, at=at)
    match action:
        case BounceAction.SUPPRESS:
            words = f"{report.kind} {report.status}".strip()
            subscribers.suppress(session, whose.address, tokens.address_hashes(whose.address), words, now)
        case BounceAction.UNSUBSCRIBE if bounces.confirmed_after(session, whose.subscriber_id, at):
            action = BounceAction.NONE  # an old wish, told late: they have asked for mail again since
        case BounceAction.UNSUBSCRIBE:
            unsubscribe(session, whose.subscriber_id, "feedback report", now)
        case BounceAction.SCORE | BounceAction.POLICY | BounceAction.NONE | BounceAction.FORGIVEN:
            pass
    bounces.conclude(session, key, action)
    return Outcome(report, action, matched=True)


def recorded(session: Session, key: str, report: Report, whose: Addressee | None, at: datetime) -> bool:
    """Record a report; False if it was recorded before."""
    values = {
        "kind": report.kind.value,
        "action": BounceAction.NONE.value,
        "recipient": report.recipient,
        "status": report.status,
        "reason": report.reason,
        "delivery_id": (whose.delivery_id or None) if whose else None,
        "subscriber_id": whose.subscriber_id if whose else None,
        "received_at": at,
    }
    return bounces.record(session, key, values)


def unsubscribe(session: Session, subscriber_id: int, source: str, now: datetime) -> None:
    """End a reader's subscription, as they asked."""
    evidence = Evidence(at=now, ip="", source=source)
    subscribers.apply_consent(session, subscriber_id, ConsentAction.UNSUBSCRIBE, evidence)
