"""Fill a new installation with the last days of its sources, so that a percentile compares a paper with many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import httpx
from sqlalchemy import Engine

from digest.core.capture import Cursor
from digest.flows.ingest import LiveSource, Report, ingest_live
from digest.store.engine import writing
from digest.store.runs import load_cursor, save_cursor

MOST_DAYS = 30  # Hugging Face's lists reach no further back, and arXiv's API is asked page by page


def fill(
    engine: Engine,
    plan: Sequence[tuple[LiveSource, str]],
    open_client: Callable[[str], AbstractContextManager[httpx.Client]],
    *,
    days: int,
    clock: Callable[[], datetime],
) -> Iterator[Report]:
    """Read each source of the plan in its scope, `days` back where it was never read, and yield what came of it.

    A failure is a report like others and stops nothing. A scope that was read before is read on from where it
    stopped: to fill again after a failure fetches what is missing.
    """
    for source, scope in plan:
        _begin(engine, source.name, scope, clock() - timedelta(days=days), clock())
        with open_client(source.name) as client:
            yield ingest_live(engine, source, client, scope, clock=clock)


def _begin(engine: Engine, source: str, scope: str, since: datetime, now: datetime) -> None:
    """Put the cursor of a scope that was never read where the filling begins."""
    with writing(engine) as session:
        if not load_cursor(session, source, scope).position:
            # Hugging Face is read by days, and from the day before its cursor on.
            position = (since + timedelta(days=1)).date().isoformat() if source == "hf" else since.isoformat()
            save_cursor(session, source, scope, Cursor(position), now=now)
