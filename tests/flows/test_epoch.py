"""A restored database is noticed before it sends, and what may have gone out already stays where it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Engine, select, text
from sqlmodel import SQLModel

from digest.core.epoch import Mark, Standing, restored
from digest.errors import FileUnusable
from digest.flows.epoch import Guard
from digest.flows.tick import due_work
from digest.store.dialects import table_of
from digest.store.engine import open_engine, reading, writing
from digest.store.epoch import newest_fence
from digest.store.marks import FileMark, RedisMark
from digest.store.tables import Delivery, IssueRow
from tests import post

NOW = datetime.fromisoformat("2026-05-20T08:00:00+00:00")


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


def states(engine: Engine) -> dict[str, int]:
    delivery = table_of(Delivery)
    with reading(engine) as session:
        rows = session.connection().execute(select(delivery.c.state))
        found = [row.state for row in rows]
    return {state: found.count(state) for state in sorted(set(found))}


def morning(engine: Engine) -> int:
    """An issue for two readers: the slot of one has come, the other's is in the evening."""
    post.add_readers(engine, ["ada@example.org", "ben@example.org"])
    issue = post.add_issue(engine, issued_on=NOW.date(), frozen_at=NOW - timedelta(hours=2))
    rows = [
        {
            "kind": "digest",
            "state": "pending",
            "issue_id": issue,
            "subscriber_id": number,
            "local_date": NOW.date(),
            "due_at": NOW + timedelta(hours=hours),
            "expires_at": NOW + timedelta(hours=20),
            "created_at": NOW,
            "paper_ids": [],
        }
        for number, hours in ((1, -1), (2, 10))
    ]
    with writing(engine) as session:
        session.connection().execute(table_of(Delivery).insert(), rows)
    return issue


@pytest.mark.parametrize(
    ("own", "outside", "imprint", "lasts", "sent", "says"),
    [
        (None, None, "", True, True, ""),  # an installation from before there were marks
        (None, Mark("a", 3), "", True, True, "older"),
        (None, Mark("a", 3), "", True, False, ""),  # a new database beside an old one's mark
        (Standing(Mark("a", 3)), Mark("a", 3), "", True, True, ""),
        (Standing(Mark("a", 4)), Mark("a", 3), "", True, True, ""),  # killed before the mark was written
        (Standing(Mark("a", 2)), Mark("a", 3), "", True, True, "3 runs"),
        (Standing(Mark("a", 2)), Mark("b", 1), "", True, True, "another"),
        (Standing(Mark("a", 2)), None, "", True, True, "not there"),
        (Standing(Mark("a", 2)), None, "", False, True, ""),  # Redis was flushed
        (Standing(Mark("a", 2), "1:2"), Mark("a", 2), "1:3", False, True, "lie"),
        (Standing(Mark("a", 2), "1:2"), None, "", False, True, ""),  # the server stopped telling
    ],
)
def test_what_speaks_for_a_restore(
    own: Standing | None, outside: Mark | None, imprint: str, lasts: bool, sent: bool, says: str
) -> None:
    found = restored(own, outside, imprint, outside_lasts=lasts, has_sent=sent)
    assert says in found
    assert bool(found) is bool(says)


def test_a_copy_that_was_put_back_is_fenced_once(  # checklist 87
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    file = Path(sqlite_engine.url.database or "")
    guard = Guard(sqlite_engine, FileMark(tmp_path / "mark"), Clock())
    morning(sqlite_engine)
    assert guard.stand() is None
    sqlite_engine.dispose()
    copy = file.read_bytes()  # all is in it: the last connection's end empties the WAL
    assert guard.stand() is None
    sqlite_engine.dispose()
    file.write_bytes(copy)
    fenced = guard.stand()
    assert fenced is not None
    assert fenced.unknown == 1
    assert states(sqlite_engine) == {"pending": 1, "unknown": 1}, "what is due in the evening has not gone out"
    with reading(sqlite_engine) as session:
        assert session.get(IssueRow, fenced.issues[0]).state == "held"  # type: ignore[union-attr]
        found = newest_fence(session)
    assert found is not None
    assert found[0] == NOW
    assert guard.stand() is None


def test_processes_that_begin_together_do_not_take_one_another_for_a_restore(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    morning(sqlite_engine)  # an installation from before there were marks, at its first start
    fenced: list[object] = []

    def begin() -> None:
        engine = open_engine(str(sqlite_engine.url))
        for _ in range(20):
            fenced.append(Guard(engine, FileMark(tmp_path / "mark"), Clock()).stand())
        engine.dispose()

    together = [Thread(target=begin) for _ in range(4)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    assert fenced == [None] * 80
    assert FileMark(tmp_path / "mark").read("").mark == 80  # type: ignore[union-attr]


def test_a_database_without_its_mark_is_fenced_and_a_new_one_is_not(sqlite_engine: Engine, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    guard = Guard(sqlite_engine, FileMark(mark), Clock())
    assert guard.stand() is None
    mark.unlink()
    assert guard.stand() is None, "nothing was ever due in it"
    morning(sqlite_engine)
    guard.stand()
    mark.unlink()
    assert guard.stand() is not None
    mark.write_text("{}")
    with pytest.raises(FileUnusable, match="remove it"):
        guard.stand()


@pytest.mark.postgres
def test_tables_that_were_made_anew_are_noticed_without_any_mark(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    SQLModel.metadata.create_all(engine)
    guard = Guard(engine, None, Clock())
    morning(engine)
    assert guard.stand() is None
    assert guard.stand() is None
    with engine.begin() as connection:  # as a dump does it
        connection.execute(text("CREATE TABLE copied AS SELECT * FROM delivery"))
        connection.execute(text("DROP TABLE delivery CASCADE"))
        table_of(Delivery).create(connection)
        connection.execute(text("INSERT INTO delivery SELECT * FROM copied"))
    fenced = guard.stand()
    assert fenced is not None
    assert "made anew" in fenced.words
    assert states(engine) == {"pending": 1, "unknown": 1}
    assert guard.stand() is None
    engine.dispose()


@pytest.mark.redis
def test_a_mark_in_redis_only_rises_and_may_be_flushed() -> None:
    redis = pytest.importorskip("redis")
    url = "redis://127.0.0.1:6379/8"
    client = redis.Redis.from_url(url)
    try:
        client.ping()
    except redis.exceptions.ConnectionError:
        from tests.conftest import absent

        absent("Redis")
    marks = RedisMark(url)
    marks.write(Mark("tested", 7))
    marks.write(Mark("tested", 5))
    assert marks.read("tested") == Mark("tested", 7)
    client.delete("firstlight:mark:tested")
    client.close()
    assert marks.read("tested") is None
    assert RedisMark("redis://127.0.0.1:1/0").read("tested") is None


def test_an_issue_that_a_restored_database_forgot_is_not_made_anew(engine: Engine) -> None:
    def composes(cut_off: datetime) -> bool:
        return any(work.issued_on for work in due_work(engine, [], cut_off=cut_off, now=NOW))

    cut_off = NOW.replace(hour=6)
    assert composes(cut_off)
    Guard(engine, None, Clock()).raise_fence("a test")
    assert not composes(cut_off)
    assert composes(cut_off + timedelta(days=1))


def test_ids_that_mail_bears_are_not_given_again_after_a_restore(engine: Engine) -> None:
    morning(engine)
    Guard(engine, None, Clock()).raise_fence("a test")
    with writing(engine) as session:
        row = Delivery(
            kind="alert", state="pending", due_at=NOW, expires_at=NOW, created_at=NOW, address="ada@example.org"
        )
        session.add(row)
        session.flush()
        assert (row.id or 0) > 10_000_000
