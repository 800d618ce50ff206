"""The Celery application: a queue that only says there is work; SQL knows what the work is."""

from __future__ import annotations

import mmap
from functools import cache
from secrets import token_hex

import structlog
from celery import Celery, Task
from celery.signals import (
    before_task_publish,
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

celery_app = Celery("firstlight", include=["workers.tasks"])
celery_app.set_default()  # a worker in a thread of `digest up` looks its tasks up in the default application
celery_app.conf.update(
    broker_url="memory://",  # until `prepare` names one; Celery's own default is somebody else's AMQP server
    task_default_queue="firstlight",
    task_routes={
        "firstlight.ingest": {"queue": "firstlight-ingest"},
        "firstlight.errand": {"queue": "firstlight-ingest"},
        "firstlight.refresh": {"queue": "firstlight-signals"},
        "firstlight.words": {"queue": "firstlight-ingest"},
        "firstlight.inbound": {"queue": "firstlight-signals"},
        "firstlight.score": {"queue": "firstlight-ingest"},
        "firstlight.prune": {"queue": "firstlight-signals"},
        "firstlight.retain": {"queue": "firstlight-signals"},
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # A worker that died gives its message back after these, not after an hour; the SQL lease decides anyway.
    broker_transport_options={"visibility_timeout": 900, "unacked_restore_interval": 5},
    task_soft_time_limit=1800,
    worker_hijack_root_logger=False,
    timezone="UTC",
)
QUEUES = ("firstlight", "firstlight-ingest", "firstlight-signals")


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


@worker_init.connect
def _refuse_outdated_schema(**_: object) -> None:
    stop_tasks(False)  # made before the children are forked, so that they share it
    require_current(services().engine)
    services().engine.dispose()  # the pool's processes are forked after this, and must not share a connection
