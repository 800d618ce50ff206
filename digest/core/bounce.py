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
_NOT_READERS = frozenset({"5.6.7"})  # the address needs SMTPUTF8, which the relay on the way lacks (RFC 6531)
_PLAIN_CODES = {552: "5.2.2", 553: "5.1.3", 521: "5.1.10", 556: "5.1.10", 530: "5.7.0", 535: "5.7.0", 538: "5.7.0"}
# What servers without enhanced codes say; the first is asked first, since "rejected" alone tells nothing.
_POLICY_WORDS = re.compile(
    r"spam|spf|dkim|dmarc|\brbl\b|dnsbl|black ?list|block ?list|deny ?list|blocked|reputation|polic(?:y|ies)|banned"
    r"|not authori[sz]ed|authentication|relay(?:ing)? (?:access )?denied|too many|rate limit|reverse dns|\bptr\b"
    r"|content (?:rejected|denied)|virus|malware",
    re.IGNORECASE,
)
_NO_SUCH_READER = re.compile(
    r"(?:user|recipient|mailbox|account|address)(?: is| was)? (?:unknown|not found|does(?: not|n't) exist|invalid)"
    r"|(?:unknown|invalid|no such) (?:user|recipient|mailbox|account|address|local part)|no mailbox here",
    re.IGNORECASE,
)
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")


@dataclass(frozen=True, slots=True)
class PastBounce:
    """A bounce of the same reader's that was scored."""

    at: datetime
    kind: ReportKind


def refined(status: str, reason: str) -> str:
    """Return the more telling of the status and a code of the same class in the reason.

    Many systems say 5.0.0 in the status field and the cause only in the words after it, by a code or, older
    ones, by "user unknown" alone.
    """
    if status and not status.endswith(".0.0"):
        return status
    for found in _ENHANCED.findall(reason):
        if not found.endswith(".0.0") and (not status or found[0] == status[0]):
            return str(found)
    if status[:1] == "5":
        if _POLICY_WORDS.search(reason):
            return "5.7.0"
        if _NO_SUCH_READER.search(reason) and "sender" not in reason.casefold():
            return "5.1.1"
    return status


def status_of_reply(code: int, text: str) -> str:
    """Return the enhanced status of a reply in the SMTP session (RFC 5321, 7504): its own, or what its digits mean."""
    found = _ENHANCED.match(text)
    if found and found[1][0] == str(code)[0]:
        return found[1]
    if code == 553 and _POLICY_WORDS.search(text):
        return "5.7.0"  # 553 is "mailbox name not allowed", and also what some say of a sender they refuse
    return _PLAIN_CODES.get(code, f"{code // 100}.0.0")


def decide(
    kind: ReportKind,
    status: str,
    reason: str,
    history: Iterable[PastBounce],
    now: datetime,
    *,
    at: datetime | None = None,
) -> tuple[BounceAction, float]:
    """Decide what to do about a report, and the reader's score with it.

    `status` is an enhanced code (RFC 3463) or empty; `at` is when it happened, where that is not now. A refused
    address suppresses at once, a refusal for policy (5.7.x) never: it is the sender's to mend. Everything else
    adds to a score that halves in 30 days and counts once a day, and suppresses from a threshold on.
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
    if not (_SENDERS_FAULT | _NOT_READERS).isdisjoint(codes) or any(one[1:].startswith(".7.") for one in codes):
        return BounceAction.POLICY, score(past, now)
    if kind is ReportKind.HARD and code.startswith("5.1."):
        return BounceAction.SUPPRESS, score(past, now)
    total = score([*past, PastBounce(at or now, kind)], now)
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
