"""Workers in threads of this process, for `digest up` and the demo: same tasks, in-memory broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery
from celery.worker import WorkController

from workers.app import INGEST, QUEUES, celery_app, stop_tasks

_LONGEST = 30.0  # seconds that a worker gets to finish its task
# A source that does not answer is not waited for: a page is committed with its cursor, or neither is.
_PATIENCE = {INGEST: 3.0}


@contextmanager
def worker_threads() -> Iterator[None]:
    """Run a solo-pool worker for each queue beside the caller; on exit each finishes its task and stops.

    One worker for all would let a source that does not answer hold up somebody's confirmation mail.
    """
    celery_app.loader.import_default_modules()
    stop_tasks(False)
    workers = [_worker(queue) for queue in QUEUES]
    threads = [threading.Thread(target=worker.start, name="worker", daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop_tasks()
        for worker in workers:
            worker.stop()
        for queue, thread in zip(QUEUES, threads, strict=True):
            thread.join(timeout=_PATIENCE.get(queue, _LONGEST))


def _worker(queue: str) -> WorkController:
    # An application of its own: the queues a worker listens to are a property of its application.
    app = Celery(queue, set_as_current=False)
    app.conf.update(
        broker_url=celery_app.conf.broker_url,
        task_acks_late=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
    )
    return WorkController(
        app=app,
        pool_cls="solo",
        queues=[queue],
        hostname=f"{queue}@localhost",
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
    )
