"""Ways to break the engine on purpose: an oracle that never says no proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import update
from sqlmodel import Session

from digest.core.delivery import DeliveryState, Tally
from digest.flows import ledger
from digest.flows.moves import Move, write_moves
from digest.store import audience
from digest.store.batches import Intent, intend_all
from digest.store.dialects import table_of
from digest.store.tables import Delivery
from digest.tokens import Tokens

_delivery = table_of(Delivery)


class Sabotage(StrEnum):
    """What is broken."""

    RESEND = "resend"  # what was being sent when its worker died is sent again
    LATE_INTENT = "late-intent"  # the intent is committed with the outcome, after the final dot
    EARLY_OUTCOME = "early-outcome"  # a message is called accepted before the relay has answered


@contextmanager
def applied(kind: Sabotage | None) -> Iterator[None]:
    """Break the engine of this process and of those it forks, and mend it afterwards."""
    broken = _BREAKS[kind]() if kind else []
    whole = [(holder, name, getattr(holder, name)) for holder, name, _ in broken]
    for holder, name, replacement in broken:
        setattr(holder, name, replacement)
    try:
        yield
    finally:
        for holder, name, original in whole:
            setattr(holder, name, original)


def _resending() -> list[tuple[Any, str, Any]]:
    whole = audience.sweep_rows

    def sweep_rows(session: Session, now: datetime) -> Tally:
        session.connection().execute(
            update(_delivery)
            .where(_delivery.c.state == DeliveryState.SENDING, _delivery.c.lease_until <= now)
            .values(state=DeliveryState.PENDING, claimed_by="", lease_until=None)
        )
        return whole(session, now)

    return [(audience, "sweep_rows", sweep_rows)]


def _intending_late() -> list[tuple[Any, str, Any]]:
    put_off: dict[int, Intent] = {}

    def intend_later(_session: Session, intents: Sequence[Intent], _now: datetime) -> set[int]:
        put_off.update({one.claimed.id: one for one in intents})
        return set(put_off)

    def write(
        session: Session, moves: Iterable[Move], now: datetime, *, tokens: Tokens | None = None
    ) -> list[DeliveryState | None]:
        moves = list(moves)
        intend_all(session, [put_off[one.claimed.id] for one in moves if one.sent and one.claimed.id in put_off], now)
        return write_moves(session, moves, now, tokens=tokens)

    return [(ledger, "intend_all", intend_later), (ledger, "write_moves", write)]


def _settling_early() -> list[tuple[Any, str, Any]]:
    def intend_and_settle(session: Session, intents: Sequence[Intent], now: datetime) -> set[int]:
        mine = intend_all(session, intents, now)
        session.connection().execute(
            update(_delivery).where(_delivery.c.id.in_(mine)).values(state=DeliveryState.ACCEPTED)
        )
        return mine

    return [(ledger, "intend_all", intend_and_settle)]


_BREAKS = {
    Sabotage.RESEND: _resending,
    Sabotage.LATE_INTENT: _intending_late,
    Sabotage.EARLY_OUTCOME: _settling_early,
}
