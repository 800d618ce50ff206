"""Keep since when the relay cannot be used: every run that sends says how it found it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from digest.core.delivery import DeliveryState, Tally
from digest.flows.vitals import RELAY
from digest.store.engine import reading, writing
from digest.store.outages import end_outage, note_outage, outage

_ANSWERED = (DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.DEFERRED)


def note_relay(engine: Engine, tally: Tally, now: datetime) -> None:
    """Note how a run found the relay; one that had nothing to hand over found nothing out, and writes nothing."""
    if tally.relay and not tally[DeliveryState.ACCEPTED]:
        with writing(engine) as session:
            note_outage(session, RELAY, tally.relay, now)
        return
    if not any(tally[state] for state in _ANSWERED):
        return
    with reading(engine) as session:
        was_away = outage(session, RELAY, seen_since=datetime.min.replace(tzinfo=now.tzinfo)) is not None
    if was_away:
        with writing(engine) as session:
            end_outage(session, RELAY)
