"""What SQL says of the audience is what the core says."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from digest.core.delivery import DeliveryState
from digest.core.subscription import SubscriptionState, may_receive
from digest.flows.audience import materialise, resend_unknown
from digest.store.audience import ANY_WEEKDAY, SlotGroup, slot_groups
from digest.store.batches import Intent, Outcome, intend_all, move_all
from digest.store.deliveries import Claim, claim, release
from digest.store.engine import reading, writing
from digest.store.tables import Delivery
from tests import post
from tests.post import FROZEN_AT, UNTIL, add_issue, add_reader, add_readers

SLOT = FROZEN_AT + timedelta(hours=2)


@pytest.mark.parametrize("immediately", [False, True], ids=["at-their-hour", "at-once"])
def test_the_database_and_the_core_agree_on_who_may_receive(engine: Engine, immediately: bool) -> None:
    pauses = [None, date(2026, 5, 19), date(2026, 5, 20), date(2026, 5, 21)]
    cases = [(state, until) for state in SubscriptionState for until in pauses]
    expected = set()
    for place, (state, until) in enumerate(cases):
        reader = add_reader(engine, f"r{place}@example.test", state=state.value, paused_until=until)
        if may_receive(state, until, date(2026, 5, 20)):
            expected.add(reader)
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL, immediately=immediately)
    assert {row.subscriber_id for row in post.deliveries(engine)} == expected
    assert len(expected) == 5


def test_groups_are_what_readers_share(engine: Engine) -> None:
    add_readers(engine, ["a@example.test", "b@example.test"], timezone="Asia/Tokyo")
    add_reader(engine, "c@example.test", cadence="weekly", weekday=3)
    add_reader(engine, "d@example.test", state="unsubscribed", hour=1)
    with reading(engine) as session:
        assert slot_groups(session) == [
            SlotGroup("Asia/Tokyo", 6, "daily", ANY_WEEKDAY),
            SlotGroup("UTC", 6, "weekly", 3),
        ]


def moved(session: Session, claimed: Claim, to: DeliveryState, *, sent: bool) -> set[int]:
    return move_all(session, [Outcome(claimed, "", "")], to, SLOT, sent=sent)


def test_a_fence_that_has_risen_turns_every_write_away(engine: Engine) -> None:  # checklist 87
    add_reader(engine, "a@example.test")
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    with writing(engine) as session:
        (stale,) = claim(session, worker="old", now=SLOT, limit=5)
    with writing(engine) as session:
        assert release(session, [stale]) == 1
    with writing(engine) as session:
        (fresh,) = claim(session, worker="new", now=SLOT, limit=5)
    assert fresh.fence == stale.fence + 1
    with writing(engine) as session:
        assert release(session, [stale]) == 0
        assert intend_all(session, [Intent(stale, "<a@b>", [])], SLOT) == set()
        assert not moved(session, stale, DeliveryState.SKIPPED, sent=False)
        assert intend_all(session, [Intent(fresh, "<a@b>", [1])], SLOT) == {fresh.id}
        assert not moved(session, stale, DeliveryState.ACCEPTED, sent=True)
        assert not moved(session, fresh, DeliveryState.SKIPPED, sent=False)
        assert moved(session, fresh, DeliveryState.UNKNOWN, sent=True)
    assert resend_unknown(engine, [fresh.id], now=UNTIL) == 0  # its time is over
    assert resend_unknown(engine, [fresh.id], now=SLOT) == 1
    with writing(engine) as session:
        assert not moved(session, fresh, DeliveryState.ACCEPTED, sent=True)


@pytest.mark.parametrize("again", [{"issue_id": 1}, {"local_date": date(2026, 5, 20)}])
def test_the_database_itself_refuses_a_second_digest(engine: Engine, again: dict[str, object]) -> None:  # checklist 82
    add_reader(engine, "a@example.test")
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    row = {"kind": "digest", "state": "pending", "subscriber_id": 1, "due_at": SLOT, "expires_at": UNTIL}
    with pytest.raises(IntegrityError), writing(engine) as session:
        session.add(Delivery(**row, created_at=SLOT, **again))


def test_claims_take_the_oldest_first_and_no_more_than_asked(engine: Engine) -> None:
    for hour in (8, 5, 7, 6):
        add_reader(engine, f"h{hour}@example.test", hour=hour)
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    noon = datetime.combine(FROZEN_AT.date(), datetime.min.time(), FROZEN_AT.tzinfo) + timedelta(hours=12)
    with writing(engine) as session:
        first = claim(session, worker="w", now=noon, limit=3)
    assert [claimed.due_at.hour for claimed in first] == [5, 6, 7]
