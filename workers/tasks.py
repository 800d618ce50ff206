"""The bodies of the Celery tasks: each calls one flow, and can be called twice without harm."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

import structlog
from celery import shared_task

from digest.core.plan import Task, Work
from digest.outside import SIGNAL_SERVICES
from workers.app import services, stopping
from workers.counted import Counted

if TYPE_CHECKING:
    from digest.flows.brake import BrakeWatch

_A_RUN = 10_000  # deliveries; connections and what is prepared for an issue last as long
# Between two runs the brake is looked at; far less than after which the broker gives a task to another worker.
_LONGEST_RUN = timedelta(minutes=2)
_LONGEST_PRUNE = timedelta(minutes=5)
_log = structlog.get_logger("firstlight.tasks")


@cache
def _brake_watch() -> BrakeWatch:
    from digest.flows.brake import BrakeWatch

    return BrakeWatch()


def worker_name() -> str:
    """Name this process in claims: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


@shared_task(base=Counted, name="firstlight.ingest")
def ingest(source: str, scope: str) -> None:
    """Read one source in one scope from its cursor; a failure is recorded by the flow."""
    from digest.flows.ingest import ingest_live

    wired = services()
    with wired.http_client(source) as client:
        report = ingest_live(wired.engine, wired.live_source(source), client, scope, clock=wired.clock)
    _log.info("ingested", scope=scope, **report.as_plain())


@shared_task(base=Counted, name="firstlight.errand")
def errand(source: str, scope: str) -> None:
    """Do what was asked of a source, for some minutes at most, and come back while there is more."""
    from digest.flows.errands import Doers, do_errands
    from digest.flows.ingest import ingest_live
    from digest.flows.refresh import refresh as refresh_signals

    wired = services()
    with wired.http_client(source) as client:
        if source in SIGNAL_SERVICES:
            service = wired.signal_service(source)
            limit = wired.signal_limit(source)
            doers = Doers(run=lambda: refresh_signals(wired.engine, service, client, clock=wired.clock, limit=limit))
        else:
            live = wired.live_source(source)
            doers = Doers(
                run=lambda: ingest_live(wired.engine, live, client, scope, clock=wired.clock),
                fill_in=(live, client),
            )
        more = do_errands(wired.engine, source, scope, doers, clock=wired.clock, stopping=stopping)
    _log.info("errand", source=source, scope=scope, more=more)
    if more and not stopping():
        errand.delay(source, scope)


@shared_task(base=Counted, name="firstlight.refresh")
def refresh(service: str) -> None:
    """Ask one service for the papers that are due; a failure is recorded by the flow."""
    from digest.flows.refresh import refresh as refresh_signals

    wired = services()
    with wired.http_client(service) as client:
        report = refresh_signals(
            wired.engine,
            wired.signal_service(service),
            client,
            clock=wired.clock,
            limit=wired.signal_limit(service),
        )
    _log.info("refreshed", **report.as_plain())


@shared_task(base=Counted, name="firstlight.words")
def words() -> None:
    """Read the words of papers that are new: how unlike earlier work they are, and what is near them."""
    from digest.flows.learn import learn_again
    from digest.flows.words import read_words

    wired = services()
    tally = read_words(wired.engine, then=lambda session, ids: learn_again(session, ids, now=wired.clock()))
    if tally.read:
        _log.info("read words", papers=tally.read, novelty=tally.judged, neighbours=tally.neighbours)


@shared_task(base=Counted, name="firstlight.score")
def score() -> None:
    """Score every paper in the window as of now."""
    from digest.flows.score import score as score_window

    wired = services()
    _log.info("scored", papers=score_window(wired.engine, wired.clock(), size=wired.settings.issue_size))


@shared_task(base=Counted, name="firstlight.compose")
def compose(issued_on: str) -> None:
    """Freeze the issue of a day, if it is not frozen yet, and materialise its deliveries."""
    from digest.flows.morning import freeze_and_materialise

    wired = services()
    if wired.guard.stand():
        return  # the database was restored: the next tick knows what it may not make anew
    made = freeze_and_materialise(
        wired.engine,
        date.fromisoformat(issued_on),
        cut_off=wired.cut_off(date.fromisoformat(issued_on)),
        size=wired.settings.issue_size,
        needs_approval=wired.settings.approval,
        now=wired.clock(),
    )
    if made:  # a day with nothing to show is asked for at every tick
        _log.info("composed", issued_on=issued_on, deliveries=made)
        deliver.delay()


@shared_task(base=Counted, name="firstlight.deliver")
def deliver() -> None:
    """Send what is due, for some minutes at most, and come back while there is more."""
    from digest.flows.deliver import deliver_due
    from digest.flows.relay import note_relay

    wired = services()
    wired.guard.stand()
    _brake_watch().look(wired.engine, wired.clock)
    end = wired.clock() + _LONGEST_RUN
    tally = deliver_due(
        wired.engine,
        wired.courier,
        worker=worker_name(),
        clock=wired.clock,
        limit=_A_RUN,
        stopping=lambda: stopping() or wired.clock() >= end,
    )
    note_relay(wired.engine, tally, wired.clock())
    if tally.total:
        _log.info("delivered", **tally.as_plain())
        wired.guard.stand()  # a copy taken meanwhile does not know all that went out
    more = tally.total + tally.lost >= _A_RUN and not tally.trouble
    if (more or wired.clock() >= end) and not stopping():
        deliver.delay()


@shared_task(base=Counted, name="firstlight.sweep")
def sweep() -> None:
    """Return what died workers left behind to a state that says so."""
    from digest.flows.deliver import sweep as sweep_deliveries

    wired = services()
    moved = sweep_deliveries(wired.engine, now=wired.clock(), warm_up=wired.warm_up)
    if moved.total:
        _log.info("swept", **moved.as_plain())


@shared_task(base=Counted, name="firstlight.inbound")
def inbound() -> None:
    """Read what is new in the bounce mailbox, and come back while there is more; a failure is recorded by the flow."""
    from digest.errors import MailboxUnavailable
    from digest.flows.mailbox import poll

    wired = services()
    if wired.mailbox is None:
        return
    try:
        polled = poll(wired.engine, wired.tokens, wired.mailbox, now=wired.clock())
    except MailboxUnavailable as error:
        _log.warning("mailbox_unavailable", mailbox=wired.mailbox.name, error=str(error))
        return
    if polled.messages or polled.aside:
        _log.info("inbound", **polled.as_plain())
    if polled.more:
        inbound.delay()


@shared_task(base=Counted, name="firstlight.prune")
def prune() -> None:
    """Delete what is past its time, for some minutes at most; what is left is asked for again."""
    from digest.flows.prune import prune as delete_past

    wired = services()
    end = wired.clock() + _LONGEST_PRUNE
    done = delete_past(
        wired.engine, wired.retention, now=wired.clock(), stopping=lambda: stopping() or wired.clock() >= end
    )
    _log.info("pruned", finished=done.finished, **{name.replace(" ", "_"): n for name, n in done.counts.items() if n})


@shared_task(base=Counted, name="firstlight.retain")
def retain() -> None:
    """Erase readers whose time is over, and shorten old IP addresses."""
    from digest.flows.retention import retain as retain_readers

    wired = services()
    forgotten = retain_readers(wired.engine, wired.tokens, wired.reader_terms, now=wired.clock())
    _log.info("retained", **asdict(forgotten))


@shared_task(base=Counted, name="firstlight.watch")
def watch() -> None:
    """Look whether something is wrong, and tell somebody; a webhook that does not answer is tried again by the next."""
    from workers.lookout import look

    look(services(), worker=True)


def enqueue(work: Work) -> None:
    """Put one piece of due work on the queue."""
    match work.task:
        case Task.INGEST:
            ingest.delay(work.source, work.scope)
        case Task.ERRAND:
            errand.delay(work.source, work.scope)
        case Task.REFRESH:
            refresh.delay(work.source)
        case Task.WORDS:
            words.delay()
        case Task.SCORE:
            score.delay()
        case Task.COMPOSE if work.issued_on is not None:
            compose.delay(work.issued_on.isoformat())
        case Task.DELIVER:
            deliver.delay()
        case Task.SWEEP:
            sweep.delay()
        case Task.INBOUND:
            inbound.delay()
        case Task.PRUNE:
            prune.delay()
        case Task.RETAIN:
            retain.delay()
        case Task.WATCH:
            watch.delay()
