"""The morning heals: whatever stopped it, whoever composed by hand, every slot of the day still gets its issue."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select, update

from digest.core.capture import Capture, Reading
from digest.core.delivery import DeliveryState
from digest.core.paper import Listing
from digest.core.plan import Task, Work
from digest.flows import morning
from digest.flows.deliver import deliver_due, materialise, sweep
from digest.flows.ingest import ingest_capture
from digest.flows.morning import freeze_and_materialise
from digest.flows.tick import due_work
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.tables import IssueCard, IssueRow
from tests import post
from tests.post import Sink, add_issue, add_reader, add_readers, at_clock

DAY = date(2026, 5, 20)
CUT_OFF = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)
COMPOSE = Work(Task.COMPOSE, issued_on=DAY)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def with_papers(engine: Engine, then: datetime = CUT_OFF - timedelta(hours=10)) -> None:
    listings = [
        Listing(source="pages", title=f"A study of {word} lattices", authors=(f"Ann {word}",), listed_on=then.date())
        for word in ("amber", "birch", "copper", "dune", "ember")
    ]
    origin = Reading(observed_at=then, origin="the test's own papers")
    ingest_capture(engine, "pages", "", Capture(listings=listings), origin, now=then)


def compose(engine: Engine, now: datetime, on: date = DAY) -> int:
    cut_off = CUT_OFF + timedelta(days=(on - DAY).days)
    return freeze_and_materialise(engine, on, cut_off=cut_off, now=now, size=50)


def composing(engine: Engine, now: datetime) -> bool:
    return COMPOSE in due_work(engine, [], cut_off=CUT_OFF, now=now)


def test_a_morning_that_comes_late_serves_the_slots_ahead_and_those_just_missed(engine: Engine) -> None:
    # checklist 85
    with_papers(engine)
    add_reader(engine, "early@example.test", hour=6)
    add_reader(engine, "noon@example.test", hour=12)
    add_reader(engine, "tokyo@example.test", timezone="Asia/Tokyo", hour=7)  # 22:00 UTC
    late = CUT_OFF + hours(13)
    assert composing(engine, late)
    assert compose(engine, late) == 2  # 06:00 was missed by more than twelve hours
    assert [row.due_at for row in post.deliveries(engine)] == [CUT_OFF + hours(16), CUT_OFF + hours(6)]
    assert not composing(engine, late)


def test_an_issue_composed_by_hand_before_its_cut_off_serves_the_whole_day(engine: Engine) -> None:
    with_papers(engine)
    add_reader(engine, "early@example.test", hour=5)
    add_reader(engine, "noon@example.test", hour=12)
    assert compose(engine, CUT_OFF - hours(2)) == 2
    assert [row.due_at for row in post.deliveries(engine)] == [CUT_OFF + hours(23), CUT_OFF + hours(6)]
    assert not composing(engine, CUT_OFF + hours(1))


def test_an_issue_composed_by_hand_for_a_day_long_past_is_mailed_to_nobody(engine: Engine) -> None:
    with_papers(engine)
    add_reader(engine, "noon@example.test", hour=12)
    assert compose(engine, CUT_OFF + timedelta(days=9)) == 0
    assert post.deliveries(engine) == []


def test_an_issue_composed_by_hand_for_tomorrow_does_not_cost_anybody_todays(engine: Engine) -> None:
    with_papers(engine, CUT_OFF - hours(40))
    add_reader(engine, "noon@example.test", hour=12)
    compose(engine, CUT_OFF - hours(30), on=DAY)
    compose(engine, CUT_OFF - hours(29), on=date(2026, 5, 19))
    on = {row.local_date for row in post.deliveries(engine)}
    assert on == {date(2026, 5, 19), DAY}


def test_a_process_killed_between_freezing_and_queueing_is_made_good_by_the_next_tick(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_papers(engine)
    add_reader(engine, "noon@example.test", hour=12)

    def killed(*_: object, **__: object) -> int:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(morning, "materialise", killed)
        with pytest.raises(SystemExit):
            compose(engine, CUT_OFF)
    assert post.deliveries(engine) == []
    assert composing(engine, CUT_OFF + hours(14))
    assert compose(engine, CUT_OFF + hours(5)) == 1
    assert compose(engine, CUT_OFF + hours(5)) == 0  # two ticks at once


def test_a_day_with_nothing_to_show_is_asked_for_until_there_is_something(engine: Engine) -> None:
    assert compose(engine, CUT_OFF) == 0
    assert composing(engine, CUT_OFF + hours(23))
    assert post.deliveries(engine) == []


def test_an_issue_that_nobody_gets_is_completed(engine: Engine) -> None:
    with_papers(engine)
    assert compose(engine, CUT_OFF) == 0
    assert Work(Task.SWEEP) in due_work(engine, [], cut_off=CUT_OFF, now=CUT_OFF)
    sweep(engine, now=CUT_OFF)
    # As on every day, whether there is an issue or not.
    assert due_work(engine, [], cut_off=CUT_OFF, now=CUT_OFF) == [Work(Task.PRUNE), Work(Task.RETAIN)]
    with reading(engine) as session:
        row = session.get(IssueRow, 1)
        assert row is not None
        assert row.state == "complete"


def test_a_slot_just_before_the_next_cut_off_still_gets_its_retries(engine: Engine) -> None:
    add_reader(engine, "kolkata@example.test", timezone="Asia/Kolkata", hour=9)  # 03:30 UTC, 30 minutes before
    issue = add_issue(engine)
    materialise(engine, issue, now=post.FROZEN_AT, until=post.UNTIL)
    (row,) = post.deliveries(engine)
    assert row.due_at == post.UNTIL - hours(0.5)
    assert row.expires_at == row.due_at + hours(6)
    # The next issue does not bring a second digest while that one still waits, wherever the reader has moved.
    with writing(engine) as session:
        reader = post.subscription(engine, row.subscriber_id or 0)
        reader.timezone, reader.hour = "Asia/Tokyo", 15  # 06:00 UTC, two and a half hours later
        session.add(reader)
    after = add_issue(engine, issued_on=date(2026, 5, 21), frozen_at=post.UNTIL, first=100)
    assert materialise(engine, after, now=post.UNTIL, until=post.UNTIL + timedelta(days=1)) == 0
    sink = Sink()
    clock = at_clock(post.UNTIL + hours(2))
    assert deliver_due(engine, post.courier(sink), worker="w", clock=clock)[DeliveryState.ACCEPTED] == 1


def test_an_issue_that_was_tampered_with_is_held_and_the_others_go_out(engine: Engine) -> None:
    from digest.flows.sign_in import request_sign_in

    add_readers(engine, ["a@example.test", "b@example.test"])
    issue = add_issue(engine)
    materialise(engine, issue, now=post.FROZEN_AT, until=post.UNTIL)
    with writing(engine) as session:
        cards = table_of(IssueCard)
        session.connection().execute(update(cards).where(cards.c.rank == 1).values(card={"title": "bought"}))
    request_sign_in(engine, "boss@example.test", ["boss@example.test"], now=CUT_OFF)
    sink = Sink()
    tally = deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(CUT_OFF))
    assert sink.recipients == ["boss@example.test"]
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 1, DeliveryState.PENDING: 2}
    assert "held" in tally.trouble
    with reading(engine) as session:
        row = session.get(IssueRow, issue)
        assert row is not None
        assert row.state == "held"


def test_an_issue_of_an_older_version_is_still_what_was_frozen(engine: Engine) -> None:
    """Cards gain fields as Firstlight grows; what lacks them was not tampered with."""
    from digest.core.issue import content_hash
    from digest.store.issues import load_issue

    issue = add_issue(engine, papers=1)
    cards, issues = table_of(IssueCard), table_of(IssueRow)
    with writing(engine) as session:
        card = load_issue(session, issue).cards[0].as_plain()
        del card["simulated"]
        session.connection().execute(update(cards).values(card=card))
        older = content_hash(date(2026, 5, 20), post.FROZEN_AT, "", [card])
        session.connection().execute(update(issues).values(content_hash=older))
    with reading(engine) as session:
        assert load_issue(session, issue).cards[0].simulated is False


def test_two_schedulers_at_the_same_moment_make_one_issue(engine: Engine) -> None:  # checklist 86
    with_papers(engine)
    add_readers(engine, [f"r{number}@example.test" for number in range(20)], hour=12)
    together = threading.Barrier(3)

    def tick() -> int:
        together.wait()
        return compose(engine, CUT_OFF + hours(1))

    with ThreadPoolExecutor(3) as schedulers:
        made = [one.result() for one in [schedulers.submit(tick) for _ in range(3)]]
    assert sum(made) == 20
    with reading(engine) as session:
        assert session.connection().execute(select(func.count()).select_from(IssueRow)).scalar_one() == 1
    assert len(post.deliveries(engine)) == 20
