"""Tasks whose tries are counted in SQL before their bodies run: what kills its worker is set aside after three."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from celery import Task as CeleryTask
from celery.exceptions import WorkerLostError
from celery.worker.request import Request

from digest.core import plan
from digest.core.trials import Place
from digest.flows import trials
from workers.app import services, time_limit

_NAMES = "firstlight."
_log = structlog.get_logger("firstlight.tasks")


class CountedRequest(Request):
    """A message in the hands of a worker's parent process, which notes at once how its child died."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:
        """Note a child that died before the message is given back, so that who gets it next knows."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)  # billiard wraps some
        if isinstance(error, WorkerLostError):
            _note_lost(self.id, str(error))
        super().on_failure(exc_info, send_failed_event, return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Note a child that is killed because its time is over; its message is not given back."""
        if not soft:
            _note_lost(self.id, f"it ran for {timeout:.0f} seconds and was killed")
        super().on_timeout(soft, timeout)


class Counted(CeleryTask):  # type: ignore[type-arg]
    """A task that begins only if what it does is not set aside, and notes that it ended."""

    Request = f"{CountedRequest.__module__}:{CountedRequest.__name__}"

    def __call__(self, *args: str, **kwargs: str) -> None:
        """Count the try, run the body, and note its end; an error is an end, too."""
        wired = services()
        work = plan.called(plan.Task(self.name.removeprefix(_NAMES)), [*args, *kwargs.values()])
        began_at = wired.clock()
        run = trials.begin(
            wired.engine,
            work,
            message=self.request.id or "",
            place=here(),
            lasts=time_limit(self.name),
            now=began_at,
            is_there=is_there,
        )
        if run is None:
            return  # and so the message is acknowledged
        try:
            super().__call__(*args, **kwargs)
        finally:
            try:
                trials.end(wired.engine, run, work, began_at)
            except Exception as error:  # noqa: BLE001  # what the task did is done; this process lives, and is asked
                _log.warning("end_not_noted", task=work.task, error=type(error).__name__)


def here() -> Place:
    """Name this process: its host, its number, and when it was started, since numbers are used again."""
    return Place(host=socket.gethostname(), process=_named(os.getpid()))


def is_there(process: str) -> bool:
    """Tell whether a process of this host still runs, by what `here` named it."""
    number = process.partition("@")[0]
    return number.isdigit() and _named(int(number)) == process


def _named(pid: int) -> str:
    if pid == os.getpid():
        return _own_name(pid)
    return _name_now(pid)


@cache
def _own_name(pid: int) -> str:
    return _name_now(pid)


def _name_now(pid: int) -> str:
    """Return `number@start` of a running process; just the number where there is no /proc; nothing where it is gone."""
    if Path("/proc/self/stat").exists():
        with suppress(OSError):
            state, started = _state_and_start(Path(f"/proc/{pid}/stat").read_text("utf-8", "replace"))
            return f"{pid}@{started}" if state != "Z" else ""
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return str(pid)


def _state_and_start(stat: str) -> tuple[str, str]:
    fields = stat.rpartition(")")[2].split()  # a program's name may hold blanks and brackets
    return fields[0], fields[19]  # proc(5): fields 3 and 22


def _note_lost(message: str, words: str) -> None:
    try:
        trials.lost(services().engine, message, words)
        services().engine.dispose()  # the next process of the pool is forked from this one
    except Exception as error:  # noqa: BLE001  # it is found out later: by the message, or as the process is gone
        _log.warning("loss_not_noted", error=type(error).__name__)
