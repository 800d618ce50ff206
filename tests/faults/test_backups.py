"""A backup taken in the middle of a run, restored after it: nobody is mailed twice."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from digest.core.issue import IssueState
from digest.errors import ConfigError, FileUnusable, StoreUnavailable
from digest.flows.backup import backup, checksum, restore
from digest.flows.epoch import Guard
from digest.flows.leading import Seat
from digest.flows.tick import due_work
from digest.store.dialects import table_of
from digest.store.engine import open_engine, reading, writing
from digest.store.issues import move_issue
from digest.store.marks import FileMark
from digest.store.schema import upgrade
from digest.store.tables import Delivery, IssueRow
from tests.faults import stage
from tests.faults.conftest import READERS, TODAY, Play
from tests.faults.sink import CountingSink
from tests.faults.stage import CUT_OFF, Clock, Stage


@pytest.fixture
def play(database_url: str, tmp_path: Path) -> Iterator[Play]:
    """The morning's cut-off on a database as migrations make it: a backup without a revision is none of ours."""
    engine = open_engine(database_url)
    upgrade(engine)
    clock = Clock(tmp_path / "clock")
    clock.turn(CUT_OFF + timedelta(seconds=5))
    stage.furnish(engine, READERS)
    stage.list_papers(engine, TODAY)
    with CountingSink(tmp_path / "taken") as sink:
        yield Play(Stage(database=database_url, clock=clock, relay=sink.url, connections=1), engine, sink)
    engine.dispose()


@pytest.fixture
def guard(play: Play, tmp_path: Path) -> Guard:
    return Guard(play.engine, FileMark(tmp_path / "mark"), play.scene.clock)


def quiet(_done: int, _total: int) -> None:
    return None


def send(play: Play, guard: Guard, messages: int = 1000) -> None:
    """Send as the task does, and stop after some messages."""
    guard.stand()
    answered = 0

    def reach(point: str) -> None:
        nonlocal answered
        answered += point == "answered"

    play.scene.send(play.engine, reach, stopping=lambda: answered >= messages)
    guard.stand()


def states(play: Play) -> dict[str, int]:
    delivery = table_of(Delivery)
    with reading(play.engine) as session:
        found = list(session.connection().scalars(select(delivery.c.state)))
    return {state: found.count(state) for state in sorted(set(found))}


def test_a_backup_in_mid_run_that_is_restored_after_it_mails_nobody_twice(  # checklist 87
    play: Play, guard: Guard, tmp_path: Path
) -> None:
    play.open_day()
    send(play, guard, messages=4)
    sent_before = sum(play.sink.taken().values())
    assert 4 <= sent_before < READERS
    size = backup(guard, tmp_path / "copy", quiet)
    assert size == (tmp_path / "copy").stat().st_size
    send(play, guard)
    play.later(20)
    send(play, guard)
    assert sum(play.sink.taken().values()) == READERS
    fenced = restore(guard, tmp_path / "copy", quiet)
    assert fenced.unknown == READERS - sent_before
    assert states(play) == {"accepted": sent_before, "unknown": READERS - sent_before}
    for _ in range(4):  # whatever happens now by itself
        play.scene.compose(play.engine, TODAY)
        play.later(30)
        send(play, guard)
    assert max(play.sink.taken().values()) == 1
    with reading(play.engine) as session:
        issue = session.execute(select(IssueRow)).scalar_one()
    assert issue.state == "held"
    with writing(play.engine) as session:  # the admin lets it go: what is unknown stays so
        assert move_issue(session, issue.id or 0, IssueState.FROZEN)
    send(play, guard)
    play.later(20)
    assert max(play.sink.taken().values()) == 1
    assert states(play) == {"accepted": sent_before, "unknown": READERS - sent_before}, "they add up to the audience"


def test_a_backup_from_before_the_issue_does_not_make_it_anew(play: Play, guard: Guard, tmp_path: Path) -> None:
    guard.stand()
    stage_day_before = TODAY - timedelta(days=1)
    play.scene.compose(play.engine, stage_day_before)
    backup(guard, tmp_path / "copy", quiet)
    play.open_day()
    send(play, guard)
    sent = dict(play.sink.taken())
    assert len(sent) == READERS
    restore(guard, tmp_path / "copy", quiet)
    due = due_work(play.engine, [], cut_off=CUT_OFF, now=play.scene.clock())
    assert not [work for work in due if work.issued_on]
    send(play, guard)
    tomorrow = CUT_OFF + timedelta(days=1, seconds=5)
    play.scene.clock.turn(tomorrow)
    stage.list_papers(play.engine, tomorrow.date())
    due = due_work(play.engine, [], cut_off=CUT_OFF + timedelta(days=1), now=tomorrow)
    assert [work.issued_on for work in due if work.issued_on] == [tomorrow.date()]
    play.scene.compose(play.engine, tomorrow.date())
    play.scene.clock.turn(tomorrow + timedelta(hours=23))
    send(play, guard)
    taken = play.sink.taken()
    assert max(taken.values()) == 1
    assert len(taken) == 2 * READERS, "tomorrow's messages have names of their own"


def test_a_sqlite_copy_put_back_by_hand_is_noticed_by_the_next_run(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    clock = Clock(tmp_path / "clock")
    clock.turn(CUT_OFF + timedelta(seconds=5))
    stage.furnish(engine, READERS)
    stage.list_papers(engine, TODAY)
    file = Path(engine.url.database or "")
    guard = Guard(engine, FileMark(tmp_path / "mark"), clock)
    with CountingSink(tmp_path / "taken") as sink:
        play = Play(Stage(database=sqlite_url, clock=clock, relay=sink.url, connections=1), engine, sink)
        play.open_day()
        send(play, guard, messages=4)
        backup(guard, tmp_path / "copy", quiet)
        send(play, guard)
        play.later(20)
        send(play, guard)
        engine.dispose()
        for path in file.parent.glob(f"{file.name}*"):
            path.unlink()
        file.write_bytes((tmp_path / "copy").read_bytes())
        send(play, guard)
        assert max(sink.taken().values()) == 1
        play.later(20)
        assert states(play)["unknown"] > 0
        assert sum(states(play).values()) == READERS
    engine.dispose()


def test_a_backup_is_of_one_instant_while_others_write(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    database = Path(engine.url.database or "")
    ended = threading.Event()

    def write() -> None:
        # Two tables that every commit leaves alike: a copy of two instants would tell them apart.
        own = sqlite3.connect(database, timeout=30, isolation_level=None)
        own.executescript("CREATE TABLE left_of(x); CREATE TABLE right_of(x)")
        while not ended.is_set():
            own.execute("BEGIN IMMEDIATE")
            own.execute("INSERT INTO left_of VALUES (zeroblob(3000))")
            own.execute("INSERT INTO right_of VALUES (zeroblob(3000))")
            own.execute("COMMIT")
        own.close()

    writer = threading.Thread(target=write)
    writer.start()
    steps: list[tuple[int, int]] = []
    try:
        guard = Guard(engine, FileMark(tmp_path / "mark"), Clock(tmp_path / "clock"))
        while not (tmp_path / "copy").exists() or len(steps) < 2:
            (tmp_path / "copy").unlink(missing_ok=True)
            steps.clear()
            backup(guard, tmp_path / "copy", lambda done, total: steps.append((done, total)))
    finally:
        ended.set()
        writer.join()
    copied = sqlite3.connect(tmp_path / "copy")
    left, right = (copied.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("left_of", "right_of"))
    copied.close()
    assert left == right > 0
    assert steps[-1][0] == steps[-1][1], "the bar comes to its end"
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0, "it holds every reader's address"
    engine.dispose()


def test_what_is_no_backup_is_refused_and_the_database_stays(play: Play, guard: Guard, tmp_path: Path) -> None:
    play.open_day()
    before = states(play)
    copy = tmp_path / "copy"
    backup(guard, copy, quiet)
    with pytest.raises(FileUnusable, match="there already"):
        backup(guard, copy, quiet)
    whole = copy.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileUnusable, match="checksum differs"):
        restore(guard, copy, quiet)
    with pytest.raises((FileUnusable, StoreUnavailable), match=r"damaged|not a SQLite|pg_restore failed"):
        restore(guard, copy, quiet, unchecked=True)
    copy.write_bytes(os.urandom(5000))
    with pytest.raises((FileUnusable, StoreUnavailable)):
        restore(guard, copy, quiet, unchecked=True)
    checksum(copy).unlink()
    with pytest.raises(FileUnusable, match="--unchecked"):
        restore(guard, copy, quiet)
    with pytest.raises(FileUnusable, match="not there"):
        restore(guard, tmp_path / "nothing", quiet)
    assert states(play) == before


def test_a_restore_waits_until_nobody_schedules(play: Play, guard: Guard, tmp_path: Path) -> None:
    backup(guard, tmp_path / "copy", quiet)
    Seat(play.engine, "here:1").take(play.scene.clock())
    with pytest.raises(ConfigError, match="stop web, workers and schedulers"):
        restore(guard, tmp_path / "copy", quiet)


@pytest.mark.postgres
def test_missing_programs_are_named_with_the_way_out(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(postgres_url)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match=r"pg_dump is not installed.*postgresql-client"):
        backup(Guard(engine, None, Clock(tmp_path / "clock")), tmp_path / "copy", quiet)
    assert not list(tmp_path.glob("copy*"))
    engine.dispose()
