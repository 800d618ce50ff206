"""The Celery application: a queue that only says there is work; SQL knows what the work is."""

from __future__ import annotations

import gc
import mmap
from datetime import timedelta
from functools import cache
from secrets import token_hex
from typing import TYPE_CHECKING

import structlog
from celery import Celery, Task
from celery.signals import (
    before_task_publish,
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_shutting_down,
)

from digest import logs
from digest.config import Settings, read_settings
from digest.store.schema import require_current
from digest.wiring import Services

if TYPE_CHECKING:
    from celery.apps.worker import Worker

# What readers wait for, what asks the outside, what needs the processor, and the rest: none holds another up.
SEND, INGEST, SCORE, SIGNALS = QUEUES = ("send", "ingest", "score", "signals")
_QUEUE_OF = {
    "compose": SEND,
    "deliver": SEND,
    "sweep": SEND,
    "watch": SEND,  # behind no source that does not answer
    "ingest": INGEST,
    "errand": INGEST,
    "words": SCORE,
    "score": SCORE,
    "refresh": SIGNALS,
    "inbound": SIGNALS,
    "prune": SIGNALS,
    "retain": SIGNALS,
}
# A run of sending lasts two minutes, and a relay may take ten for its last answer (RFC 5321 section 4.5.3.2.6).
_LIMITS = dict.fromkeys(("firstlight.deliver", "firstlight.sweep"), timedelta(minutes=15))
_LONGEST = timedelta(minutes=30)
_GRACE = timedelta(minutes=1)  # after the soft limit, which is an error in the task, until the process is killed

celery_app = Celery("firstlight", include=["workers.tasks", "workers.alive"])
celery_app.set_default()  # a worker in a thread of `digest up` looks its tasks up in the default application
celery_app.conf.update(
    broker_url="memory://",  # until `prepare` names one; Celery's own default is somebody else's AMQP server
    task_default_queue=SEND,
    task_routes={f"firstlight.{name}": {"queue": queue} for name, queue in _QUEUE_OF.items()},
    task_acks_late=True,
    task_reject_on_worker_lost=True,  # workers/counted.py counts, or it would be given back for ever
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # The message of a worker that died whole comes back after this: longer than any task, so that none is run twice
    # at once. Nobody waits for it; what is due is in SQL, and the tick asks for it anew. Both others let it be looked
    # for every five seconds; with Celery's own it is every hundred.
    broker_transport_options={
        "visibility_timeout": int((_LONGEST + 5 * _GRACE).total_seconds()),
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    },
    task_soft_time_limit=_LONGEST.total_seconds(),
    task_time_limit=(_LONGEST + _GRACE).total_seconds(),
    task_annotations={
        name: {"soft_time_limit": limit.total_seconds(), "time_limit": (limit + _GRACE).total_seconds()}
        for name, limit in _LIMITS.items()
    },
    worker_hijack_root_logger=False,
    timezone="UTC",
)


def time_limit(task: str) -> timedelta:
    """Return how long a task may last at the most: then its process is killed."""
    return _LIMITS.get(task, _LONGEST) + _GRACE


def kick() -> None:
    """Tell the workers that deliveries were committed; a broker that is away costs a tick, nothing more."""
    try:
        celery_app.send_task("firstlight.deliver", retry=False)
    except Exception as error:  # noqa: BLE001  # a page must not fail for want of a broker: the tick finds the work
        structlog.get_logger("firstlight").warning("kick_failed", error=type(error).__name__)


def send_errand(source: str, scope: str) -> None:
    """Tell the workers what was asked of a source; a broker that is away costs a tick, nothing more."""
    try:
        celery_app.send_task("firstlight.errand", args=(source, scope), retry=False)
    except Exception as error:  # noqa: BLE001  # as above: the tick finds it in SQL
        structlog.get_logger("firstlight").warning("errand_not_sent", error=type(error).__name__)


@cache
def _stop_flag() -> mmap.mmap:
    # One byte of memory that forked children share: a lock could be held for ever by a child that was killed.
    return mmap.mmap(-1, 1)


def stopping() -> bool:
    """Tell whether the workers of this process and its children were asked to stop."""
    return _stop_flag()[0] != 0


def stop_tasks(wanted: bool = True) -> None:
    """Ask running tasks to come to an end, or take that back."""
    _stop_flag()[0] = int(wanted)


@worker_shutting_down.connect
def _stop_tasks(**_: object) -> None:
    stop_tasks()


_in_use: list[Services] = []


def services() -> Services:
    """Return the services of this process: those it was given, or wired from its environment once."""
    if not _in_use:
        _in_use.append(prepare(read_settings()))
    return _in_use[-1]


def use_services(given: Services) -> None:
    """Let the tasks of this process use these services, as `digest up` and tests do."""
    _in_use[:] = [given]


def prepare(settings: Settings) -> Services:
    """Point Celery at the broker of the settings and wire the services."""
    celery_app.conf.update(broker_url=settings.broker_url)
    made = Services(settings, kick=kick, errand=send_errand)
    made.name_readers()
    return made


@setup_logging.connect
def _log_in_our_form(**_: object) -> None:
    logs.configure_logs()  # Celery then leaves logging, and the standard streams, alone


@before_task_publish.connect
def _send_correlation(headers: dict[str, object], **_: object) -> None:
    headers[logs.CORRELATION] = logs.current_correlation()


@task_prerun.connect
def _take_correlation(task: Task[..., None], **_: object) -> None:
    given = getattr(task.request, logs.CORRELATION, "")
    structlog.contextvars.bind_contextvars(**{logs.CORRELATION: given or token_hex(6), "task": task.name})


@task_postrun.connect
def _end_correlation(**_: object) -> None:
    structlog.contextvars.unbind_contextvars(logs.CORRELATION, "task")


_workers: list[Worker] = []


@celeryd_init.connect
def _remember_worker(instance: Worker, **_: object) -> None:
    _workers[:] = [instance]


def exit_code() -> int:
    """Return with which code the worker of this process means to end: Celery forgets it on the way out.

    One that loses its broker at a bad moment ends with 1, and whoever keeps it running must see that.
    """
    return int(_workers[-1].exitcode or 0) if _workers else 0


@worker_init.connect
def _refuse_outdated_schema(**_: object) -> None:
    stop_tasks(False)  # made before the children are forked, so that they share it
    require_current(services().engine)
    services().engine.dispose()  # the pool's processes are forked after this, and must not share a connection
    gc.freeze()  # what is there by now stays, and shared: no process looks through it for garbage
