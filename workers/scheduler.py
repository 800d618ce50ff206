"""The scheduler: a UTC tick every 30 seconds that asks SQL what is due and puts it on the queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from digest.core.plan import Task, Work
from digest.flows.tick import due_work
from digest.wiring import POLLED_SOURCES, SIGNAL_SERVICES, Services

TICK_SECONDS = 30
# What was asked for is not asked for again until it had time to happen; a lost message is then made good.
_IN_FLIGHT = {
    Task.INGEST: timedelta(minutes=10),
    Task.REFRESH: timedelta(minutes=40),  # the services wait for one another: each may take eight minutes
    Task.WORDS: timedelta(minutes=10),
    Task.SCORE: timedelta(minutes=10),
    Task.COMPOSE: timedelta(minutes=2),
    Task.INBOUND: timedelta(minutes=10),
}
_log = structlog.get_logger("firstlight.scheduler")


class Ticker:
    """Asks what is due and enqueues it; remembers only what it asked for lately, to spare the queue.

    `live` False leaves the sources alone, as the demo does.
    """

    def __init__(self, services: Services, enqueue: Callable[[Work], None], *, live: bool = True) -> None:
        self.services = services
        self._enqueue = enqueue
        self._scopes = [(name, scope) for name in POLLED_SOURCES for scope in services.scopes(name)] if live else []
        self._services = SIGNAL_SERVICES if live else ()
        self._mailbox = services.mailbox.name if live and services.mailbox is not None else ""
        self._asked: dict[Work, datetime] = {}

    def tick(self) -> list[Work]:
        """Enqueue what is due now and return it; a failure is logged and the next tick tries again."""
        now = self.services.clock()
        last_cut_off = self.services.last_cut_off(now)
        enqueued = []
        due = due_work(
            self.services.engine,
            self._scopes,
            cut_off=last_cut_off,
            now=now,
            services=self._services,
            mailbox=self._mailbox,
        )
        for work in due:
            asked = self._asked.get(work)
            if asked is not None and now < asked + _IN_FLIGHT.get(work.task, timedelta(0)):
                continue
            self._enqueue(work)
            self._asked[work] = now
            enqueued.append(work)
        return enqueued

    def tick_safely(self) -> None:
        """Tick, and turn any surprise into a log line: the scheduler must outlive a bad minute."""
        try:
            enqueued = self.tick()
        except Exception:  # noqa: BLE001  # the database or broker may be away for a while; the next tick heals
            _log.exception("tick failed")
        else:
            if enqueued:
                _log.info("tick", work=[f"{work.task}:{work.source}:{work.scope}" for work in enqueued])


def start(ticker: Ticker) -> BackgroundScheduler:
    """Start ticking in the background; the first tick comes at once."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(
        ticker.tick_safely,
        "interval",
        seconds=TICK_SECONDS,
        next_run_time=ticker.services.clock(),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,  # a late tick is as good as a punctual one: what is due is read from SQL
    )
    scheduler.start()
    return scheduler
