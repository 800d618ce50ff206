"""A stage for each fault test: a fresh database of readers, a sink, a clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.faults import stage
from tests.faults.oracle import Verdict, judge
from tests.faults.sink import CountingSink
from tests.faults.stage import CUT_OFF, Clock, Stage

READERS = 12
TODAY = CUT_OFF.date()


@dataclass(frozen=True)
class Play:
    """A stage, its sink, and the verdict at the end."""

    scene: Stage
    engine: Engine
    sink: CountingSink

    def open_day(self) -> None:
        """Make today's issue, and let every slot of the day come."""
        self.scene.compose(self.engine, TODAY)
        self.scene.clock.turn(CUT_OFF + timedelta(hours=23))

    def later(self, minutes: float) -> None:
        """Let time pass, and sweep."""
        self.scene.clock.turn(self.scene.clock() + timedelta(minutes=minutes))
        self.scene.sweep(self.engine)

    def finish(self, tries: int = 1) -> Verdict:
        """Let the leases end, send what is left, settle, and judge: the promise must hold."""
        for _ in range(tries):
            self.later(20)
            self.scene.send(self.engine)
        self.later(20)
        verdict = judge(self.engine, self.sink.taken(), READERS)
        assert verdict.holds, verdict
        return verdict


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[CountingSink]:
    """A sink that takes everything."""
    with CountingSink(tmp_path / "taken") as listening:
        yield listening


@pytest.fixture
def play(engine: Engine, database_url: str, sink: CountingSink, tmp_path: Path) -> Play:
    """A stage with papers and a dozen readers, at the morning's cut-off."""
    clock = Clock(tmp_path / "clock")
    clock.turn(CUT_OFF + timedelta(seconds=5))
    stage.furnish(engine, READERS)
    stage.list_papers(engine, TODAY)
    return Play(Stage(database=database_url, clock=clock, relay=sink.url), engine, sink)
