"""The one door for what comes back: match it to a delivery, record it once, and act on the reader it is about."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.bounce import MEMORY, BounceAction, ReportKind
from digest.flows.reports import Outcome, recorded, take, unsubscribe
from digest.mail.inbound import Inbound, read_inbound
from digest.mail.report import Report
from digest.mail.verp import delivery_behind, reader_behind
from digest.store import bounces
from digest.store.bounces import Addressee
from digest.store.engine import writing
from digest.tokens import Tokens, address_key

__all__ = ["Outcome", "receive", "take_in"]

_GRAVITY = (
    ReportKind.NOT_A_BOUNCE,
    ReportKind.AUTO_REPLY,
    ReportKind.SOFT,
    ReportKind.HARD,
    ReportKind.UNSUBSCRIBE,
    ReportKind.COMPLAINT,
)


def receive(engine: Engine, tokens: Tokens, message: bytes, *, now: datetime, envelope_to: str = "") -> list[Outcome]:
    """Take in a message that came back, in one transaction; the same message again changes nothing.

    It is matched by a signed address (VERP), else by the Message-ID of what it returns, which nobody but the
    recipient can know. A report that matches nothing is recorded and acts on nobody. Nothing is ever answered.
    Raises RefusedInput for an empty message and one over 32 MiB.
    """
    return take_in(engine, tokens, read_inbound(message, envelope_to=envelope_to), now=now)


def take_in(engine: Engine, tokens: Tokens, inbound: Inbound, *, now: datetime) -> list[Outcome]:
    """Take in what a message or an authenticated provider says, in one transaction.

    What a provider proves to have said (`inbound.proven`) may be matched by the address alone. It counts for the
    day on which it happened, so that the order of arrival does not matter.
    """
    at = max(min(inbound.at or now, now), now - MEMORY)
    with writing(engine) as session:
        whose, leaving = _match(session, tokens, inbound)
        chosen = _about(inbound.reports, whose) if whose and inbound.reports else None
        outcomes = []
        for report in inbound.reports:
            key = _event_key(inbound, report)
            if leaving is not None and report.kind is ReportKind.UNSUBSCRIBE:
                outcomes.append(_leave(session, key, report, leaving, now))
                continue
            mine = whose if report is chosen else None
            if whose is None and inbound.proven:
                mine = bounces.addressee_at(session, report.recipient)
            outcomes.append(take(session, tokens, key, report, whose=mine, now=now, at=at))
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


def _leave(session: Session, key: str, report: Report, subscriber_id: int, now: datetime) -> Outcome:
    reader = Addressee(0, subscriber_id, "")
    if not recorded(session, key, report, reader, now):
        return Outcome(report, BounceAction.NONE, matched=True, seen=True)
    unsubscribe(session, subscriber_id, "unsubscribe mail", now)
    bounces.conclude(session, key, BounceAction.UNSUBSCRIBE)
    return Outcome(report, BounceAction.UNSUBSCRIBE, matched=True)


def _event_key(inbound: Inbound, report: Report) -> str:
    """Derive the key under which a report counts once: which message said what of whom."""
    said = "\n".join((inbound.identity, report.kind, report.recipient.casefold()))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
