"""A whole sending end to end: queue an issue for everybody, and mail it by Celery workers on Redis and PostgreSQL.

python benchmarks/day.py [--deliveries 100000] [--workers 1,2,3] [--connections 24]

For each number of worker processes: invented readers with ten papers of their own choice, in a database of their own
(not counted), then from the first row queued to the last outcome committed: materialise, tailor, join, send to
`smtp-sink`. At the end the states must add up to the audience. Redis is a process of its own on a free port. Needs
Postfix's smtp-sink, redis-server, and PostgreSQL (BENCH_POSTGRES_URL).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from send import free_port, postgres, sinking, wait_for
from sqlalchemy import Engine

from digest.core.delivery import FINAL
from digest.invented import invent, queue
from digest.rehearsal import Plan
from digest.store.audience import tally
from digest.store.engine import open_engine, reading

_LOOK = 5.0  # seconds between two looks at how far it is


def main() -> None:
    """Run the day once for each number of workers, and print a line for each."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--deliveries", type=int, default=100_000)
    asked.add_argument("--workers", default="1,2,3", help="numbers of worker processes, one run for each")
    asked.add_argument("--connections", type=int, default=24, help="of each worker")
    given = asked.parse_args()
    needed = {
        name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("smtp-sink", "redis-server")
    }
    if missing := [name for name, found in needed.items() if not found]:
        sys.exit(f"{' and '.join(missing)} not found: they come with Debian's packages postfix and redis-server")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {given.deliveries:,} deliveries", flush=True)
    for workers in map(int, given.workers.split(",")):
        with postgres() as url, sinking(str(needed["smtp-sink"])) as port, redis(str(needed["redis-server"])) as broker:
            if not url:
                sys.exit(1)
            plan = Plan(
                deliveries=given.deliveries,
                smtp=f"smtp://127.0.0.1:{port}",
                database=url,
                workers=workers,
                connections=given.connections,
            )
            print(json.dumps(run(plan, broker)), flush=True)


def run(plan: Plan, broker: str) -> dict[str, Any]:
    """Do one day; the engine is that of `digest worker`."""
    engine = open_engine(plan.database)
    now = datetime.now(UTC)
    issue_id = invent(engine, plan.deliveries, now)
    with tempfile.TemporaryDirectory() as folder, working(plan, broker, Path(folder)) as pid:
        began = time.perf_counter()
        queued = queue(engine, issue_id, now)
        materialised = time.perf_counter() - began
        start_sending(plan, broker)
        memory: list[float] = []
        pace: list[int] = []
        final = 0
        while final < queued:
            time.sleep(_LOOK)
            memory.append(resident(pid))
            states = standing(engine, issue_id)
            done = sum(count for state, count in states.items() if state in FINAL)
            pace.append(round((done - final) / _LOOK))
            final = done
            print(f"  {final:,} of {queued:,}, {memory[-1]:.0f} MB", file=sys.stderr, flush=True)
        seconds = time.perf_counter() - began
    engine.dispose()
    tenth = max(len(memory) // 10, 1)
    return {
        "workers": plan.workers,
        "deliveries": queued,
        "seconds": round(seconds, 1),
        "materialised_in": round(materialised, 1),
        "per_second": round(queued / seconds),
        "sending_per_second": round(queued / (seconds - materialised)),
        "memory_mb": [round(memory[at]) for at in range(0, len(memory), tenth)],
        "balanced": sum(states.values()) == queued == plan.deliveries,
        "states": states,
        "load": os.getloadavg()[0],
    }


def standing(engine: Engine, issue_id: int) -> dict[str, int]:
    """The deliveries by state."""
    with reading(engine) as session:
        return {str(state): count for state, count in tally(session, issue_id).counts.items()}


@contextmanager
def redis(server: str) -> Iterator[str]:
    """Run a Redis of our own."""
    port = free_port()
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        wait_for(port)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def environment(plan: Plan, broker: str) -> dict[str, str]:
    """The settings of the rehearsal, as a worker reads them."""
    told = plan.settings().model_dump(mode="json", exclude_defaults=True) | {"broker_url": broker}
    given = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in told.items()}
    return os.environ | {f"DIGEST_{name.upper()}": value for name, value in given.items()}


@contextmanager
def working(plan: Plan, broker: str, folder: Path) -> Iterator[int]:
    """Run `digest worker` with so many processes; its log is shown if it dies."""
    log = folder / "worker.log"
    command = [sys.executable, "-m", "digest", "worker", "--concurrency", str(plan.workers), "--queues", "send"]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, env=environment(plan, broker), stdout=out, stderr=out) as process,
    ):
        try:
            for _ in range(100):
                if b" ready" in log.read_bytes() or process.poll() is not None:
                    break
                time.sleep(0.2)
            yield process.pid
        finally:
            if process.poll() is not None:
                print(log.read_text("utf-8", "replace")[-3_000:], file=sys.stderr)
            process.terminate()


def start_sending(plan: Plan, broker: str) -> None:
    """Put one message for each process on the queue, as ticks do while there is more."""
    code = "import sys; from workers.tasks import deliver; [deliver.delay() for _ in range(int(sys.argv[1]))]"
    prepare = "from workers.app import prepare; from digest.config import read_settings; prepare(read_settings()); "
    command = [sys.executable, "-c", prepare + code, str(plan.workers)]
    subprocess.run(command, env=environment(plan, broker), check=True)


def resident(pid: int) -> float:
    """The memory that a process and its children hold, in MB; what they share counts once (PSS)."""
    total = 0.0
    for one in (pid, *children(pid)):
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text("ascii")
        except OSError:
            continue
        total += sum(int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []


if __name__ == "__main__":
    main()
