"""A Celery worker as `digest worker` runs it, with a clock that tests turn and a signal that strikes at a point.

Run as `python -m tests.faults.worker`. FAULT_CLOCK names the clock's file; FAULT_AT is `point:nth:SIGNAL` or nothing,
FAULT_CHUNK how many deliveries a task takes; the file `FAULT_CLOCK.ready.PID` is made once it is in service. The point
`unacknowledged` comes when a task has returned, and its message is not acknowledged yet. With FAULT_STRUCK a point
strikes once: it names a file that remembers it. With FAULT_WHOLE the worker's parent process is killed along.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from celery.signals import task_postrun, worker_ready

from digest.config import read_settings
from digest.flows import deliver, morning
from digest.wiring import Services
from tests.faults.points import strike
from tests.faults.stage import Clock
from workers import tasks
from workers.app import celery_app, kick, prepare, use_services


def main() -> None:
    """Run one worker with one process in its pool, until a signal."""
    settings = read_settings()
    prepare(settings)
    use_services(Services(settings, clock=Clock(Path(os.environ["FAULT_CLOCK"])), kick=kick))
    checkpoint = _checkpoint(os.environ.get("FAULT_AT", ""))
    deliver.deliver_due = partial(deliver.deliver_due, checkpoint=checkpoint)
    morning.freeze_and_materialise = partial(morning.freeze_and_materialise, checkpoint=checkpoint)
    tasks._A_RUN = int(os.environ.get("FAULT_CHUNK", "10000"))

    def returned(**_: object) -> None:
        checkpoint("unacknowledged")

    def in_service(**_: object) -> None:
        Path(f"{os.environ['FAULT_CLOCK']}.ready.{os.getpid()}").touch()

    task_postrun.connect(returned, weak=False)
    worker_ready.connect(in_service, weak=False)
    celery_app.conf.update(broker_transport_options={"visibility_timeout": 3, "unacked_restore_interval": 1})
    celery_app.worker_main(
        ["worker", "--loglevel=ERROR", "--concurrency=1", "--queues=send", "--without-gossip", "--without-mingle"]
    )


def _checkpoint(fault: str) -> Callable[[str], None]:
    struck = Path(os.environ.get("FAULT_STRUCK", "/nowhere"))
    if not fault or struck.exists():
        return lambda _point: None
    point, nth, number = fault.split(":")
    blow = strike(point, int(nth), signal.Signals[number], before=partial(_before, struck))

    def reach(name: str) -> None:
        if not struck.exists():  # the pool starts another process in place of one that died
            blow(name)

    return reach


def _before(struck: Path) -> None:
    if "FAULT_STRUCK" in os.environ:
        struck.touch()
    if "FAULT_WHOLE" in os.environ:
        os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main()
