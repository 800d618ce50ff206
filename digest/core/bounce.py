"""What to do about a report on a message that came back: decided from the report and what came before it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum


class ReportKind(StrEnum):
    """What a message that came back says of one recipient."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    UNSUBSCRIBE = "unsubscribe"
    NOT_A_BOUNCE = "not-a-bounce"


class BounceAction(StrEnum):
    """What is done about a report."""

    SUPPRESS = "suppress"
    UNSUBSCRIBE = "unsubscribe"
    SCORE = "score"
    POLICY = "policy"
    NONE = "none"
    FORGIVEN = "forgiven"  # it was scored or banned for, until an operator lifted the ban


MEMORY = timedelta(days=180)  # how long a bounce is looked back at; by then hardly anything is left of it
HALF_LIFE = timedelta(days=30)
THRESHOLD = 5.0  # six daily bounces in a row, or nine weekly ones
_SOFT_WEIGHT = 1.0
_HARD_WEIGHT = 2.0  # permanent, yet not about the address: a full mailbox, a broken system
_SENDERS_FAULT = frozenset({"5.1.7", "5.1.8", "5.1.9"})  # the *sender's* address is refused (RFC 3463 section 3.2)
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")


@dataclass(frozen=True, slots=True)
class PastBounce:
    """A bounce of the same reader's that was scored."""

    at: datetime
    kind: ReportKind


def refined(status: str, reason: str) -> str:
    """Return the more telling of the status and a code of the same class in the reason.

    Many systems say 5.0.0 in the status field and the cause only in the words after it.
    """
    if status and not status.endswith(".0.0"):
        return status
    for found in _ENHANCED.findall(reason):
        if not found.endswith(".0.0") and (not status or found[0] == status[0]):
            return str(found)
    return status


def decide(
    kind: ReportKind, status: str, reason: str, history: Iterable[PastBounce], now: datetime
) -> tuple[BounceAction, float]:
    """Decide what to do about a report, and the reader's score with it.

    `status` is an enhanced code (RFC 3463) or empty. A refused address suppresses at once, a refusal for
    policy (5.7.x) never: it is the sender's to mend. Everything else adds to a score that halves in 30
    days and counts once a day, and suppresses from a threshold on.
    """
    past = list(history)
    match kind:
        case ReportKind.COMPLAINT:
            return BounceAction.SUPPRESS, score(past, now)
        case ReportKind.UNSUBSCRIBE:
            return BounceAction.UNSUBSCRIBE, score(past, now)
        case ReportKind.AUTO_REPLY | ReportKind.NOT_A_BOUNCE:
            return BounceAction.NONE, score(past, now)
        case ReportKind.HARD | ReportKind.SOFT:
            pass
    code = refined(status, reason)
    codes = {code, *_ENHANCED.findall(reason)}
    if not _SENDERS_FAULT.isdisjoint(codes) or any(one[1:].startswith(".7.") for one in codes):
        return BounceAction.POLICY, score(past, now)
    if kind is ReportKind.HARD and code.startswith("5.1."):
        return BounceAction.SUPPRESS, score(past, now)
    total = score([*past, PastBounce(now, kind)], now)
    return (BounceAction.SUPPRESS if total >= THRESHOLD else BounceAction.SCORE), total


def score(history: Iterable[PastBounce], now: datetime) -> float:
    """Add up bounces: the heaviest of each day (UTC), each halved for every 30 days since."""
    days: dict[date, float] = {}
    for past in history:
        age = now - past.at
        if timedelta(0) <= age <= MEMORY:
            weight = _HARD_WEIGHT if past.kind is ReportKind.HARD else _SOFT_WEIGHT
            left = weight * 0.5 ** (age / HALF_LIFE)
            days[past.at.date()] = max(left, days.get(past.at.date(), 0.0))
    return sum(days.values())
