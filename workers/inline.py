"""A worker in a thread of this process, for `digest up` and the demo: same tasks, in-memory broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from celery.worker import WorkController

from workers.app import QUEUES, celery_app


@contextmanager
def worker_thread() -> Iterator[None]:
    """Run a solo-pool worker beside the caller; on exit it finishes its task and stops."""
    celery_app.loader.import_default_modules()
    worker = WorkController(
        app=celery_app,
        pool_cls="solo",
        queues=list(QUEUES),
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
    )
    thread = threading.Thread(target=worker.start, name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(timeout=30)
