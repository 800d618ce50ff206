"""Observations on their way into the database: checked, then added once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from sqlmodel import Session

from digest.core.merge import storable
from digest.core.paper import Observation
from digest.store.dialects import insert_missing
from digest.store.tables import ObservationRow

MAX_VALUE = 1e9
_ROWS = 5_000


def fault_of(observation: Observation) -> str:
    """Say why an observation cannot be believed; empty where nothing is wrong with it."""
    try:
        value = float(observation.value)
    except OverflowError:
        value = math.inf
    if not observation.signal or not observation.source:
        return "an observation without a signal or a source"
    if not math.isfinite(value) or not 0 <= value <= MAX_VALUE:
        return f"{observation.signal} of {value:g} is not believable"
    if observation.of is not None and not 1 <= observation.of <= MAX_VALUE:
        return f"{observation.signal} among {observation.of:g} is not believable"
    if observation.at.tzinfo is None:
        return f"{observation.signal} at an instant without its time zone"
    return ""


def add_observations(session: Session, observed: Iterable[tuple[int, Observation]]) -> int:
    """Add observations by paper id, skipping what is known already; return how many were added."""
    rows: list[dict[str, Any]] = [
        {
            "paper_id": paper_id,
            "signal": storable(one.signal),
            "source": storable(one.source),
            "at": one.at,
            "value": float(one.value),
            "of": one.of,
            "coverage": storable(one.coverage),
        }
        for paper_id, one in observed
    ]
    return sum(
        insert_missing(session, ObservationRow, rows[start : start + _ROWS]) for start in range(0, len(rows), _ROWS)
    )
