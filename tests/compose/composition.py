"""docker-compose.yml without Docker: each service's command as processes of this machine, restarted as it says.

What differs from containers: hosts are 127.0.0.1, ports are free ones, /tmp and /run/secrets are folders of a test's,
PostgreSQL is a database of a server that runs already.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}")
_PAUSE = 0.2  # seconds until what ended is started again


def read_services() -> dict[str, dict[str, Any]]:
    """Read the services of docker-compose.yml."""
    parsed: dict[str, dict[str, dict[str, Any]]] = YAML(typ="safe").load(COMPOSE)
    return parsed["services"]


def interpolate(words: str, given: Mapping[str, str]) -> str:
    """Put variables in as Compose does; raises KeyError for one that must be given and is not."""

    def put(match: re.Match[str]) -> str:
        name, how, rest = match.groups()
        if name is None:
            return "$"
        if how == "?" and not given.get(name):
            raise KeyError(f"{name}: {rest}")
        return given.get(name) or (rest if how == "-" else "")

    return _VARIABLE.sub(put, words)


@dataclass
class Container:
    """One replica of a service: what it runs, and how often it was started."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    restart: str
    health: list[str]
    process: subprocess.Popen[bytes] | None = None
    killed: bool = False
    starts: int = 0
    odd_ends: list[int] = field(default_factory=list)

    def start(self) -> None:
        """Start it; what it says goes to a file in its folder."""
        for file in (self.folder / "tmp").iterdir():  # a container's tmpfs is empty when it starts
            file.unlink()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        self.starts += 1
        self.killed = False

    def kill(self) -> None:
        """Kill all of it, as `docker kill` does."""
        if self.process is not None:
            self.killed = True
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def healthy(self) -> bool:
        """Run its health check."""
        return subprocess.run(self.health, env=self.environment, capture_output=True, check=False).returncode == 0


class Composition:
    """The services of docker-compose.yml, running.

    `given` are the variables of the shell, `secrets` the files' contents by name, `database` is the URL that stands
    for that of the service `postgres`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        given: Mapping[str, str],
        secrets: Mapping[str, str],
        database: str,
        ports: Mapping[str, int],
    ) -> None:
        self.folder, self._given, self._database, self._ports = folder, given, database, ports
        self._services = read_services()
        self.containers: list[Container] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        (folder / "secrets").mkdir()
        for service in self._services.values():
            for secret in service.get("secrets", []):
                source, target = (secret, secret) if isinstance(secret, str) else (secret["source"], secret["target"])
                (folder / "secrets" / target).write_text(secrets[source] + "\n")

    def up(self) -> None:
        """Start everything in the order of its dependencies, and wait where Compose would."""
        self._start("redis")
        self._wait_until(self._one("redis").healthy)
        self._start("migrate")
        migrating = self._one("migrate").process
        assert migrating is not None
        if migrating.wait(90):
            raise RuntimeError("migrate failed: " + self._said("migrate-1"))
        for name in ("web", "worker", "scheduler"):
            self._start(name)
        self._keeper.start()

    def down(self) -> dict[str, int | None]:
        """Stop our services as `docker compose down` does, then kill what is left; return how each of ours ended."""
        self._over.set()
        self._keeper.join(10)
        ends: dict[str, int | None] = {}
        running = [one for one in self.containers if one.process and one.process.poll() is None]
        ours = [one for one in running if not one.name.startswith("redis")]
        for one in ours:
            assert one.process is not None
            one.process.send_signal(signal.SIGTERM)
        for one in ours:
            assert one.process is not None
            with suppress(subprocess.TimeoutExpired):
                ends[one.name] = one.process.wait(30)
        self.kill_all()
        return ends

    def kill_all(self) -> None:
        """Kill whatever runs; no harm where nothing does."""
        self._over.set()
        for one in self.containers:
            one.kill()
            if one.process is not None:
                one.process.wait(10)

    def of(self, service: str) -> list[Container]:
        """Return the replicas of a service."""
        return [one for one in self.containers if one.name.rpartition("-")[0] == service]

    def odd_ends(self) -> dict[str, list[int]]:
        """Name what ended without having been killed, with its exit codes."""
        return {one.name: one.odd_ends for one in self.containers if one.odd_ends}

    def _one(self, service: str) -> Container:
        return self.of(service)[0]

    def _said(self, name: str) -> str:
        return (self.folder / name / "log").read_text("utf-8", "replace")[-2000:]

    def _start(self, service: str) -> None:
        told = self._services[service]
        for number in range(1, int(told.get("deploy", {}).get("replicas", 1)) + 1):
            made = self._container(f"{service}-{number}", service, told)
            self.containers.append(made)
            made.start()

    def _container(self, name: str, service: str, told: Mapping[str, Any]) -> Container:
        own = self.folder / name
        (own / "tmp").mkdir(parents=True)
        inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TZ") if key in os.environ}
        words = {key: interpolate(str(value), self._given) for key, value in told.get("environment", {}).items()}
        environment = inherited | {key: self._placed(value, own) for key, value in words.items()}
        environment |= {"PYTHONPATH": str(ROOT), "HOST_NAME": name, "CLOCK_FILE": self._given["CLOCK_FILE"]}
        environment["SABOTAGE"] = self._given.get("SABOTAGE", "")
        arguments = [self._placed(interpolate(word, self._given), own) for word in told["command"]]
        if service == "redis":
            arguments[0] = shutil.which(arguments[0]) or arguments[0]
            command = [*arguments, "--port", str(self._ports["redis"]), "--bind", "127.0.0.1", "--dir", str(own)]
        else:
            command = [sys.executable, "-m", "tests.compose.entry", *arguments]
        return Container(name, command, environment, own, str(told.get("restart", "no")), self._health(told, own))

    def _health(self, told: Mapping[str, Any], own: Path) -> list[str]:
        kind, *words = told.get("healthcheck", {}).get("test", ["NONE"])
        words = [self._placed(interpolate(word, self._given), own) for word in words]
        if kind == "CMD-SHELL":
            return ["sh", "-c", *words]
        if words[:1] == ["python"]:
            return [sys.executable, *words[1:]]
        if words[:1] == ["redis-cli"]:
            return [*words, "-p", str(self._ports["redis"])]
        return words or ["true"]

    def _placed(self, words: str, own: Path) -> str:
        """Say where on this machine is what a container would find in itself or at its neighbours."""
        stands_for = {
            r"/run/secrets": str(self.folder / "secrets"),
            r"/tmp(?=/)": f"{own}/tmp",
            r"(?<=redis://)redis:6379": f"127.0.0.1:{self._ports['redis']}",
            r"postgresql://\w+@postgres:5432/\w+": self._database,
            r"\b8000\b": str(self._ports["web"]),
            r"0\.0\.0\.0": "127.0.0.1",
        }
        every = re.compile("|".join(f"({pattern})" for pattern in stands_for))  # all at once: none is read again
        return every.sub(lambda found: list(stands_for.values())[(found.lastindex or 1) - 1], words)

    def _keep(self) -> None:
        """Start again what ended, as its restart policy says."""
        while not self._over.wait(_PAUSE):
            for one in self.containers:
                if one.restart != "unless-stopped" or one.process is None or one.process.poll() is None:
                    continue
                if not one.killed:
                    one.odd_ends.append(one.process.returncode)
                if not self._over.is_set():
                    one.start()

    @staticmethod
    def _wait_until(condition: Any, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("it did not become healthy in time")
            time.sleep(0.1)
