"""Child processes of fault tests: forked from a warm server that holds no connection, and what strikes them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from datetime import date
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from tests.faults.points import strike
from tests.faults.stage import Stage

# A forked child would share its parent's database connections, and a spawned one would import everything anew.
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["tests.faults.children", "tests.faults.test_killed_workers"])

Blow = Callable[[Engine], Callable[[str], None]]


class Struck:
    """A signal at a point: what a child is told of it, since a checkpoint cannot be pickled."""

    def __init__(self, point: str, nth: int = 1, number: signal.Signals = signal.SIGKILL) -> None:
        self._args = point, nth, number

    def __call__(self, _engine: Engine) -> Callable[[str], None]:
        return strike(*self._args)


def unharmed(_engine: Engine) -> Callable[[str], None]:
    """Let a child live."""
    return lambda _point: None


def compose(scene: Stage, on: date, blow: Blow) -> None:
    """Make the issue of a day."""
    engine = scene.open()
    scene.compose(engine, on, blow(engine))


def send(scene: Stage, blow: Blow = unharmed) -> None:
    """Hand over what is due."""
    engine = scene.open()
    scene.send(engine, blow(engine))


def start(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Start a child."""
    child = WARM.Process(target=target, args=arguments, daemon=True)
    child.start()
    return child


def run(target: Callable[..., None], *arguments: Any) -> int | None:
    """Run a child to its end and return its exit code; minus nine for a kill."""
    child = start(target, *arguments)
    child.join(60)
    return child.exitcode


def stopped(child: BaseProcess) -> bool:
    """Tell whether a child has been stopped by SIGSTOP."""
    status = Path(f"/proc/{child.pid}/stat").read_text("ascii")
    return status.rpartition(")")[2].split()[0] in {"T", "t"}


def go_on(child: BaseProcess) -> None:
    """Let a stopped child go on."""
    assert child.pid is not None
    os.kill(child.pid, signal.SIGCONT)


def wait_for(condition: Callable[[], bool], seconds: float = 45) -> None:
    """Wait until something has happened; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
