"""A new sending address sends no more than the day's cap; nobody who has to wait for it is lost."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session
from typer.testing import CliRunner

from digest.cli.main import app
from digest.core.warm_up import WarmUp, read_warm_up
from digest.flows.deliver import deliver_due, materialise, sweep
from digest.flows.facts import Duties, gather
from digest.flows.letters import Courier
from digest.flows.metrics import exposition
from digest.flows.sign_in import request_sign_in
from digest.store.deliveries import Claim, claim, release
from digest.store.engine import reading, writing
from digest.store.warm_up import warm_up_day, within_the_cap
from tests import post
from tests.post import FROZEN_AT, UNTIL, Sink, add_issue, add_readers, at_clock

SLOT = FROZEN_AT + timedelta(hours=2)
FIVE = WarmUp(5, SLOT.date(), 2)


def queue(engine: Engine, readers: int) -> None:
    add_readers(engine, [f"r{n:02}@example.test" for n in range(readers)])
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)


def courier(sink: Sink, warm_up: WarmUp | None = FIVE) -> Courier:
    return replace(post.courier(sink), warm_up=warm_up)


def send(engine: Engine, made: Courier, at: datetime = SLOT, **more: int) -> None:
    deliver_due(engine, made, worker="w", clock=at_clock(at), **more)


def claim_two(session: Session, worker: str = "w", at: datetime = SLOT) -> list[Claim]:
    return within_the_cap(session, FIVE, at, lambda room: claim(session, worker=worker, now=at, limit=2, room=room))


def states(engine: Engine) -> Counter[str]:
    return Counter(row.state for row in post.deliveries(engine))


def test_no_more_go_out_than_the_cap_whatever_the_chunks_and_runs(engine: Engine) -> None:
    queue(engine, 12)
    sink = Sink()
    send(engine, courier(sink), chunk=2)
    send(engine, courier(sink))
    assert states(engine) == {"accepted": 5, "pending": 7}


def test_who_has_been_a_reader_longest_is_first(engine: Engine) -> None:
    queue(engine, 8)
    send(engine, courier(Sink()))
    assert [row.subscriber_id for row in post.deliveries(engine) if row.state == "accepted"] == [1, 2, 3, 4, 5]


def test_a_raised_cap_sends_what_waits(engine: Engine) -> None:
    queue(engine, 8)
    sink = Sink()
    send(engine, courier(sink))
    send(engine, courier(sink, replace(FIVE, first=7)), SLOT + timedelta(minutes=5))
    assert states(engine) == {"accepted": 7, "pending": 1}
    send(engine, courier(sink, None), SLOT + timedelta(minutes=6))
    assert states(engine) == {"accepted": 8}


def test_what_had_no_room_until_its_time_was_over_says_so(engine: Engine) -> None:
    queue(engine, 8)
    send(engine, courier(Sink()))
    assert not sweep(engine, now=SLOT + timedelta(minutes=5), warm_up=FIVE).total  # its time is not over: it waits
    late = SLOT.replace(hour=23)
    with writing(engine) as session:
        for row in post.deliveries(engine):
            row.expires_at = late
            session.merge(row)
    assert sweep(engine, now=late, warm_up=FIVE).as_plain() == {"skipped": 3}
    reasons = Counter((row.state, row.reason) for row in post.deliveries(engine) if row.state != "accepted")
    assert reasons == {("skipped", "the day's cap on a new sending address was reached"): 3}


def test_what_expired_for_another_cause_is_not_put_down_to_the_cap(engine: Engine) -> None:
    queue(engine, 3)
    sweep(engine, now=UNTIL + timedelta(days=1), warm_up=FIVE)
    assert {row.reason for row in post.deliveries(engine)} == {"the next issue is due"}


def test_mail_that_somebody_waits_for_is_never_held_back_and_counts(engine: Engine) -> None:
    queue(engine, 6)
    made = courier(Sink())
    send(engine, made)
    request_sign_in(engine, "ops@example.org", ["ops@example.org"], now=SLOT)
    send(engine, made)
    assert {row.state for row in post.deliveries(engine) if row.kind == "sign-in"} == {"accepted"}
    with reading(engine) as session:
        assert (
            warm_up_day(session, FIVE, SLOT).words == "6 of 5 mails today (UTC); 1 digests that are due wait for room"
        )


def test_a_retry_needs_no_room_of_its_own(engine: Engine) -> None:
    queue(engine, 6)
    with writing(engine) as session:
        first = claim(session, worker="w", now=SLOT, limit=5, room=5)
        for row in post.deliveries(engine):
            if row.id == first[0].id:
                row.state, row.attempts, row.sent_at, row.lease_until = "deferred", 1, SLOT, None
            elif row.id in {one.id for one in first}:
                row.state, row.attempts, row.sent_at, row.lease_until = "accepted", 1, SLOT, None
            session.merge(row)
    send(engine, courier(Sink()), SLOT + timedelta(hours=1))
    assert states(engine) == {"accepted": 5, "pending": 1}


def test_a_new_day_has_room_again_and_after_some_days_twice_as_much(engine: Engine) -> None:
    queue(engine, 6)
    send(engine, courier(Sink()))
    with reading(engine) as session:
        assert [warm_up_day(session, FIVE, SLOT + timedelta(days=n)).room for n in range(5)] == [0, 5, 10, 10, 20]


def test_workers_that_claim_at_once_share_one_room(engine: Engine) -> None:
    queue(engine, 30)
    got: list[int] = []
    ready = threading.Barrier(4)

    def work(worker: str) -> None:
        ready.wait()
        for _ in range(3):
            with writing(engine) as session:
                got.append(len(claim_two(session, worker)))

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 5


def test_the_days_mails_are_not_counted_anew_for_each_claim(engine: Engine) -> None:
    queue(engine, 12)
    counts: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.lower().startswith("select count("):
            counts.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    send(engine, courier(Sink()), chunk=1)
    send(engine, courier(Sink()), SLOT + timedelta(seconds=29))
    assert len(counts) == 1
    send(engine, courier(Sink(), None))
    assert len(counts) == 1  # without a cap nothing is counted
    event.remove(engine, "before_cursor_execute", note)


def test_what_was_given_back_has_its_room_again_after_half_a_minute(engine: Engine) -> None:
    queue(engine, 12)
    with writing(engine) as session:
        assert release(session, claim_two(session)) == 2
    later = [SLOT + timedelta(seconds=n) for n in (1, 2, 3, 31, 32)]
    got = []
    for at in later:
        with writing(engine) as session:
            got.append(len(claim_two(session, at=at)))
    assert got == [2, 1, 0, 2, 0]


def test_a_count_of_another_day_or_of_a_clock_ahead_is_not_used(engine: Engine) -> None:
    queue(engine, 12)
    for at in (SLOT, SLOT - timedelta(seconds=5)):
        send(engine, courier(Sink()), at)
        assert states(engine) == {"accepted": 5, "pending": 7}
    midnight = SLOT.replace(hour=0) + timedelta(days=1)
    with writing(engine) as session:
        for row in post.deliveries(engine):
            row.expires_at = midnight + timedelta(hours=1)
            if row.state == "accepted":
                row.sent_at = midnight - timedelta(seconds=2)
            session.merge(row)
    send(engine, courier(Sink()), midnight - timedelta(seconds=1))
    assert states(engine)["accepted"] == 5
    send(engine, courier(Sink()), midnight + timedelta(seconds=1))
    assert states(engine)["accepted"] == 10


def test_the_setting_is_read_or_refused_in_words() -> None:
    assert read_warm_up(" 500 from 2026-11-01  double every 2 days") == WarmUp(500, date(2026, 11, 1), 2)
    assert read_warm_up("") is None
    assert WarmUp(500, date(2026, 11, 1), 2).cap(date(2026, 10, 1)) == 500
    assert WarmUp(500, date(2026, 11, 1), 2).cap(date(2036, 11, 1)) is None
    for wrong in ("500", "0 from 2026-11-01 double every 2 days", "5 from 2026-13-01 double every 2 days"):
        with pytest.raises(ValueError, match=r"warm-up|no date"):
            read_warm_up(wrong)


def test_status_tells_todays_count(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    monkeypatch.setenv("DIGEST_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("DIGEST_WARM_UP", f"5 from {datetime.now().astimezone().date()} double every 2 days")
    shown = CliRunner().invoke(app, ["status"])
    assert "warm-up: 0 of 5 mails today (UTC)" in shown.output


def test_one_that_was_tried_is_not_hidden_behind_those_without_room(engine: Engine) -> None:
    queue(engine, 9)
    last = post.deliveries(engine)[-1]
    with writing(engine) as session:
        last.attempts, last.state = 1, "pending"
        session.merge(last)
        session.flush()
        claims = claim(session, worker="w", now=SLOT, limit=3, room=0)
    assert [one.id for one in claims] == [last.id]


def test_mail_that_somebody_waits_for_leaves_less_room_in_the_same_claim(engine: Engine) -> None:
    queue(engine, 9)
    for n in range(3):
        request_sign_in(engine, f"ops{n}@example.org", [f"ops{n}@example.org"], now=SLOT)
    with writing(engine) as session:
        claims = claim(session, worker="w", now=SLOT, limit=9, room=5)
    assert Counter(str(one.kind) for one in claims) == {"sign-in": 3, "digest": 2}


def test_digests_that_wait_for_room_are_late_nowhere(engine: Engine) -> None:
    queue(engine, 8)
    send(engine, courier(Sink()))
    later = SLOT + timedelta(hours=2)
    for warm_up, due in ((FIVE, None), (None, SLOT)):
        facts, vitals = gather(engine, Duties(last_cut_off=lambda _now: FROZEN_AT, warm_up=warm_up), later)
        assert facts.oldest_due["digest"] == vitals.oldest_due["digest"] == due
        age = 0.0 if due is None else 7200.0
        assert f'firstlight_oldest_due_seconds{{queue="digest"}} {age}' in exposition(vitals, ()).decode()
