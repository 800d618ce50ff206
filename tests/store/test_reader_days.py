"""Who came and who left: counted on both databases as a plain replay does, and kept when readers are forgotten."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.growth import Came, GrowthDay, course
from digest.core.subscription import ConsentAction, SubscriptionState
from digest.flows.retention import Terms, retain
from digest.store.engine import reading, writing
from digest.store.growth import came, growth, keep_days, kept_days
from digest.store.subscribers import Evidence, apply_consent, record_consent, suppress
from tests.conftest import NOW
from tests.post import TOKENS, add_reader

TODAY = NOW.date()
DAYS = 20


def act(session: Session, reader: int, action: ConsentAction, at: datetime) -> None:
    """Do what a reader does, on record."""
    apply_consent(session, reader, action, Evidence(at=at, ip="", source="test"))


def lives(engine: Engine, seed: int) -> dict[date, tuple[int, int, int]]:
    """Let readers come and go at random; return for each day who confirmed, left, and was a reader at its end."""
    dice = random.Random(seed)
    events = []
    for number in range(30):
        reader = add_reader(engine, f"r{number}@readers.test", state="pending", confirmed_at=None)
        minutes = sorted(dice.sample(range(DAYS * 24 * 60), dice.randint(1, 6)))
        events += [(NOW - timedelta(days=DAYS) + timedelta(minutes=one), reader) for one in minutes]
    states = {reader: SubscriptionState.PENDING for _, reader in events}
    told: dict[date, list[int]] = {}
    for at, reader in sorted(events):
        state = states[reader]
        if state is SubscriptionState.UNSUBSCRIBED:
            with writing(engine) as session:
                record_consent(session, reader, ConsentAction.REQUEST, Evidence(at=at, ip="", source="test"))
                session.connection().exec_driver_sql(
                    f"UPDATE subscription SET state = 'pending' WHERE subscriber_id = {reader}"
                )
            states[reader] = SubscriptionState.PENDING
            continue
        action = ConsentAction.CONFIRM if state is SubscriptionState.PENDING else ConsentAction.UNSUBSCRIBE
        if dice.random() < 0.25:
            action = ConsentAction.UNSUBSCRIBE
        with writing(engine) as session:
            act(session, reader, action, at)
        day = told.setdefault(at.astimezone(UTC).date(), [0, 0])
        if action is ConsentAction.CONFIRM:
            day[0] += 1
            states[reader] = SubscriptionState.CONFIRMED
        else:
            day[1] += state is SubscriptionState.CONFIRMED
            states[reader] = SubscriptionState.UNSUBSCRIBED
    readers, found = 0, {}
    for back in range(DAYS, -1, -1):
        day_ = TODAY - timedelta(days=back)
        confirmed, departed = told.get(day_, [0, 0])
        readers += confirmed - departed
        found[day_] = (confirmed, departed, readers)
    return found


def test_days_are_counted_as_a_plain_replay_counts_them(engine: Engine) -> None:
    expected = lives(engine, 7)
    with writing(engine) as session:
        suppress(session, "x@readers.test", ["a hash"], "hard", datetime.combine(TODAY, time(0, 0), UTC))
        suppress(session, "y@readers.test", ["another"], "hard", datetime.combine(TODAY, time(0, 0), UTC) - _MOMENT)
    with reading(engine) as session:
        days = growth(session, TODAY, DAYS + 1)
    assert {one.day: (one.came.confirmed, one.came.departed, one.readers) for one in days} == expected
    assert sum(one.came.departed for one in days) > 3
    assert [one.came.suppressed for one in days][-3:] == [0, 1, 1]


_MOMENT = timedelta(microseconds=1)


def test_days_that_are_over_outlive_the_readers_that_made_them(engine: Engine) -> None:
    expected = lives(engine, 8)
    terms = Terms.in_days(pending=30, unsubscribed=1, ip=30)
    later = NOW + timedelta(days=3)
    retain(engine, TOKENS, terms, now=later)
    with reading(engine) as session:
        left = sum(one.departed for one in came(session, TODAY - timedelta(days=DAYS), TODAY).values())
        assert left < sum(one[1] for one in expected.values()), "nobody is forgotten, and this test shows nothing"
        days = growth(session, later.date(), DAYS + 4)
    assert {one.day: (one.came.confirmed, one.came.departed, one.readers) for one in days[:-3]} == expected
    with writing(engine) as session:
        assert keep_days(session, later.date()) == 0
        assert keep_days(session, later.date() + timedelta(days=2)) == 2
    with reading(engine) as session:
        assert max(kept_days(session, TODAY)) == later.date() + timedelta(days=1)


def test_a_kept_day_speaks_for_itself_and_the_days_before_it() -> None:
    first, second, third = (date(2026, 5, day) for day in (1, 2, 3))
    kept = {second: GrowthDay(second, Came(5, 1, 0), 40)}
    days = course(first, third, {first: Came(9, 9, 9), third: Came(1, 0, 0)}, kept, 42)
    assert [(one.readers, one.came.confirmed) for one in days] == [(36, 9), (40, 5), (42, 1)]
