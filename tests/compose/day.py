"""A compressed day of docker-compose.yml without Docker: one of each service killed, the broker robbed of its memory.

Run as `python -m tests.compose.day --times 5`; each time prints one line of JSON. What is killed when comes from the
seed: each blow falls when a share of the day's mail has gone out, which the seed says, and a moment after that.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import redis
from sqlalchemy import Engine, func, select
from sqlalchemy.engine import make_url

from digest.flows.leading import who_leads
from digest.store.dialects import table_of
from digest.store.engine import open_engine, reading
from digest.store.tables import Delivery, IssueRow
from tests.compose.clock import RunningClock
from tests.compose.composition import Composition
from tests.faults import stage
from tests.faults.broker import flush
from tests.faults.databases import postgres
from tests.faults.oracle import Verdict, judge
from tests.faults.sabotage import Sabotage
from tests.faults.sink import CountingSink
from tests.faults.stage import CUT_OFF, SECRET

_SPEED = 10.0  # a beat of the scheduler is half a second, its lease two, a tick three
_LAST_CALL = CUT_OFF + timedelta(hours=23, minutes=20)  # after it no slot is left of the day's issue
_QUIET = 1.0  # seconds without any change after which the clock is turned on to where something happens
_LONGEST = 150.0
BLOWS = ("worker killed", "leader killed", "web killed", "redis killed", "redis flushed")


@dataclass(frozen=True)
class Outcome:
    """How a day ended, and what had happened in it; `blows` say at which number of messages each fell."""

    seed: int
    verdict: Verdict
    issues: int
    blows: dict[str, int]
    restarts: dict[str, int]
    odd_ends: dict[str, list[int]]
    ends: dict[str, int | None]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether all is as promised: one issue, nothing twice, nothing lost in silence, nobody fell by himself."""
        fell = {name for name, codes in self.odd_ends.items() if not self._excused(name, codes)}
        return self.verdict.holds and self.issues == 1 and not fell and not any(self.ends.values())

    def _excused(self, name: str, codes: list[int]) -> bool:
        """Tell whether it may have fallen: Celery's transport may when its broker is killed, and must say so by a 1."""
        return name.startswith("worker") and "redis killed" in self.blows and codes == [1]

    def line(self) -> str:
        """Tell it in one line."""
        told = asdict(self) | {"verdict": None, "twice": self.verdict.twice, "missing": self.verdict.missing}
        told |= {"states": self.verdict.states, "audience": self.verdict.audience, "holds": self.holds}
        return json.dumps({name: value for name, value in told.items() if value is not None})


class Day:
    """A day under way."""

    def __init__(self, folder: Path, seed: int, readers: int, sink: CountingSink, database: str, sabotage: str) -> None:
        self.sink, self.chance = sink, random.Random(seed)
        self.seed, self.readers = seed, readers
        self.clock = RunningClock(folder / "clock")
        self.clock.turn(CUT_OFF - timedelta(seconds=40), _SPEED)
        self.engine = open_engine(database)
        self.ports = {"redis": _free_port(), "web": _free_port()}
        given = make_url(database)
        self.all = Composition(
            folder,
            given={
                "CLOCK_FILE": str(folder / "clock"),
                "DIGEST_BASE_URL": f"http://127.0.0.1:{self.ports['web']}",
                "DIGEST_MAIL_FROM": "digest@example.org",
                "DIGEST_ADMINS": "admin@example.org",
                "SABOTAGE": sabotage,
            },
            secrets={
                "digest_secret_key": SECRET,
                "digest_smtp_url": sink.url,
                "postgres_password": given.password or "unused where the server trusts us",
            },
            database=given.set(password=None, drivername="postgresql").render_as_string(),
            ports=self.ports,
        )
        self.fallen: dict[str, int] = {}
        self._since = (time.monotonic(), (-1, ""))

    def run(self) -> None:
        """Start everything, let the day go by with its blows, and settle."""
        self.all.up()
        # Written when migrate has run: what the site would have gathered before.
        stage.furnish(self.engine, self.readers)
        stage.list_papers(self.engine, CUT_OFF.date())
        due = sorted((self.chance.randrange(1, self.readers * 9 // 10), name) for name in BLOWS)
        deadline = time.monotonic() + _LONGEST
        while due or not self._settled():
            if time.monotonic() > deadline:
                return  # the oracle says what is missing
            if due and self.sink.taken().total() >= due[0][0]:
                time.sleep(self.chance.random() * 0.4)
                name = due.pop(0)[1]
                self.fallen[name] = self.sink.taken().total()
                self._strike(name)
            self._turn_on_if_quiet()
            time.sleep(0.05)
        while self.unhealthy() and time.monotonic() < deadline:  # what was killed last is still on its way
            time.sleep(0.5)

    def unhealthy(self) -> list[str]:
        """Name the containers whose health check fails."""
        ours = [one for name in ("web", "worker", "scheduler") for one in self.all.of(name)]
        return [one.name for one in ours if not one.healthy()]

    def _strike(self, name: str) -> None:
        match name:
            case "worker killed":
                self.chance.choice(self.all.of("worker")).kill()
            case "leader killed":
                self._kill_leader()
            case "web killed":
                self.all.of("web")[0].kill()
            case "redis killed":
                self.all.of("redis")[0].kill()
            case "redis flushed":
                self._flush()

    def _kill_leader(self) -> None:
        found = who_leads(self.engine)
        name = found.holder.partition(":")[0] if found else "scheduler-1"
        next(one for one in self.all.of("scheduler") if one.name == name).kill()

    def _flush(self) -> None:
        for _ in range(100):
            try:
                flush(f"redis://127.0.0.1:{self.ports['redis']}/0")
            except redis.exceptions.ConnectionError:  # it has just been killed
                time.sleep(0.1)
            else:
                return

    def _settled(self) -> bool:
        return stage.queued(self.engine, CUT_OFF.date()) and stage.next_instant(self.engine) is None

    def _turn_on_if_quiet(self) -> None:
        """Turn the clock on once nothing has changed for a while: to the next slots, or to the end of a lease."""
        now = time.monotonic()
        seen = (self.sink.taken().total(), _states(self.engine))
        if seen != self._since[1]:
            self._since = (now, seen)
        elif now - self._since[0] >= _QUIET and stage.queued(self.engine, CUT_OFF.date()):
            after = stage.next_instant(self.engine)
            if after is not None and after > self.clock():
                later = min(after + timedelta(hours=3), _LAST_CALL) if after < _LAST_CALL else after
                self.clock.turn(max(after, later) + timedelta(seconds=1))
            self._since = (now, seen)

    def close(self) -> None:
        """Kill what is left."""
        self.all.kill_all()
        self.engine.dispose()


def play(folder: Path, *, seed: int, readers: int = 240, sabotage: str = "") -> Outcome:
    """Play a day in an empty folder, on a database of its own; `sabotage` breaks the engine, as tests/faults does."""
    began = time.monotonic()
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        sink = stack.enter_context(CountingSink(folder / "taken", slow=0.15))
        day = Day(folder, seed, readers, sink, database, sabotage)
        stack.callback(day.close)
        day.run()
        unhealthy = day.unhealthy()
        ends = day.all.down() | {f"{name} is unhealthy": 1 for name in unhealthy}
        return Outcome(
            seed=seed,
            verdict=judge(day.engine, sink.taken(), readers),
            issues=_issues(day.engine),
            blows=day.fallen,
            restarts={one.name: one.starts - 1 for one in day.all.containers if one.starts > 1},
            odd_ends=day.all.odd_ends(),
            ends=ends,
            seconds=round(time.monotonic() - began, 1),
        )


def _issues(engine: Engine) -> int:
    with reading(engine) as session:
        return session.connection().scalar(select(func.count()).select_from(table_of(IssueRow))) or 0


def _states(engine: Engine) -> str:
    delivery = table_of(Delivery)
    with reading(engine) as session:
        rows = session.connection().execute(select(delivery.c.state, func.count()).group_by(delivery.c.state))
        return json.dumps(sorted(Counter({row[0]: row[1] for row in rows}).items()))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def main() -> None:
    """Play days from one seed after another, and end with 1 if any broke the promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the first one")
    parser.add_argument("--readers", type=int, default=240)
    parser.add_argument("--sabotaged", default="", choices=[*Sabotage], help="break the engine: the day must fail")
    options = parser.parse_args()
    held = True
    for seed in range(options.seed, options.seed + options.times):
        print(f"seed {seed}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="firstlight-day-") as folder:
            outcome = play(Path(folder), seed=seed, readers=options.readers, sabotage=options.sabotaged)
            print(outcome.line(), flush=True)
            held = held and outcome.holds
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
