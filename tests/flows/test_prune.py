"""What is past its time goes, in small transactions; what a decision or a constraint rests on stays."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlmodel import SQLModel

from digest.config import read_settings
from digest.core.plan import Task
from digest.core.retention import LEAST_DELIVERIES_DAYS, Retention
from digest.errors import ConfigError
from digest.flows.prune import past_its_time, prune
from digest.flows.stock import MEMORY
from digest.flows.tick import due_work
from digest.store.addressees import sent_before
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.runs import source_overview
from digest.store.tables import (
    AdminSession,
    Delivery,
    IngestRun,
    ListingRow,
    MailboxAside,
    ObservationRow,
    RejectedRecord,
    Score,
    SpecimenLetter,
    SpentToken,
)
from tests import post

NOW = datetime.fromisoformat("2026-05-20T08:00:00+00:00")
KEEP = Retention(observations=timedelta(days=400), deliveries=timedelta(days=180), runs=timedelta(days=90))


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def add(engine: Engine, *rows: SQLModel) -> None:
    with writing(engine) as session:
        session.add_all(rows)


def count(engine: Engine, model: type[SQLModel]) -> int:
    with reading(engine) as session:
        return session.connection().scalar(select(func.count()).select_from(table_of(model))) or 0


def a_delivery(issue: int | None, on: date, state: str = "accepted", **changes: Any) -> Delivery:
    at = datetime.combine(on, NOW.timetz())
    values: dict[str, Any] = {
        "kind": "digest",
        "issue_id": issue,
        "subscriber_id": 1,
        "local_date": on,
        "due_at": at,
        "expires_at": at + timedelta(days=1),
        "created_at": at,
        "settled_at": at,
        "paper_ids": [1],
    }
    return Delivery(state=state, **(values | changes))


def test_old_deliveries_go_and_those_that_keep_a_paper_from_coming_again_stay(engine: Engine) -> None:  # checklist 65
    post.add_readers(engine, ["ada@example.org"])
    for days in (400, 181, 179, 89):
        on = days_ago(days).date()
        issue = post.add_issue(engine, issued_on=on, frozen_at=days_ago(days))
        add(engine, a_delivery(issue, on))
        if days == 400:
            add(engine, a_delivery(issue, on, kind="welcome", local_date=None))
            add(engine, a_delivery(issue, on, "pending", subscriber_id=None))
    letters = {"issue_id": None, "subscriber_id": None, "local_date": None, "address": "editor@example.org"}
    add(engine, a_delivery(None, days_ago(200).date(), kind="sign-in", **letters))
    add(engine, a_delivery(None, days_ago(10).date(), kind="sign-in", **letters))
    assert past_its_time(engine, KEEP, now=NOW).counts["digests and welcomes"] == 3
    done = prune(engine, KEEP, now=NOW)
    assert (done.counts["digests and welcomes"], done.counts["other mails"]) == (3, 1)
    with reading(engine) as session:
        assert sent_before(session, 1, None, since=(NOW - MEMORY).date()) == {1}
        left = session.connection().execute(select(table_of(Delivery).c.state, table_of(Delivery).c.kind)).all()
    assert sorted(map(tuple, left)) == [
        ("accepted", "digest"),
        ("accepted", "digest"),
        ("accepted", "sign-in"),
        ("pending", "digest"),  # what is not settled is never deleted
    ]


def test_no_setting_deletes_what_the_memory_of_sent_papers_needs() -> None:  # checklist 65
    assert timedelta(days=LEAST_DELIVERIES_DAYS) > MEMORY
    with pytest.raises(ConfigError, match="DIGEST_KEEP_DELIVERIES_DAYS"):
        read_settings(keep_deliveries_days=90)


def test_the_newest_value_of_each_signal_stays_however_old(engine: Engine) -> None:
    post.add_issue(engine, issued_on=NOW.date(), frozen_at=NOW)  # makes papers
    for signal, ages in {"github_stars": (500, 450, 401), "hn_points": (600, 10), "citations": (399, 398)}.items():
        add(
            engine,
            *(ObservationRow(paper_id=1, signal=signal, source="s", at=days_ago(age), value=age) for age in ages),
        )
    assert prune(engine, KEEP, now=NOW, at_once=1).counts["observations"] == 3
    with reading(engine) as session:
        table = table_of(ObservationRow)
        left = session.connection().execute(select(table.c.signal, table.c.value).order_by(table.c.id)).all()
    assert [tuple(row) for row in left] == [
        ("github_stars", 401),
        ("hn_points", 10),
        ("citations", 399),
        ("citations", 398),
    ]


def test_runs_stay_that_say_how_a_source_does_or_that_something_refers_to(engine: Engine) -> None:
    post.add_issue(engine, issued_on=NOW.date(), frozen_at=NOW)

    def run(days: float, status: str = "ok", **changes: Any) -> IngestRun:
        at = days_ago(days)
        return IngestRun(source="hf", scope="daily", started_at=at, finished_at=at, status=status, **changes)

    listed, known, set_aside, well = run(300), run(299, content_hash="abc"), run(298), run(297)
    add(engine, listed, known, set_aside, well, *(run(200 - number, "failed") for number in range(60)))
    add(engine, ListingRow(source="hf", key="k", paper_id=1, announce_type="new", run_id=1))
    add(engine, RejectedRecord(run_id=3, position="1", reason="no title"))
    done = prune(engine, KEEP, now=NOW)
    assert done.counts["records set aside"] == 1
    with reading(engine) as session:
        left = set(session.connection().scalars(select(table_of(IngestRun).c.id)))
        [health] = source_overview(session, NOW)
    assert {1, 2, 4} <= left, "a listing names it; its bytes are known; it is the last that was read well"
    assert 3 not in left
    assert len(left) == 3 + 60, "failures after the last good one are no news, but nothing good followed them"
    assert health.last_ok == days_ago(297)
    with writing(engine) as session:
        session.connection().execute(
            table_of(IngestRun).update().where(table_of(IngestRun).c.id == 64).values(status="ok")
        )
    prune(engine, KEEP, now=NOW)
    assert count(engine, IngestRun) == 2 + 20


def test_spent_links_sessions_scores_and_mail_set_aside_go(engine: Engine) -> None:  # checklist 65
    post.add_issue(engine, issued_on=NOW.date(), frozen_at=NOW)
    for days in (31, 29):
        add(engine, SpentToken(token_hash=f"t{days}", purpose="confirm", spent_at=days_ago(days)))
    for days in (2, 0.5):
        add(
            engine,
            AdminSession(token_hash=f"s{days}", address="e@example.org", created_at=NOW, expires_at=days_ago(days)),
        )
    for days in (36, 34):
        add(engine, Score(paper_id=1, as_of=days_ago(days), value=1.0))
    for days in (2, 0.5):
        letter = Delivery(
            kind="test", state="accepted", address="e@example.org", due_at=NOW, expires_at=NOW, created_at=NOW
        )
        add(engine, letter)
        with reading(engine) as session:
            number = session.connection().scalar(select(func.max(table_of(Delivery).c.id)))
        add(engine, SpecimenLetter(delivery_id=number, subject="s", html="h", text="t", made_at=days_ago(days)))
    for days in (91, 89):
        add(engine, MailboxAside(mailbox="m", uid_validity=1, uid=days, at=days_ago(days), reason="no mail"))
    prune(engine, KEEP, now=NOW)
    kept = (SpentToken, AdminSession, Score, MailboxAside, SpecimenLetter)
    assert [count(engine, model) for model in kept] == [1] * len(kept)


def test_each_transaction_is_small_and_a_stop_ends_between_two(engine: Engine) -> None:
    add(engine, *(SpentToken(token_hash=f"t{n}", purpose="confirm", spent_at=days_ago(40)) for n in range(50)))
    deleted: list[int] = []

    def look(_c: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("DELETE FROM spent_token"):
            deleted.append(cursor.rowcount)

    event.listen(engine, "after_cursor_execute", look)
    asked = 0

    def stopping() -> bool:
        nonlocal asked
        asked += 1
        return len(deleted) >= 2

    stopped = prune(engine, KEEP, now=NOW, at_once=10, stopping=stopping)
    assert not stopped.finished
    assert count(engine, SpentToken) == 30
    assert Task.PRUNE in [work.task for work in due_work(engine, [], cut_off=NOW, now=NOW)]
    assert prune(engine, KEEP, now=NOW, at_once=10).finished
    assert count(engine, SpentToken) == 0
    assert max(deleted) <= 10


def test_a_dry_run_counts_and_deletes_nothing(engine: Engine) -> None:
    add(engine, *(SpentToken(token_hash=f"t{n}", purpose="confirm", spent_at=days_ago(40)) for n in range(5)))
    assert past_its_time(engine, KEEP, now=NOW).counts["spent links"] == 5
    assert count(engine, SpentToken) == 5


def test_it_is_asked_for_once_a_day(engine: Engine) -> None:  # checklist 65
    def asked(at: datetime) -> bool:
        return Task.PRUNE in [work.task for work in due_work(engine, [], cut_off=NOW, now=at)]

    assert asked(NOW)
    prune(engine, KEEP, now=NOW)
    assert not asked(NOW + timedelta(hours=23))
    assert asked(NOW + timedelta(hours=24))
