"""What a reader is told of their next digest in single cases; test_readers_hours holds it against what comes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.arxiv_calendar import ArxivCalendar
from digest.core.preferences import pause_until
from digest.errors import NotFound, PreferencesRefused
from digest.flows.deliver import deliver_due
from digest.flows.morning import freeze_and_materialise
from digest.flows.next_digest import NextDigest, next_digest
from digest.flows.preferences import change_preferences
from digest.store.engine import reading
from digest.store.tables import Consent
from tests import post
from tests.flows.pausing import pause, resume
from tests.post import TOKENS, Sink, add_issue, add_reader

FRIDAY = datetime(2026, 11, 27, 6, tzinfo=UTC)  # a cut-off; the day after Thanksgiving
ANN = "ann@example.test"


def told(engine: Engine, reader: int, now: datetime, last_cut_off: datetime = FRIDAY) -> NextDigest:
    return next_digest(engine, reader, now=now, last_cut_off=last_cut_off, calendar=ArxivCalendar())


def link(reader: int) -> str:
    return TOKENS.sign("preferences", {"s": reader})


def morning(engine: Engine, cut_off: datetime, **issue: int) -> None:
    add_issue(engine, issued_on=cut_off.date(), frozen_at=cut_off, **issue)
    freeze_and_materialise(engine, cut_off.date(), cut_off=cut_off, now=cut_off, size=5)


def change(engine: Engine, reader: int, now: datetime, **wanted: object) -> None:
    choices: dict[str, object] = {"categories": (), "paper_count": 5, "hour": 8, "timezone": "UTC"}
    change_preferences(engine, TOKENS, link(reader), now=now, last_cut_off=FRIDAY, **(choices | wanted))  # type: ignore[arg-type]  # given by name


def test_an_hour_changed_after_the_cut_off_counts_for_the_issue_of_the_day(engine: Engine) -> None:
    reader = add_reader(engine, ANN, hour=20)
    morning(engine, FRIDAY)
    change(engine, reader, FRIDAY + timedelta(hours=1), hour=9)
    (planned,) = post.deliveries(engine, subscriber_id=reader)
    assert planned.due_at == FRIDAY + timedelta(hours=3) == told(engine, reader, FRIDAY + timedelta(hours=1)).at


def test_an_hour_that_has_passed_today_begins_tomorrow_and_twelve_hours_rest_do_not_cost_it(engine: Engine) -> None:
    reader = add_reader(engine, ANN, hour=20)
    morning(engine, FRIDAY)
    change(engine, reader, FRIDAY + timedelta(hours=4), hour=7)
    assert post.deliveries(engine, subscriber_id=reader) == []  # at 20:00 today it would have cost that of tomorrow
    assert told(engine, reader, FRIDAY + timedelta(hours=4)).at == FRIDAY + timedelta(hours=25)


def test_what_a_worker_holds_or_has_tried_keeps_its_hour(engine: Engine) -> None:
    reader = add_reader(engine, ANN, hour=6)
    morning(engine, FRIDAY)
    away = Sink(away=True)
    deliver_due(engine, post.courier(away), worker="w", clock=lambda: FRIDAY, limit=5)
    change(engine, reader, FRIDAY + timedelta(minutes=1), hour=9)
    (kept,) = post.deliveries(engine, subscriber_id=reader)
    assert kept.local_date == FRIDAY.date()
    assert kept.fence >= 1


def test_a_pause_without_an_end_has_no_next_digest_and_one_with_an_end_has(engine: Engine) -> None:
    reader = add_reader(engine, ANN, hour=8)
    morning(engine, FRIDAY)
    pause(engine, TOKENS, link(reader), until=None, now=FRIDAY, last_cut_off=FRIDAY)
    assert post.deliveries(engine, subscriber_id=reader) == []
    assert told(engine, reader, FRIDAY).at is None
    pause(engine, TOKENS, link(reader), until=date(2027, 3, 1), now=FRIDAY, last_cut_off=FRIDAY)
    assert told(engine, reader, FRIDAY).at == datetime(2027, 3, 1, 8, tzinfo=UTC)
    resume(engine, TOKENS, link(reader), now=FRIDAY + timedelta(hours=1), last_cut_off=FRIDAY)
    resume(engine, TOKENS, link(reader), now=FRIDAY + timedelta(hours=1), last_cut_off=FRIDAY)
    assert told(engine, reader, FRIDAY).at == FRIDAY + timedelta(hours=2)
    assert len(post.deliveries(engine, subscriber_id=reader)) == 1
    assert post.subscription(engine, reader).confirmed_at == post.FROZEN_AT - timedelta(days=100)  # as it was
    with reading(engine) as session:
        assert [row.action for row in session.exec(select(Consent))] == ["pause", "resume"]


@pytest.mark.parametrize("until", ["2026-11-27", "2026-11-01", "2028-01-01"])
def test_a_pause_until_a_date_that_is_past_or_too_far_is_refused(until: str) -> None:
    with pytest.raises(PreferencesRefused, match=f"after today, 2026-11-27, and within a year, not on {until}"):
        pause_until(until, FRIDAY.date())


def test_nobody_pauses_what_does_not_run(engine: Engine) -> None:
    left = add_reader(engine, ANN, state="unsubscribed")
    for reader in (left, 99):
        with pytest.raises(NotFound):
            pause(engine, TOKENS, link(reader), until=None, now=FRIDAY, last_cut_off=FRIDAY)
    assert told(engine, 99, FRIDAY).at is None
    assert told(engine, left, FRIDAY).at is None


def test_a_late_issue_is_told_of_as_late(engine: Engine) -> None:
    reader = add_reader(engine, ANN, hour=8)
    now = FRIDAY + timedelta(hours=3)
    waiting = told(engine, reader, now)
    assert (waiting.at, waiting.late) == (FRIDAY + timedelta(hours=2), True)
    add_issue(engine, issued_on=FRIDAY.date(), frozen_at=now)
    freeze_and_materialise(engine, FRIDAY.date(), cut_off=FRIDAY, now=now, size=5)
    assert [row.due_at for row in post.deliveries(engine)] == [waiting.at]


def test_where_the_last_issue_held_nothing_new_quiet_days_are_stepped_over(engine: Engine) -> None:
    reader = add_reader(engine, ANN, hour=8, paper_count=20)
    morning(engine, FRIDAY, papers=5)
    saturday = FRIDAY + timedelta(days=1)
    sink = Sink()
    deliver_due(engine, post.courier(sink), worker="w", clock=lambda: FRIDAY + timedelta(hours=2), limit=5)
    assert told(engine, reader, saturday - timedelta(hours=1)).at == saturday + timedelta(hours=2)
    morning(engine, saturday, papers=5)  # the same five papers
    deliver_due(engine, post.courier(sink), worker="w", clock=lambda: saturday + timedelta(hours=2), limit=5)
    assert [row.state for row in post.deliveries(engine)] == ["accepted", "skipped"]
    nothing = told(engine, reader, saturday + timedelta(hours=3), saturday)
    assert nothing.at == datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert nothing.quiet is not None
    assert nothing.quiet.sentence == "arXiv lists nothing on weekends"
