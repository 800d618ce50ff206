"""From the form to consent and out again, without telling a stranger anything."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, event
from sqlmodel import select

from digest.core.delivery import DeliveryState
from digest.core.subscription import SubscriptionState
from digest.errors import AddressRefused, NotFound, PreferencesRefused, TokenInvalid, TokenSpent
from digest.flows.deliver import deliver_due, materialise
from digest.flows.subscribe import change_preferences, confirm, preferences_of, request, unsubscribe
from digest.store.engine import reading, writing
from digest.store.subscribers import lift, suppress
from digest.store.tables import Consent, Subscriber
from tests import post
from tests.post import FROZEN_AT, TOKENS, UNTIL, Sink, add_issue, add_reader, at_clock

NOW = FROZEN_AT + timedelta(hours=1)
ANN = "ann@example.test"


def ask(engine: Engine, address: str = ANN, at: object = NOW, **more: object) -> None:
    request(engine, TOKENS, address, now=at, ip="192.0.2.1", source="home page", special_use=True, **more)


def mailed_token(engine: Engine, at: object = NOW, address: str = ANN) -> str:
    sink = Sink()
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(at))
    return post.link_in(sink.message_to(address), "/confirm")


def consents(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as session:
        return [(row.action, row.source) for row in session.exec(select(Consent).order_by(Consent.id))]


def test_a_request_queues_one_confirmation_and_no_digest_comes_before_it(engine: Engine) -> None:  # checklist 52, 62
    ask(engine, timezone="Europe/Berlin", categories=["cs.LG"])
    (row,) = post.deliveries(engine)
    assert (row.kind, row.state, row.local_date) == ("confirmation", "pending", NOW.date())
    found = post.subscription(engine, row.subscriber_id)
    assert (found.state, found.timezone, found.categories) == ("pending", "Europe/Berlin", ["cs.LG"])
    assert consents(engine) == [("request", "home page")]
    assert materialise(engine, add_issue(engine), now=NOW, until=UNTIL, immediately=True) == 0


def test_confirming_works_once_and_welcomes_with_the_newest_issue(engine: Engine) -> None:  # checklist 55
    issue = add_issue(engine)
    ask(engine)
    token = mailed_token(engine)
    later = NOW + timedelta(minutes=5)
    done = confirm(engine, TOKENS, token, now=later, ip="192.0.2.1")
    assert (done.address, done.welcomed) == (ANN, True)
    assert post.subscription(engine, done.subscriber_id).confirmed_at == later
    with pytest.raises(TokenSpent):
        confirm(engine, TOKENS, token, now=later, ip="192.0.2.1")
    sink = Sink()
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(later))
    assert "Subject: Welcome: Paper 1" in sink.message_to(ANN)
    (welcome,) = post.deliveries(engine, kind="welcome")
    assert (welcome.state, welcome.issue_id, welcome.paper_ids) == ("accepted", issue, list(range(1, 11)))
    # The welcome stands in for this issue's digest, and its papers count as sent.
    assert materialise(engine, issue, now=later, until=UNTIL) == 0
    tomorrow = add_issue(engine, issued_on=date(2026, 5, 21), frozen_at=UNTIL, papers=12)
    assert materialise(engine, tomorrow, now=UNTIL, until=UNTIL + timedelta(days=1)) == 1
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(UNTIL + timedelta(hours=5)))
    assert post.deliveries(engine, kind="digest")[0].paper_ids == [11, 12]


def test_another_spelling_of_a_used_link_is_used_too(engine: Engine) -> None:
    ask(engine)
    token = mailed_token(engine)
    confirm(engine, TOKENS, token, now=NOW, ip="")
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        with pytest.raises(TokenInvalid):
            confirm(engine, TOKENS, token[:-1] + last, now=NOW, ip="")


def test_a_confirmation_expires_after_three_days(engine: Engine) -> None:
    ask(engine)
    token = mailed_token(engine)
    with pytest.raises(TokenInvalid, match="expired"):
        confirm(engine, TOKENS, token, now=NOW + timedelta(days=3, minutes=1), ip="")
    assert post.subscription(engine, 1).state == "pending"


def test_two_confirmations_at_the_same_moment_confirm_once(engine: Engine) -> None:
    ask(engine)
    token = mailed_token(engine)
    outcomes: list[object] = []

    def press() -> None:
        try:
            outcomes.append(confirm(engine, TOKENS, token, now=NOW, ip=""))
        except TokenSpent as spent:
            outcomes.append(spent)

    threads = [threading.Thread(target=press) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 5
    assert sum(isinstance(outcome, TokenSpent) for outcome in outcomes) == 4
    assert consents(engine) == [("request", "home page"), ("confirm", "confirmation mail")]


def test_an_address_gets_one_confirmation_a_day(engine: Engine) -> None:  # checklist 49
    for minutes in range(3):
        ask(engine, " ANN@Example.TEST" if minutes else ANN, at=NOW + timedelta(minutes=minutes))
    assert len(post.deliveries(engine)) == 1
    assert len(consents(engine)) == 1
    ask(engine, at=NOW + timedelta(days=1))
    assert len(post.deliveries(engine)) == 2


def test_requests_at_the_same_moment_make_one_subscriber_and_one_mail(engine: Engine) -> None:
    failures: list[BaseException] = []

    def press() -> None:
        try:
            ask(engine)
        except BaseException as error:  # noqa: BLE001  # shown below
            failures.append(error)

    threads = [threading.Thread(target=press) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(post.deliveries(engine)) == 1


def test_a_stranger_learns_nothing_from_what_the_database_is_asked(engine: Engine) -> None:  # checklist 47
    add_reader(engine, "confirmed@example.test")
    add_reader(engine, "gone@example.test", state="unsubscribed")
    add_reader(engine, "pending@example.test", state="pending")
    with writing(engine) as session:
        suppress(session, "banned@example.test", TOKENS.address_hashes("banned@example.test"), "complaint", NOW)
    asked: list[list[str]] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_: asked[-1].append(statement))
    for address in ("unknown", "confirmed", "gone", "pending", "banned"):
        asked.append([])
        assert ask(engine, f"{address}@example.test") is None
    first = [statement.split("(")[0] for statement in asked[0]]
    assert all([statement.split("(")[0] for statement in one] == first for one in asked)
    with reading(engine) as session:
        mailed = {
            session.get(Subscriber, row.subscriber_id).address for row in post.deliveries(engine, kind="confirmation")
        }
        stored = set(session.exec(select(Subscriber.address)))
    assert mailed == {"unknown@example.test", "gone@example.test", "pending@example.test"}
    assert "banned@example.test" not in stored


def test_a_confirmed_reader_keeps_their_choices_when_somebody_types_their_address(engine: Engine) -> None:
    reader = add_reader(engine, ANN, categories=["hep-th"], timezone="Asia/Tokyo")
    ask(engine, "ANN@example.test", categories=["cs.LG"])
    found = post.subscription(engine, reader)
    assert (found.state, found.categories, found.timezone) == ("confirmed", ["hep-th"], "Asia/Tokyo")
    with reading(engine) as session:
        assert session.get(Subscriber, reader).address == ANN


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@example",
        "a b@example.com",
        "ann@exa mple.com",
        "ann@example.com\nBcc: x@y.z",
        "Ann <ann@example.com>",
        "x" * 250 + "@example.com",
        "ann@[127.0.0.1]",
        "ann@localhost",
        "ann@example.test",
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(sqlite_engine: Engine, address: str) -> None:
    with pytest.raises(AddressRefused):
        request(sqlite_engine, TOKENS, address, now=NOW, ip="", source="")
    assert post.deliveries(sqlite_engine) == []


def test_unsubscribing_is_idempotent_and_never_expires(engine: Engine) -> None:  # checklist 58, 60
    reader = add_reader(engine, ANN)
    materialise(engine, add_issue(engine), now=NOW, until=UNTIL)
    token = TOKENS.sign("unsubscribe", {"s": reader})
    for days in (0, 1, 4000):
        unsubscribe(engine, TOKENS, token, now=NOW + timedelta(days=days), ip="192.0.2.1", source="one-click")
    assert post.subscription(engine, reader).state == "unsubscribed"
    assert post.subscription(engine, reader).unsubscribed_at == NOW
    assert consents(engine) == [("unsubscribe", "one-click")]
    (row,) = post.deliveries(engine)
    assert (row.state, row.reason) == ("skipped", "the reader is not subscribed any more")
    unsubscribe(engine, TOKENS, TOKENS.sign("unsubscribe", {"s": 99_999}), now=NOW, ip="", source="")
    with pytest.raises(TokenInvalid):
        unsubscribe(engine, TOKENS, TOKENS.sign("preferences", {"s": reader}), now=NOW, ip="", source="")


def test_who_left_may_come_back_by_a_new_consent_only(engine: Engine) -> None:
    ask(engine)
    old = mailed_token(engine)
    unsubscribe(engine, TOKENS, TOKENS.sign("unsubscribe", {"s": 1}), now=NOW + timedelta(hours=1), ip="", source="")
    with pytest.raises(TokenInvalid, match="withdrawn"):
        confirm(engine, TOKENS, old, now=NOW + timedelta(hours=2), ip="")
    tomorrow = NOW + timedelta(days=1)
    ask(engine, at=tomorrow)
    assert post.subscription(engine, 1).state == "pending"
    with pytest.raises(TokenInvalid, match="withdrawn"):
        confirm(engine, TOKENS, old, now=tomorrow, ip="")
    confirm(engine, TOKENS, mailed_token(engine, tomorrow), now=tomorrow, ip="")
    assert post.subscription(engine, 1).state == "confirmed"


def test_a_confirmation_that_is_no_longer_wanted_is_not_sent(engine: Engine) -> None:
    ask(engine)
    token = TOKENS.sign("confirm", {"s": 1, "d": 1}, at=NOW)
    confirm(engine, TOKENS, token, now=NOW, ip="")
    sink = Sink()
    tally = deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(NOW))
    assert dict(tally.counts) == {DeliveryState.SKIPPED: 1}
    assert sink.sent == []


def test_a_lifted_ban_lets_a_reader_ask_again(engine: Engine) -> None:
    hashes = TOKENS.address_hashes(ANN)
    with writing(engine) as session:
        assert suppress(session, ANN, hashes, "bounce", NOW)
        assert not suppress(session, ANN, hashes, "bounce", NOW)
    ask(engine)
    assert post.deliveries(engine) == []
    with writing(engine) as session:
        assert lift(session, hashes)
        assert not lift(session, hashes)
    ask(engine)
    assert len(post.deliveries(engine)) == 1


def test_preferences_are_shown_and_changed_by_a_link(engine: Engine) -> None:
    reader = add_reader(engine, ANN)
    token = TOKENS.sign("preferences", {"s": reader})
    before = preferences_of(engine, TOKENS, token, now=NOW)
    assert (before.address, before.state, before.choices.hour) == (ANN, SubscriptionState.CONFIRMED, 6)
    after = change_preferences(
        engine, TOKENS, token, now=NOW, categories=["cs.LG", "hep-th", "cs.LG", "cond-mat.mes-hall"], paper_count=30,
        hour=23, timezone="Asia/Kathmandu", cadence="weekly", weekday=6, last_cut_off=NOW,
    )  # fmt: skip
    assert after == preferences_of(engine, TOKENS, token, now=NOW)
    assert after.choices.categories == ("cs.LG", "hep-th", "cond-mat.mes-hall")
    assert post.subscription(engine, reader).weekday == 6
    with pytest.raises(NotFound):
        preferences_of(engine, TOKENS, TOKENS.sign("preferences", {"s": 99}), now=NOW)
    with pytest.raises(TokenInvalid):
        preferences_of(engine, TOKENS, TOKENS.sign("unsubscribe", {"s": reader}), now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [{"paper_count": 4}, {"paper_count": 31}, {"hour": 24}, {"hour": -1}, {"timezone": "Mars/Olympus"}, {"weekday": 7},
     {"cadence": "hourly"}, {"categories": ["<script>"]}, {"categories": ["cs.LG; DROP"]},
     {"categories": [f"cs.A{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"]}],
)  # fmt: skip
def test_choices_out_of_range_are_refused_and_change_nothing(sqlite_engine: Engine, wrong: dict[str, object]) -> None:
    reader = add_reader(sqlite_engine, ANN)
    token = TOKENS.sign("preferences", {"s": reader})
    before = preferences_of(sqlite_engine, TOKENS, token, now=NOW)
    good: dict[str, object] = {"categories": [], "paper_count": 10, "hour": 8, "timezone": "UTC", "last_cut_off": NOW}
    with pytest.raises(PreferencesRefused):
        change_preferences(sqlite_engine, TOKENS, token, now=NOW, **(good | wrong))
    assert preferences_of(sqlite_engine, TOKENS, token, now=NOW) == before


def test_an_erased_readers_links_never_act_for_another(engine: Engine) -> None:
    from sqlmodel import delete

    from digest.store.tables import Subscription

    erased = add_reader(engine, ANN)
    with writing(engine) as session:
        session.exec(delete(Subscription))
        session.exec(delete(Subscriber))
    assert add_reader(engine, "other@example.test") > erased
