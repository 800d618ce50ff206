"""A measured rehearsal: invented readers in a database of their own, mailed by the engine that mails the real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digest.config import Settings
from digest.errors import ConfigError, RelayUnavailable
from digest.flows.deliver import deliver_due
from digest.invented import fill, require_fit
from digest.logs import configure_logs
from digest.mail.dkim import make_key
from digest.store.audience import tally
from digest.store.engine import open_engine, reading
from digest.wiring import Services

_SECRET = "kq7vW2mB9xR4tY8wZ1bN6cF3hG5dS0aLp-rehearsal"  # noqa: S105  # signs links to nowhere
_A_RUN = 10_000  # deliveries, as the task of the worker takes them
_SELECTOR = "rehearsal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is rehearsed: `dkim_key` is a file with a private key, or nothing; `connections` are each process's."""

    deliveries: int
    smtp: str
    database: str
    workers: int = 2
    connections: int = 24
    dkim_key: str = ""

    def settings(self) -> Settings:
        """The settings of an installation that would send so."""
        return Settings(
            _env_file=None,
            database_url=self.database,
            smtp_url=self.smtp,
            smtp_connections=self.connections,
            domain_limits=["*=50/60000"],  # never reached, and counted all the same
            secret_key=[_SECRET],
            base_url="https://digest.example.org",
            mail_from="digest@example.org",
            contact="hello@example.org",
            postal_address="12 Example Street, 10115 Berlin, Germany",
            verp=True,
            dkim_key_file=Path(self.dkim_key) if self.dkim_key else None,
            dkim_selector=_SELECTOR if self.dkim_key else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it: `seconds` are those of sending alone, `rss_mb` the most that all processes held."""

    deliveries: int
    seconds: float
    per_second: float
    rss_mb: float
    states: dict[str, int]


def rehearse(plan: Plan, *, dkim: bool = False) -> Outcome:
    """Build a database of invented readers, each with ten papers of their own choice, and mail them all.

    This process is one of those that send; setting up is done in another and not counted. Raises ConfigError for a
    database that holds anything else than an earlier rehearsal, RelayUnavailable where sending stopped.
    """
    with tempfile.TemporaryDirectory() as folder:
        if dkim:
            key = Path(folder, "key.pem")
            make_key(key, selector=_SELECTOR, domain="example.org")
            plan = Plan(**{**asdict(plan), "dkim_key": str(key)})
        with _child("set_up", plan) as setting_up:
            _heard(setting_up)
        others = [_child("send", plan) for _ in range(plan.workers - 1)]
        try:
            services = _ready(plan)
            for other in others:
                _heard(other)
            began = time.perf_counter()
            for other in others:
                _say(other, "go")
            told = [_send(services), *map(_heard, others)]
            seconds = time.perf_counter() - began
        finally:
            for other in others:
                other.communicate()
    for one in told:
        if one["trouble"]:
            raise RelayUnavailable(f"the rehearsal stopped: {one['trouble']}")
    return Outcome(
        deliveries=plan.deliveries,
        seconds=round(seconds, 3),
        per_second=round(plan.deliveries / seconds, 1),
        rss_mb=round(sum(one["rss_mb"] for one in told), 1),
        states=_states(plan),
    )


def _states(plan: Plan) -> dict[str, int]:
    engine = open_engine(plan.database)
    try:
        with reading(engine) as session:
            return tally(session, 1).as_plain()
    finally:
        engine.dispose()


def _child(work: str, plan: Plan) -> subprocess.Popen[str]:
    code = f"from digest import rehearsal; rehearsal.{work}()"
    child = subprocess.Popen(  # noqa: S603  # this interpreter, on a line of ours
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    _say(child, json.dumps(asdict(plan)))
    return child


def _say(child: subprocess.Popen[str], words: str) -> None:
    if child.stdin is not None:
        child.stdin.write(f"{words}\n")
        child.stdin.flush()


def _heard(child: subprocess.Popen[str]) -> dict[str, Any]:
    line = child.stdout.readline() if child.stdout is not None else ""
    if not line:
        raise ConfigError("a process of the rehearsal ended early; what it said is above")
    told: dict[str, Any] = json.loads(line)
    if "error" in told:
        raise ConfigError(told["error"])
    return told


def _tell(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def set_up() -> None:
    """In a process of its own: fill the database."""
    configure_logs()  # to standard error: standard output is what is told
    plan = Plan(**json.loads(sys.stdin.readline()))
    try:
        engine = open_engine(plan.database)
        require_fit(engine)
        fill(engine, plan.deliveries, datetime.now(UTC))
    except ConfigError as error:
        _tell(error=str(error))
        return
    _tell(ready=True)


def send() -> None:
    """In a process of its own: get ready, wait for the word, send until nothing is due, and tell how it went."""
    configure_logs()
    services = _ready(Plan(**json.loads(sys.stdin.readline())))
    _tell(ready=True)
    sys.stdin.readline()
    _tell(**_send(services))


def _ready(plan: Plan) -> Services:
    services = Services(plan.settings())
    _ = services.courier
    with reading(services.engine) as session:
        session.connection()
    return services


def _send(services: Services) -> dict[str, Any]:
    trouble = ""
    worker = f"rehearsal:{os.getpid()}"
    while not trouble:
        told = deliver_due(services.engine, services.courier, worker=worker, clock=services.clock, limit=_A_RUN)
        trouble = told.trouble
        if told.total + told.lost < _A_RUN:
            break
    return {"rss_mb": _peak(), "trouble": trouble}


def _peak() -> float:
    """The most memory that this process has held, in MB."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
