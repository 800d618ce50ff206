"""A Redis of a test's own, workers on it, and the scheduler's tick: a Celery day that can be hurt anywhere."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis
from celery import Celery

from digest.config import read_settings
from digest.core.plan import Task, Work
from digest.wiring import Services
from tests.faults.stage import SECRET, Clock
from workers.scheduler import Ticker

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis that keeps nothing on disk, on a free port; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [shutil.which("redis-server") or "redis-server", "--port", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--save", "", "--appendonly", "no", "--dir", str(folder)], stdout=subprocess.DEVNULL
    ) as server:
        url = f"redis://127.0.0.1:{port}/0"
        try:
            _wait_until_it_answers(url)
            yield url
        finally:
            server.terminate()


def _wait_until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 20
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
            except redis.exceptions.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return


def flush(url: str) -> None:
    """Forget everything that the broker knows."""
    with redis.Redis.from_url(url) as client:
        client.flushall()


def environment(database: str, broker: str, relay: str, clock: Path, **faults: str) -> dict[str, str]:
    """The environment of an installation on these; `faults` as tests/faults/worker.py takes them."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DIGEST_", "FAULT_"))}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "DIGEST_DATABASE_URL": database,
        "DIGEST_BROKER_URL": broker,
        "DIGEST_SMTP_URL": relay,
        "DIGEST_SMTP_CONNECTIONS": "4",
        "DIGEST_SECRET_KEY": SECRET,
        "DIGEST_MAIL_FROM": "digest@example.org",
        "DIGEST_CATEGORIES": "",
        "FAULT_CLOCK": str(clock),
        **faults,
    }


class Scheduler:
    """The scheduler of an installation, which ticks when it is told to."""

    def __init__(self, database: str, broker: str, clock: Clock) -> None:
        services = Services(read_settings(database_url=database, broker_url=broker, secret_key=[SECRET]), clock=clock)
        self.engine = services.engine
        # An application of its own: that of this process may have a connection to another test's broker.
        self._app = Celery("scheduler", broker=broker, set_as_current=False)
        self._ticker = Ticker(services, self._enqueue, live=False)

    def tick(self) -> list[Work]:
        """Ask what is due, and enqueue what concerns deliveries; return all that was due."""
        return self._ticker.tick()

    def _enqueue(self, work: Work) -> None:
        if work.task in {Task.DELIVER, Task.SWEEP}:
            self._app.send_task(f"firstlight.{work.task}", queue="send")
        elif work.task is Task.COMPOSE and work.issued_on is not None:
            self._app.send_task("firstlight.compose", args=[work.issued_on.isoformat()], queue="send")


class Worker:
    """A worker with its pool of one, in a process group of its own."""

    def __init__(self, settings: dict[str, str], log: Path) -> None:
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.worker"],
                env=settings,
                stdout=out,
                stderr=out,
                start_new_session=True,
                cwd=ROOT,
            )
        self._ready = Path(f"{settings['FAULT_CLOCK']}.ready.{self.process.pid}")

    def ask_to_stop(self) -> int:
        """Send SIGTERM, as a deployment does, once it is in service, and return the exit code."""
        deadline = time.monotonic() + 60
        while not self._ready.exists() and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill it, as a power cut does, with its pool; no harm where it is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)

    def kill_pool(self) -> bool:
        """Kill the process of the pool only; False where there is none just now."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            pids = children.read_text("ascii").split()
            if pids:
                os.kill(int(pids[-1]), signal.SIGKILL)
        except (OSError, ProcessLookupError):
            return False
        return bool(pids)
