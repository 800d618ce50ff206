"""Nothing is kept longer than it is needed, and nobody is forgotten too soon."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.networks import neighbourhood_of, network_of, shortened
from digest.core.plan import Task, Work
from digest.flows import retention
from digest.flows.invitations import invite
from digest.flows.retention import Forgotten, Terms, retain
from digest.flows.subscribe import confirm, request, unsubscribe
from digest.flows.tick import due_work
from digest.store.engine import reading, writing
from digest.store.tables import BounceEvent, Consent, Invitation, Subscriber
from tests import post
from tests.post import FROZEN_AT, TOKENS, Sink

NOW = FROZEN_AT
TERMS = Terms.in_days(30, 180, 90)
DAY = timedelta(days=1)


def ask(engine: Engine, address: str, at: datetime) -> None:
    request(engine, TOKENS, address, now=at, ip="192.0.2.77", source="site", special_use=True)


def left(engine: Engine) -> set[str]:
    with reading(engine) as session:
        return {address.partition("@")[0] for address in session.exec(select(Subscriber.address))}


def test_who_never_confirmed_or_left_long_ago_is_erased_and_nobody_else(engine: Engine) -> None:  # checklist 65
    ask(engine, "old@readers.test", NOW - 31 * DAY)
    ask(engine, "again@readers.test", NOW - 31 * DAY)
    ask(engine, "again@readers.test", NOW - 29 * DAY)
    ask(engine, "new@readers.test", NOW - 29 * DAY)
    kept = post.add_readers(engine, ["confirmed@readers.test", "paused@readers.test"])
    for name, days in (("gone", 181), ("going", 179)):
        (reader,) = post.add_readers(engine, [f"{name}@readers.test"])
        link = TOKENS.sign("unsubscribe", {"s": reader})
        unsubscribe(engine, TOKENS, link, now=NOW - days * DAY, ip="", source="site")
    assert len(kept) == 2
    due = retention.due(engine, TERMS, now=NOW)
    assert (due.never_confirmed, due.unsubscribed) == (1, 1)
    assert len(left(engine)) == 7
    done = retain(engine, TOKENS, TERMS, now=NOW)
    assert (done.never_confirmed, done.unsubscribed) == (1, 1)
    assert left(engine) == {"again", "new", "confirmed", "paused", "going"}
    assert retention.due(engine, TERMS, now=NOW) == Forgotten()
    assert {(row.kind, row.state, row.subscriber_id) for row in post.deliveries(engine, subscriber_id=None)} == {
        ("confirmation", "skipped", None)
    }


def test_ip_addresses_are_shortened_once_and_recent_ones_stay(engine: Engine) -> None:  # checklist 65
    (reader,) = post.add_readers(engine, ["ann@readers.test"])
    ips = ["192.0.2.77", "2001:db8:1:2::3", "testclient", ""]
    with writing(engine) as session:
        for ip in ips:
            for days in (91, 89):
                session.add(Consent(subscriber_id=reader, action="request", at=NOW - days * DAY, ip=ip))
    assert retain(engine, TOKENS, TERMS, now=NOW).addresses == 3
    assert retain(engine, TOKENS, TERMS, now=NOW).addresses == 0
    with reading(engine) as session:
        found = session.exec(select(Consent).order_by(Consent.id)).all()
    assert [row.ip for row in found[::2]] == ["192.0.2.0/24", "2001:db8:1::/48", "", ""]
    assert [row.ip for row in found[1::2]] == ips


def test_what_came_back_about_nobody_loses_its_words_and_invitations_their_rows(engine: Engine) -> None:
    (reader,) = post.add_readers(engine, ["ann@readers.test"])
    invite(engine, count=2, lasts=DAY, uses=1, now=NOW - 40 * DAY)
    invite(engine, count=1, lasts=DAY, uses=1, now=NOW - 2 * DAY)
    with writing(engine) as session:
        for number, (whose, days) in enumerate([(reader, 31), (None, 31), (None, 29), (999, 31)]):
            fields = {"recipient": "x@y.test", "reason": "no x@y.test here", "subscriber_id": whose}
            at = NOW - days * DAY
            session.add(BounceEvent(event_key=str(number), kind="hard", action="none", received_at=at, **fields))
    assert retain(engine, TOKENS, TERMS, now=NOW).other == 4
    with reading(engine) as session:
        events = session.exec(select(BounceEvent).order_by(BounceEvent.id)).all()
        assert len(session.exec(select(Invitation)).all()) == 1
    assert [bool(row.recipient or row.reason) for row in events] == [True, False, True, False]


def test_many_are_erased_in_small_transactions_and_a_later_run_goes_on(sqlite_engine: Engine) -> None:
    old = [f"r{number}@readers.test" for number in range(450)]
    post.add_readers(sqlite_engine, old, state="unsubscribed", unsubscribed_at=NOW - 200 * DAY)
    steps: list[int] = []
    assert retain(sqlite_engine, TOKENS, TERMS, now=NOW, most=250, progress=steps.append).unsubscribed == 250
    assert steps[:2] == [200, 50]
    assert retain(sqlite_engine, TOKENS, TERMS, now=NOW).unsubscribed == 200
    assert left(sqlite_engine) == set()


def test_who_confirms_at_the_last_moment_is_not_erased(engine: Engine) -> None:
    """Twenty readers press the button of a fresh link while a run looks through the old requests."""
    for number in range(20):
        ask(engine, f"r{number}@readers.test", NOW - 31 * DAY)
    links = [
        TOKENS.sign("confirm", {"s": row.subscriber_id or 0, "d": row.id or 0}, at=NOW - DAY)
        for row in post.deliveries(engine, kind="confirmation")
    ]
    confirmed: list[int] = []

    def press() -> None:
        for link in links:
            try:
                confirmed.append(confirm(engine, TOKENS, link, now=NOW, ip="").subscriber_id)
            except Exception:  # noqa: BLE001  # erased before, or chosen by the database to give way
                continue

    pressing = threading.Thread(target=press)
    pressing.start()
    retain(engine, TOKENS, TERMS, now=NOW)
    pressing.join(60)
    with reading(engine) as session:
        still = set(session.exec(select(Subscriber.id)))
    assert set(confirmed) == still


def test_a_tick_does_it_every_six_hours(engine: Engine) -> None:
    def asked(hours: float) -> bool:
        return Work(Task.RETAIN) in due_work(engine, [], cut_off=NOW, now=NOW + timedelta(hours=hours))

    assert asked(0)
    retain(engine, TOKENS, TERMS, now=NOW)
    assert not asked(5.9)
    assert asked(6.1)


@pytest.mark.parametrize(
    ("ip", "network", "around", "kept"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8:1:2:3::6", "2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8:1::/48"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.0/24", "192.0.2.0/24"),
        ("testclient", "unknown", "unknown", ""),
    ],
)
def test_networks_are_named_narrow_and_wide(ip: str, network: str, around: str, kept: str) -> None:
    # checklist 48
    assert (network_of(ip), neighbourhood_of(ip), shortened(ip)) == (network, around, kept)


def test_a_pending_request_is_not_mailed_after_it_was_forgotten(sqlite_engine: Engine) -> None:
    from digest.flows.deliver import deliver_due

    ask(sqlite_engine, "old@readers.test", NOW - 31 * DAY)
    retain(sqlite_engine, TOKENS, TERMS, now=NOW)
    sink = Sink()
    deliver_due(sqlite_engine, post.courier(sink), worker="w", clock=post.at_clock(NOW))
    assert sink.sent == []
