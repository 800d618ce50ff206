"""Kill workers at random, a thousand times, and see whether anybody was mailed twice or forgotten.

    python -m tests.faults.soak --kills 1000 --seed 7

Each kill is the end of a forked process that runs the real flows: the morning, sending, sweeping. It dies by SIGKILL
at a named point, before a random SQL statement, or at a random instant; sometimes two send at once. The sink misbehaves
at random, readers leave and complain, and the clock jumps past leases. Then everything is settled, and judged.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine

from tests.faults import sabotage, stage
from tests.faults.databases import databases
from tests.faults.oracle import Verdict, judge
from tests.faults.points import MORNING, SENDING, strike, strike_at_statement
from tests.faults.sink import CountingSink
from tests.faults.soak_workers import soak_workers

READERS = 240
Job = Callable[[Engine], None]
T = TypeVar("T")


class Soak:
    """One run on one database; the parent holds no connection while it forks."""

    def __init__(self, scene: stage.Stage, *, seed: int, kills: int, readers: int, killed: Callable[[], None]) -> None:
        self.scene = scene
        self.chance = random.Random(seed)
        self.kills = kills
        self.readers = readers
        self.killed = killed
        self.ends: Counter[str] = Counter()
        self.audience = 0
        self.day = stage.CUT_OFF.date()

    def run(self) -> None:
        """Kill until there were enough, then let everything settle undisturbed."""
        self.ask(lambda engine: stage.furnish(engine, self.readers))
        while self.ends["killed"] < self.kills:
            self.open_day()
            while self.ends["killed"] < self.kills and self.go_on():
                self.round()
            self.day += timedelta(days=1)
        self.ask(lambda engine: stage.settle(self.scene, engine))

    def ask(self, question: Callable[[Engine], T]) -> T:
        """Do something in this process, and leave no connection behind that a fork would share."""
        engine = self.scene.open()
        try:
            return question(engine)
        finally:
            engine.dispose()

    def open_day(self) -> None:
        """Make the issue of the next day, killed as often as it happens."""
        self.scene.clock.turn(max(self.scene.clock(), stage.cut_off(self.day) + timedelta(seconds=5)))
        self.ask(lambda engine: stage.list_papers(engine, self.day))
        self.audience += self.ask(stage.confirmed)
        while True:
            self.fork([self.doomed(lambda engine, at: self.scene.compose(engine, self.day, at), MORNING)])
            if self.ask(lambda engine: stage.queued(engine, self.day)):
                return

    def go_on(self) -> bool:
        """Move the clock to where there is something to do; False where the day is over."""
        now = self.scene.clock()
        after = self.ask(stage.next_instant)
        tomorrow = stage.cut_off(self.day + timedelta(days=1))
        if after is None or max(after, now) >= tomorrow:
            return False
        self.scene.clock.turn(max(now, after) + timedelta(seconds=self.chance.choice((1, 1, 2, 30, 90, 400))))
        return True

    def round(self) -> None:
        """One or two senders, now and then with a sweeper beside them or a reader who leaves."""
        jobs = [self.doomed(self.sender(), SENDING) for _ in range(self.chance.choice((1, 1, 1, 2)))]
        fate = self.chance.random()
        if fate < 0.03:
            reader = self.chance.randint(1, self.readers)
            goes = self.chance.choice((stage.leave, stage.ban))
            jobs.append((lambda engine: goes(engine, reader, self.scene.clock()), 0.0))
        elif fate < 0.3:
            jobs.append(self.doomed(lambda engine, _at: self.scene.sweep(engine), ()))
        else:
            jobs.insert(0, (self.scene.sweep, 0.0))
        self.fork(jobs)

    def sender(self) -> Callable[[Engine, Callable[[str], None]], None]:
        """Return what sends, with the chunk and the number of connections of a worker of its own."""
        scene = replace(self.scene, connections=self.chance.choice((1, 4, 24)))
        chunk = self.chance.choice((5, 20, 250))
        return lambda engine, at: scene.send(engine, at, chunk=chunk)

    def doomed(
        self, work: Callable[[Engine, Callable[[str], None]], None], points: tuple[str, ...]
    ) -> tuple[Job, float]:
        """Choose how a job ends; returns it with the seconds after which it is killed from outside, or 0."""
        how = self.chance.random()
        if how < 0.15:
            return (lambda engine: work(engine, lambda _point: None)), self.chance.uniform(0.002, 0.15)
        if points and how < 0.75:
            at = strike(self.chance.choice(points), self.chance.choice((1, 1, 2, 3, 5, 8, 13)))
            return (lambda engine: work(engine, at)), 0.0
        nth = self.chance.randint(1, 12)

        def counted(engine: Engine) -> None:
            strike_at_statement(engine, nth)
            work(engine, lambda _point: None)

        return counted, 0.0

    def fork(self, jobs: list[tuple[Job, float]]) -> None:
        """Run jobs in processes of their own, side by side, and count how they end."""
        children = [(self._start(job), seconds) for job, seconds in jobs]
        until = time.monotonic()
        for child, seconds in sorted(children, key=lambda one: one[1]):
            if seconds:
                time.sleep(max(0.0, until + seconds - time.monotonic()))
                os.kill(child, signal.SIGKILL)
        for child, _ in children:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if status == -signal.SIGKILL:
                self.ends["killed"] += 1
                self.killed()
            else:
                self.ends["finished" if status == 0 else "crashed"] += 1

    def _start(self, job: Job) -> int:
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            job(self.scene.open())
            status = 0
        except BaseException:  # noqa: BLE001  # whatever it is, a forked child ends here
            traceback.print_exc()
        finally:
            os._exit(status)


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error; gives what moves it by one. No thread draws it: this process forks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as bar:
        task = bar.add_task(title, total=total)

        def move() -> None:
            bar.update(task, advance=1)
            bar.refresh()

        yield move


def soak(
    url: str, *, seed: int, kills: int, readers: int, rate: float, killed: Callable[[], None]
) -> tuple[Verdict, Counter[str]]:
    """Soak one database, which must be empty."""
    with tempfile.TemporaryDirectory() as folder, CountingSink(Path(folder) / "log", seed=seed, rate=rate) as sink:
        clock = stage.Clock(Path(folder) / "clock")
        clock.turn(stage.CUT_OFF)
        scene = stage.installed(stage.Stage(database=url, clock=clock, relay=sink.url), stage.SECRET)
        run = Soak(scene, seed=seed, kills=kills, readers=readers, killed=killed)
        run.run()
        return run.ask(lambda engine: judge(engine, sink.taken(), run.audience)), run.ends


def main(
    kills: Annotated[int, typer.Option(min=1, help="How many processes are killed on each database.")] = 1000,
    seed: Annotated[int, typer.Option(help="Chooses everything but the timing; drawn where it is not given.")] = -1,
    database: Annotated[str, typer.Option(help="An empty database; without it new ones in turn.")] = "",
    readers: Annotated[int, typer.Option(min=1, help="How many readers there are.")] = READERS,
    rate: Annotated[float, typer.Option(min=0, max=1, help="How often the relay misbehaves at a verb.")] = 0.01,
    workers: Annotated[
        int, typer.Option(min=0, help="Kill this many Celery workers on a Redis of their own, instead of forks.")
    ] = 0,
    sabotaged: Annotated[sabotage.Sabotage | None, typer.Option(help="Break the engine, to see it noticed.")] = None,
) -> None:
    """Kill workers at random and judge what became of everybody's mail; one JSON line for each database."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    seed = seed if seed >= 0 else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", file=sys.stderr, flush=True)
    held = True
    with sabotage.applied(sabotaged):
        for url in databases(database, sqlite=not workers):
            with progress(_kind(url), kills) as killed:
                if workers:
                    verdict, ends = soak_workers(
                        url, seed=seed, kills=kills, readers=readers, rate=rate, workers=workers, killed=killed
                    )
                else:
                    verdict, ends = soak(url, seed=seed, kills=kills, readers=readers, rate=rate, killed=killed)
            for oddity in verdict.oddities[:20]:
                print(oddity, file=sys.stderr)
            print(f"processes: {dict(ends)}", file=sys.stderr)
            print(
                json.dumps(
                    {
                        "database": _kind(url),
                        "kills": ends["killed"],
                        "twice": verdict.twice,
                        "missing": verdict.missing,
                        "states": verdict.states,
                        "audience": verdict.audience,
                    }
                ),
                flush=True,
            )
            held = held and verdict.holds and not ends["crashed"]
    raise typer.Exit(0 if held else 1)


def _kind(url: str) -> str:
    return url.partition(":")[0].partition("+")[0]


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
