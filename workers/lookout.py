"""The lookout: what a watch does, and who keeps it where no worker does.

A scheduler that has stopped cannot tell that it has, nor can workers that are gone. So each web process asks every
minute whether anybody has looked lately, and looks itself where nobody has; of several that look at once one tells.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from digest.flows.watch import Told
from digest.logs import correlated
from digest.wiring import Services

_ASK_EVERY = 60.0  # seconds
_log = structlog.get_logger("firstlight.lookout")


def look(services: Services, *, worker: bool) -> Told:
    """Judge how everything stands, queue what is to be told, post it, and say that a day was good if it was."""
    told, vitals = services.watchman.look(worker=worker)
    services.bell.post_waiting()
    services.bell.beat(vitals.issues)
    return told


def stand_in(services: Services) -> Told | None:
    """Look if nobody has done so for two watches; None where somebody has, or where looking fails."""
    with correlated():
        try:
            return look(services, worker=False) if services.watchman.overdue() else None
        except Exception:  # noqa: BLE001  # the database may be away for a while; the next minute asks again
            _log.exception("lookout failed")
            return None


@contextmanager
def lookout(services: Services, every: float = _ASK_EVERY) -> Iterator[None]:
    """Stand in beside the caller, in a thread of its own, until it is done."""
    done = threading.Event()

    def keep() -> None:
        while not done.wait(every):
            stand_in(services)

    thread = threading.Thread(target=keep, name="lookout", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
