"""Leaving while a worker commits its intents: both come through, in one order or the other."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text, update

from digest.core.delivery import DeliveryState
from digest.core.subscription import SubscriptionState
from digest.flows.deliver import materialise
from digest.store.batches import Intent, Look, intend_all, look_again
from digest.store.deliveries import claim
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.tables import Subscription
from tests import post
from tests.faults import stage
from tests.faults.children import wait_for
from tests.post import FROZEN_AT, UNTIL

SLOT = FROZEN_AT + timedelta(hours=2)
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_who_leaves_while_intents_are_committed_waits_and_is_not_turned_away(engine: Engine) -> None:  # checklist 60
    reader = post.add_reader(engine, "ann@example.test")
    materialise(engine, post.add_issue(engine), now=FROZEN_AT, until=UNTIL)
    with writing(engine) as session:
        (claimed,) = claim(session, worker="w", now=SLOT, limit=1)
    failed: list[Exception] = []

    def leave() -> None:
        try:
            stage.leave(engine, reader, SLOT)
        except Exception as error:  # noqa: BLE001  # it is the test's to judge
            failed.append(error)

    leaving = threading.Thread(target=leave)
    with writing(engine) as session:
        assert look_again(session, [claimed])
        leaving.start()
        wait_for(lambda: _waiting(engine))
        assert intend_all(session, [Intent(claimed, "<1@example.test>", [1])], SLOT) == {claimed.id}
    leaving.join(30)
    assert failed == []
    assert post.subscription(engine, reader).state == "unsubscribed"
    assert post.deliveries(engine)[0].state == DeliveryState.SENDING


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_who_is_leaving_when_somebody_looks_again_is_seen_to_have_left(engine: Engine) -> None:
    reader = post.add_reader(engine, "ann@example.test")
    materialise(engine, post.add_issue(engine), now=FROZEN_AT, until=UNTIL)
    with writing(engine) as session:
        claims = claim(session, worker="w", now=SLOT, limit=1)
    seen: list[Look] = []

    def look() -> None:
        with writing(engine) as session:
            seen.extend(look_again(session, claims).values())

    looking = threading.Thread(target=look)
    with writing(engine) as session:
        leaving = update(table_of(Subscription)).values(state=SubscriptionState.UNSUBSCRIBED)
        session.connection().execute(leaving.where(table_of(Subscription).c.subscriber_id == reader))
        looking.start()
        wait_for(lambda: _waiting(engine))
    looking.join(30)
    assert [one.subscription for one in seen] == [SubscriptionState.UNSUBSCRIBED]


def _waiting(engine: Engine) -> bool:
    with reading(engine) as session:
        return bool(session.connection().scalar(text(_WAITING)))
