"""When a task is set aside: three tries lost in succession, on whichever host; what forgives, what does not."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from digest.core.plan import Task, Work, called, work_of
from digest.core.trials import FORGOTTEN_FOR, Place
from digest.errors import NotFound, TaskNeeded
from digest.flows import trials
from digest.flows.tick import held_now
from digest.store.dialects import table_of
from digest.store.engine import reading
from digest.store.tables import AuditEntry, TaskRun
from digest.store.trials import SetAside, set_aside
from tests.conftest import NOW

INGEST = Work(Task.INGEST, source="arxiv-rss", scope="cs.LG")
DELIVER = Work(Task.DELIVER)
HOUR = timedelta(hours=1)


class Installation:
    """Hosts whose processes live or are dead, on one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.dead, self.now = engine, set[str](), NOW

    def begin(self, work: Work = INGEST, *, process: str = "1", host: str = "a", message: str = "") -> int | None:
        return trials.begin(
            self.engine,
            work,
            message=message or f"{host}{process}{self.now}",
            place=Place(host=host, process=process),
            lasts=timedelta(minutes=30),
            now=self.now,
            is_there=lambda named: named not in self.dead,
        )

    def lose(self, work: Work = INGEST, *, process: str) -> None:
        """Begin, and die."""
        assert self.begin(work, process=process) is not None
        self.dead.add(process)

    def end(self, run: int | None, work: Work = INGEST, *, began_at: datetime | None = None) -> None:
        assert run is not None
        trials.end(self.engine, run, work, began_at or self.now)

    def aside(self) -> list[SetAside]:
        with reading(self.engine) as session:
            return set_aside(session)


@pytest.fixture
def place(engine: Engine) -> Installation:
    return Installation(engine)


def test_the_fourth_time_a_task_does_not_begin_and_says_what_is_known(place: Installation) -> None:
    for process in "123":
        place.lose(process=process)
        place.now += timedelta(minutes=1)
    assert place.begin(process="4") is None
    found = place.aside()
    assert [(one.work, one.tries, one.worker, one.words) for one in found] == [
        (INGEST, 3, "a:3", "its process is gone")
    ]
    assert found[0].began_at == NOW + timedelta(minutes=2)
    assert place.begin(process="5") is None
    assert held_now(place.engine, place.now) == {INGEST}
    other = place.begin(Work(Task.INGEST, source="arxiv-rss", scope="cs.CL"), process="4")
    assert other is not None, "the same task with other arguments is another piece of work"


def test_a_run_that_ends_forgives_those_before_it(place: Installation) -> None:
    for _ in range(3):
        for process in ("1", "2"):
            place.dead.clear()
            place.lose(process=process)
        place.end(place.begin(process="3"))
    assert place.begin() is not None
    assert not place.aside()


def test_what_is_lost_side_by_side_is_one_try(place: Installation) -> None:
    for process in "12345":
        assert place.begin(DELIVER, process=process) is not None
    place.dead.update("12345")  # the power is cut
    assert place.begin(DELIVER, process="6") is not None
    place.dead.add("6")
    assert place.begin(DELIVER, process="7") is not None, "two tries are lost, in six processes"
    place.dead.add("7")
    assert place.begin(DELIVER, process="8") is None


def test_many_runs_side_by_side_that_are_alive_are_no_tries(place: Installation) -> None:
    for process in range(20):
        assert place.begin(DELIVER, process=str(process)) is not None


def test_a_run_of_another_host_is_lost_when_its_message_comes_back_or_its_time_is_over(place: Installation) -> None:
    assert place.begin(host="a", message="m") is not None
    assert place.begin(host="b", message="m") is not None
    assert place.begin(host="c", message="m") is not None
    assert place.begin(host="d", message="m") is None
    assert place.aside()[0].words == "the broker gave its message back"


def test_a_silent_run_of_another_host_is_alive_until_its_time_is_over(place: Installation) -> None:
    for host in "abc":
        assert place.begin(host=host) is not None
        assert place.begin(host="other", process=host) is not None, "nothing is known of the first one yet"
        place.now += timedelta(minutes=31)
        place.dead.add(host)
    assert place.begin(host="d") is None


def test_what_the_parent_of_a_process_notes_is_believed_and_kept_as_its_last_words(place: Installation) -> None:
    for number in range(3):
        assert place.begin(host="a", message=f"m{number}") is not None
        trials.lost(place.engine, f"m{number}", "Worker exited prematurely: signal 9 (SIGKILL)" + "x" * 1000)
    assert place.begin(host="b") is None
    assert place.aside()[0].words.startswith("Worker exited prematurely: signal 9 (SIGKILL)")
    assert len(place.aside()[0].words) == 500


def test_a_sender_that_finds_nothing_does_not_prove_that_what_killed_the_others_is_gone(place: Installation) -> None:
    for process in "123":
        place.lose(DELIVER, process=process)
        place.now += timedelta(minutes=1)
        if process != "3":  # what was claimed is still leased to the dead one
            place.end(place.begin(DELIVER, process="other"), DELIVER)
        place.now += timedelta(minutes=5)
    assert place.begin(DELIVER, process="4") is None


def test_a_sender_that_ends_long_after_a_loss_forgives_it(place: Installation) -> None:
    for process in "123456":
        place.lose(DELIVER, process=process)
        place.now += timedelta(minutes=11)
        place.end(place.begin(DELIVER, process="other"), DELIVER)
    assert not place.aside()


def test_runs_that_ended_leave_nothing_and_those_of_long_ago_are_forgotten(place: Installation) -> None:
    place.end(place.begin())
    place.lose(process="1")
    place.now += timedelta(days=3)
    place.end(place.begin(Work(Task.SCORE), process="2"), Work(Task.SCORE))
    with reading(place.engine) as session:
        assert session.connection().scalar(select(func.count()).select_from(table_of(TaskRun))) == 0


def poison(place: Installation, work: Work) -> SetAside:
    for process in "123":
        place.lose(work, process=process)
    assert place.begin(work, process="4") is None
    return place.aside()[0]


def test_what_is_tried_again_has_three_tries_anew_and_stands_in_the_audit_log(place: Installation) -> None:
    found = poison(place, INGEST)
    place.dead.clear()
    assert trials.try_again(place.engine, found.id, actor="ada", now=place.now) == INGEST
    assert not held_now(place.engine, place.now)
    for process in "123":
        place.lose(process=process)
    assert place.begin(process="4") is None
    assert len(place.aside()) == 1
    with pytest.raises(NotFound):
        trials.try_again(place.engine, found.id + 100, actor="ada", now=place.now)
    with reading(place.engine) as session:
        entries = session.connection().execute(select(table_of(AuditEntry))).all()
    assert [(one.actor, one.action, one.target) for one in entries] == [
        ("ada", "try task again", "task ingest arxiv-rss cs.LG")
    ]


def test_what_is_forgotten_is_left_undone_for_a_day_and_not_spoken_of(place: Installation) -> None:
    compose = Work(Task.COMPOSE, issued_on=date(2026, 5, 20))
    found = poison(place, compose)
    trials.forget(place.engine, found.id, actor="ada", now=place.now)
    assert not place.aside()
    assert place.begin(compose, process="9") is None
    with pytest.raises(NotFound):
        trials.forget(place.engine, found.id, actor="ada", now=place.now)
    place.now += FORGOTTEN_FOR + HOUR
    assert not held_now(place.engine, place.now)
    assert place.begin(compose, process="9") is not None


def test_mail_is_not_forgotten(place: Installation) -> None:
    found = poison(place, DELIVER)
    with pytest.raises(TaskNeeded):
        trials.forget(place.engine, found.id, actor="ada", now=place.now)
    assert place.aside()


def test_work_is_known_again_by_its_key_and_by_what_its_task_is_called_with() -> None:
    refresh = Work(Task.REFRESH, source="github", scope="signals")
    for work in (INGEST, DELIVER, refresh, Work(Task.COMPOSE, issued_on=date(2026, 5, 20))):
        assert work_of(work.key) == work
        assert called(work.task, work.arguments) == work
