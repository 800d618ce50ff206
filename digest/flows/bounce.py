"""The one door for what comes back: match it to a delivery, record it once, and act on the reader it is about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.bounce import MEMORY, BounceAction, ReportKind, decide
from digest.core.subscription import ConsentAction
from digest.mail.inbound import Inbound, read_inbound
from digest.mail.report import Report
from digest.mail.verp import delivery_behind, reader_behind
from digest.store import bounces, subscribers
from digest.store.bounces import Addressee
from digest.store.engine import writing
from digest.store.subscribers import Evidence
from digest.tokens import Tokens, address_key

_GRAVITY = (
    ReportKind.NOT_A_BOUNCE,
    ReportKind.AUTO_REPLY,
    ReportKind.SOFT,
    ReportKind.HARD,
    ReportKind.UNSUBSCRIBE,
    ReportKind.COMPLAINT,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done about one report; `seen` if it was known already, `matched` if it is about a reader of ours."""

    report: Report
    action: BounceAction
    matched: bool
    seen: bool = False


def receive(engine: Engine, tokens: Tokens, message: bytes, *, now: datetime, envelope_to: str = "") -> list[Outcome]:
    """Take in a message that came back, in one transaction; the same message again changes nothing.

    It is matched by a signed address (VERP), else by the Message-ID of what it returns, which nobody but the
    recipient can know. A report that matches nothing is recorded and acts on nobody. Nothing is ever answered.
    Raises RefusedInput for an empty message and one over 32 MiB.
    """
    inbound = read_inbound(message, envelope_to=envelope_to)
    with writing(engine) as session:
        whose, leaving = _match(session, tokens, inbound)
        chosen = _about(inbound.reports, whose) if whose else None
        outcomes = []
        for report in inbound.reports:
            if leaving is not None and report.kind is ReportKind.UNSUBSCRIBE:
                outcomes.append(_leave(session, inbound, report, leaving, now))
            else:
                mine = whose if report is chosen else None
                outcomes.append(_take(session, tokens, inbound, report, whose=mine, now=now))
    return outcomes


def _match(session: Session, tokens: Tokens, inbound: Inbound) -> tuple[Addressee | None, int | None]:
    """Find the delivery that a message is about, and the reader whose unsubscribe address it was sent to."""
    leaving = reader_behind(tokens, inbound.addressed_to)
    signed = delivery_behind(tokens, [*inbound.addressed_to, *inbound.returned_to])
    if signed is not None:
        return bounces.addressee_of(session, signed), leaving
    return bounces.addressee_by_message(session, inbound.mentioned_ids), leaving


def _about(reports: tuple[Report, ...], whose: Addressee) -> Report:
    """Choose the report on our reader: by address, else the mildest, since an alias may stand for several people."""
    own = address_key(whose.address)
    for report in reports:
        if address_key(report.recipient) == own:
            return report
    return min(reports, key=lambda report: _GRAVITY.index(report.kind))


def _take(
    session: Session, tokens: Tokens, inbound: Inbound, report: Report, *, whose: Addressee | None, now: datetime
) -> Outcome:
    key = _event_key(inbound, report)
    if not _recorded(session, key, report, whose, now):
        return Outcome(report, BounceAction.NONE, whose is not None, seen=True)
    if whose is None:
        return Outcome(report, BounceAction.NONE, matched=False)
    history = bounces.scored_before(session, whose.subscriber_id, now - MEMORY)
    action, _score = decide(report.kind, report.status, report.reason, history, now)
    match action:
        case BounceAction.SUPPRESS:
            words = f"{report.kind} {report.status}".strip()
            subscribers.suppress(session, whose.address, tokens.address_hashes(whose.address), words, now)
        case BounceAction.UNSUBSCRIBE:
            _unsubscribe(session, whose.subscriber_id, "feedback report", now)
        case BounceAction.SCORE | BounceAction.POLICY | BounceAction.NONE | BounceAction.FORGIVEN:
            pass
    bounces.conclude(session, key, action)
    return Outcome(report, action, matched=True)


def _leave(session: Session, inbound: Inbound, report: Report, subscriber_id: int, now: datetime) -> Outcome:
    key = _event_key(inbound, report)
    reader = Addressee(0, subscriber_id, "")
    if not _recorded(session, key, report, reader, now):
        return Outcome(report, BounceAction.NONE, matched=True, seen=True)
    _unsubscribe(session, subscriber_id, "unsubscribe mail", now)
    bounces.conclude(session, key, BounceAction.UNSUBSCRIBE)
    return Outcome(report, BounceAction.UNSUBSCRIBE, matched=True)


def _unsubscribe(session: Session, subscriber_id: int, source: str, now: datetime) -> None:
    evidence = Evidence(at=now, ip="", source=source)
    subscribers.apply_consent(session, subscriber_id, ConsentAction.UNSUBSCRIBE, evidence)


def _event_key(inbound: Inbound, report: Report) -> str:
    """Derive the key under which a report counts once: which message said what of whom."""
    said = "\n".join((inbound.identity, report.kind, report.recipient.casefold()))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _recorded(session: Session, key: str, report: Report, whose: Addressee | None, now: datetime) -> bool:
    values = {
        "kind": report.kind.value,
        "action": BounceAction.NONE.value,
        "recipient": report.recipient,
        "status": report.status,
        "reason": report.reason,
        "delivery_id": (whose.delivery_id or None) if whose else None,
        "subscriber_id": whose.subscriber_id if whose else None,
        "received_at": now,
    }
    return bounces.record(session, key, values)
