"""What becomes of a delivery: decided from replies and failures, written under the fence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlmodel import Session

from digest.core.delivery import DeliveryState, NotSent, after_outage, refusal, retry_at
from digest.errors import LostInDoubt, MessageRefused, RelayUnavailable, TemplateFault
from digest.flows.reports import Rejected, take_rejected
from digest.mail.smtp import Reply, Verdict
from digest.store.addressees import Reader
from digest.store.batches import Look, Outcome, move_all
from digest.store.deliveries import Claim
from digest.tokens import Tokens

_log = structlog.get_logger(__name__)
_LONGEST = 500  # characters of a reply or reason that are kept


class Move(NamedTuple):
    """A transition to commit; `sent` tells the outcome of a message from a decision not to send one."""

    claimed: Claim
    to: DeliveryState
    reason: str = ""
    reply: str = ""
    due_at: datetime | None = None
    sent: bool = False


def decide(claimed: Claim, reader: Reader | Look, now: datetime, *, banned: bool) -> Move | None:
    """Decide whether a claimed delivery must not go out; None if it may."""
    if now >= claimed.expires_at:
        return Move(claimed=claimed, to=DeliveryState.EXPIRED, reason=NotSent.TOO_LATE)
    refused = refusal(
        claimed.kind,
        suppressed=banned,
        subscription=reader.subscription,
        paused_until=reader.paused_until,
        on=claimed.local_date,
    )
    return Move(claimed=claimed, to=refused[0], reason=refused[1]) if refused else None


def unrenderable(claimed: Claim, error: Exception, now: datetime) -> Move:
    """Decide about a message that could not be made."""
    if claimed.issue_id is None and isinstance(error, TemplateFault):
        # Nothing of the reader's is in these mails: the template is broken for all, until it is mended.
        again = retry_at(claimed.id, claimed.attempts + 1, now)
        return Move(claimed=claimed, to=DeliveryState.DEFERRED, reason=NotSent.BROKEN_TEMPLATE, due_at=again)
    return Move(claimed=claimed, to=DeliveryState.FAILED, reason=NotSent.UNRENDERABLE)


def outcome_of(claimed: Claim, reply: Reply, now: datetime) -> Move:
    """Decide by the relay's reply."""
    words = f"{reply.code} {reply.text}"[:_LONGEST]
    tell = _log.info if reply.verdict is Verdict.REJECTED else _log.debug
    tell("smtp_reply", delivery=claimed.id, kind=claimed.kind, fence=claimed.fence, reply=words)
    match reply.verdict:
        case Verdict.ACCEPTED:
            return Move(claimed=claimed, to=DeliveryState.ACCEPTED, reply=words, sent=True)
        case Verdict.DEFERRED:
            again = retry_at(claimed.id, claimed.attempts + 1, now)
            return Move(claimed=claimed, to=DeliveryState.DEFERRED, reply=words, due_at=again, sent=True)
        case Verdict.REJECTED:
            return Move(claimed=claimed, to=DeliveryState.FAILED, reason=NotSent.REJECTED, reply=words, sent=True)


def broken_off(claimed: Claim, error: RelayUnavailable | LostInDoubt | MessageRefused, now: datetime) -> Move:
    """Decide about a message whose connection ended: before its final dot it waits, after it it is unknown."""
    if isinstance(error, MessageRefused):
        return refused_here(claimed, error)
    if isinstance(error, LostInDoubt):
        words = str(error)[:_LONGEST]
        _log.warning("smtp_in_doubt", delivery=claimed.id, kind=claimed.kind, fence=claimed.fence, why=words)
        return Move(claimed=claimed, to=DeliveryState.UNKNOWN, reason=NotSent.IN_DOUBT, reply=words, sent=True)
    again = after_outage(claimed.attempts + 1, now)
    return Move(claimed=claimed, to=DeliveryState.PENDING, reason=str(error)[:_LONGEST], due_at=again, sent=True)


def refused_here(claimed: Claim, error: MessageRefused) -> Move:
    """Decide about a message that our own client would not hand over: the relay never heard of it."""
    words = str(error)[:_LONGEST]
    return Move(claimed=claimed, to=DeliveryState.FAILED, reason=NotSent.UNRENDERABLE, reply=words, sent=True)


def write_moves(
    session: Session, moves: Iterable[Move], now: datetime, *, tokens: Tokens | None = None
) -> list[DeliveryState | None]:
    """Write moves under their fences; for each the state reached, or None where the claim was lost.

    With `tokens` a rejection of the relay's also counts as a bounce of its reader's (flows/bounce.py).
    """
    written: list[tuple[Move, bool]] = []
    alike: dict[tuple[DeliveryState, bool], list[Move]] = {}
    for one in moves:
        alike.setdefault((one.to, one.sent), []).append(one)
    for (to, sent), those in alike.items():
        outcomes = [Outcome(one.claimed, one.reason, one.reply, one.due_at) for one in those]
        mine = move_all(session, outcomes, to, now, sent=sent)
        written += [(one, one.claimed.id in mine) for one in those]
    if tokens is not None and (refused := [_rejected(one) for one, mine in written if mine and _is_rejection(one)]):
        take_rejected(session, tokens, refused, now=now)
    return [one.to if mine else None for one, mine in written]


def _is_rejection(one: Move) -> bool:
    return one.to is DeliveryState.FAILED and one.reason == NotSent.REJECTED


def _rejected(one: Move) -> Rejected:
    code, _, text = one.reply.partition(" ")
    return Rejected(one.claimed.id, one.claimed.attempts, int(code), text)
