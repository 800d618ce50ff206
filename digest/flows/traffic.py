"""What a live reading costs its source, and what the source says of it: for the desk, and for the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from digest.core.budget import held_until
from digest.errors import RefusedInput, SourceUnavailable
from digest.sources.meter import Meter
from digest.store.conditions import record_refusal, record_traffic
from digest.store.engine import writing

if TYPE_CHECKING:
    import httpx


@contextmanager
def counted_traffic(engine: Engine, source: str, client: httpx.Client, clock: Callable[[], datetime]) -> Iterator[None]:
    """Count the requests to a source, keep its refusal in its own words, and until when it wants none (Retry-After)."""
    meter = Meter()
    try:
        with meter.listening(client, clock()):
            yield
    except (SourceUnavailable, RefusedInput) as fault:
        wait = fault.retry_after if isinstance(fault, SourceUnavailable) else None
        now = clock()
        with writing(engine) as session:
            record_refusal(session, source, str(fault), held_until(wait, now), now=now)
        raise
    finally:
        if meter.requests:
            with writing(engine) as session:
                record_traffic(
                    session,
                    source,
                    requests=meter.requests,
                    refused=meter.refused,
                    status=meter.status,
                    budget=meter.budget,
                    now=clock(),
                )
