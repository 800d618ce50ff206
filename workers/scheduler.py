"""The scheduler: a UTC tick every 30 seconds that asks SQL what is due and puts it on the queue.

Any number of them may run: one leads and ticks, the others ask every few seconds whether the lead is free.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from digest.core.lead import BEAT, TICK
from digest.core.plan import Task, Work
from digest.flows.leading import Seat
from digest.flows.tick import due_work, held_now
from digest.logs import correlated
from digest.outside import POLLED_SOURCES, SIGNAL_SERVICES
from digest.wiring import Services, utc_now
from workers.alive import show_alive

TICK_SECONDS = int(TICK.total_seconds())
# What was asked for is not asked for again until it had time to happen; a lost message is then made good.
_IN_FLIGHT = {
    Task.INGEST: timedelta(minutes=10),
    Task.ERRAND: timedelta(minutes=1),  # a second message finds it taken
    Task.REFRESH: timedelta(minutes=40),  # the services wait for one another: each may take eight minutes
    Task.WORDS: timedelta(minutes=10),
    Task.SCORE: timedelta(minutes=10),
    Task.COMPOSE: timedelta(minutes=2),
    Task.INBOUND: timedelta(minutes=10),
    Task.PRUNE: timedelta(minutes=10),
    Task.RETAIN: timedelta(minutes=30),
    Task.WATCH: timedelta(minutes=5),
}
_log = structlog.get_logger("firstlight.scheduler")


def _always() -> bool:
    return True


class Ticker:
    """Leads if nobody else does, asks what is due and enqueues it.

    What was asked for lately is kept with the lead, in SQL, to spare the queue. `live` False leaves the sources alone,
    as the demo does. `holder` names this scheduler; it must be its own.
    """

    def __init__(
        self, services: Services, enqueue: Callable[[Work], None], *, live: bool = True, holder: str = ""
    ) -> None:
        self.services = services
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{token_hex(4)}"
        self._enqueue = enqueue
        self._scopes = [(name, scope) for name in POLLED_SOURCES for scope in services.scopes(name)] if live else []
        self._services = SIGNAL_SERVICES if live else ()
        self._watched = live
        self._mailbox = services.mailbox.name if live and services.mailbox is not None else ""
        self._seat = Seat(services.engine, self.holder)
        self._led = False
        self._asked: dict[Work, datetime] = {}
        self._holding: frozenset[Work] = frozenset()

    def beat(self) -> list[Work] | None:
        """Renew the lead or ask for it, and tick if that is due; None where it is not, or another leads.

        A leader that was stopped and resumed finds its fence risen, at the latest before it enqueues anything.
        """
        now = self.services.clock()
        leads = self._seat.take(now)
        if leads is not self._led:
            _log.info("lead_taken" if leads else "lead_lost", holder=self.holder, fence=self._seat.fence)
            self._led = leads
        asked = self._seat.begin_tick(now) if leads else None
        if asked is None:
            return None
        self._asked = asked
        enqueued = self.tick(lambda: self._seat.still_leads(self.services.clock()))
        if not self._seat.end_tick(now, self._asked):
            _log.warning("lead_lost", holder=self.holder, enqueued=len(enqueued))
        return enqueued

    def leave(self) -> None:
        """Give the lead up at an orderly end; a database that is away lets it run out."""
        try:
            self._seat.leave(self.services.clock())
        except Exception as error:  # noqa: BLE001  # an end must not fail: the lease ends by itself
            _log.warning("lead_kept", error=type(error).__name__)

    def tick(self, may_go_on: Callable[[], bool] = _always) -> list[Work]:
        """Enqueue what is due now and return it; `may_go_on` is asked before each, and a no ends the tick."""
        self.services.guard.stand()  # a restored database must not have an issue made anew that may have gone out
        now = self.services.clock()
        last_cut_off = self.services.last_cut_off(now)
        held = held_now(self.services.engine, now)
        # What is released is asked for at once, and not only when it had time to happen.
        asked = {
            work: at
            for work, at in self._asked.items()
            if now < at + _IN_FLIGHT.get(work.task, timedelta(0)) and work not in held
        }
        self._asked = asked
        enqueued = []
        due = due_work(
            self.services.engine,
            self._scopes,
            cut_off=last_cut_off,
            now=now,
            services=self._services,
            mailbox=self._mailbox,
            watched=self._watched,
        )
        self._tell_held(frozenset(held.intersection(due)))
        for work in due:
            if work in asked or work in held:
                continue
            if not may_go_on():
                break
            self._enqueue(work)
            asked[work] = now
            enqueued.append(work)
        return enqueued

    def _tell_held(self, holding: frozenset[Work]) -> None:
        """Say what is due and set aside, whenever that changes."""
        if holding != self._holding:
            if holding:
                _log.warning("holding_back", work=sorted(one.name for one in holding))
            else:
                _log.info("holding_nothing_back")
            self._holding = holding

    def beat_safely(self) -> None:
        """Beat, and turn any surprise into a log line: the scheduler must outlive a bad minute."""
        with correlated():
            self._beat_safely()

    def _beat_safely(self) -> None:
        try:
            enqueued = self.beat()
        except Exception:  # noqa: BLE001  # the database or broker may be away for a while; the next tick heals
            _log.exception("tick failed")
        else:
            show_alive(self.services.settings.alive_file)
            if enqueued:
                _log.info("tick", work=[f"{work.task}:{work.source}:{work.scope}" for work in enqueued])


def start(ticker: Ticker) -> BackgroundScheduler:
    """Start ticking in the background; the first tick comes at once."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(
        ticker.beat_safely,
        "interval",
        seconds=BEAT.total_seconds(),
        next_run_time=utc_now(),  # the library counts by the wall's clock, whatever clock the services have
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,  # a late tick is as good as a punctual one: what is due is read from SQL
    )
    scheduler.start()
    return scheduler
