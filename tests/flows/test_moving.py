"""A change of address: confirmed there, told here, undone by whoever did not ask; and a stranger learns nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event
from sqlmodel import SQLModel, select

from digest.core.bounce import BounceAction, ReportKind
from digest.core.delivery import DeliveryKind
from digest.core.sign_up import SignUp, SignUpMode
from digest.core.subscription import SubscriptionState
from digest.core.tailor import Edition
from digest.errors import AddressRefused, NotFound, SignUpRefused, TokenInvalid, TokenSpent
from digest.flows.audience import materialise
from digest.flows.bounce import receive
from digest.flows.deliver import deliver_due
from digest.flows.feedback import saved
from digest.flows.letters import reader_letter
from digest.flows.moving import OBJECT_WITHIN, Moved, ask_to_move, confirm_move, object_to_move
from digest.flows.preferences import preferences_of
from digest.flows.rights import erase_own, export_own, standing_of
from digest.flows.subscribe import request, unsubscribe
from digest.mail.verp import verp_address
from digest.store.addressees import Reader as Addressee
from digest.store.choices import link_generation
from digest.store.deliveries import Claim
from digest.store.engine import open_engine, reading, writing
from digest.store.subscribers import suppress, suppressed
from digest.store.tables import AddressChange, BounceEvent, Consent, Subscriber
from tests import post
from tests.mail.returned import dsn, failed
from tests.post import FROZEN_AT, SENDER, TOKENS, UNTIL, Sink, add_issue, add_reader, at_clock

NOW = FROZEN_AT + timedelta(hours=2)
DAY = timedelta(days=1)
OLD, NEW = "ann@old.test", "ann@new.test"


def ask(engine: Engine, reader: int, address: str = NEW, at: object = NOW) -> None:
    ask_to_move(engine, TOKENS, reader, address, now=at, ip="192.0.2.7", special_use=True)


def mailed(engine: Engine, address: str, path: str, at: object = NOW) -> str:
    sink = Sink()
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(at))
    assert {*sink.recipients} == {address}
    return post.link_in(sink.message_to(address), path)


def move(engine: Engine, reader: int, at: object = NOW) -> Moved:
    ask(engine, reader, at=at)
    return confirm_move(engine, TOKENS, mailed(engine, NEW, "/new-address", at), now=at, ip="192.0.2.8")


def address_of(engine: Engine, reader: int) -> str:
    with reading(engine) as session:
        found = session.get(Subscriber, reader)
        assert found is not None
        return found.address


def test_a_reader_moves_with_everything_and_the_old_address_is_told(engine: Engine) -> None:  # checklist 62
    reader = add_reader(engine, OLD, categories=["cs.LG"], paper_count=21)
    ask(engine, reader)
    assert address_of(engine, reader) == OLD
    link = mailed(engine, NEW, "/new-address")
    assert confirm_move(engine, TOKENS, link, now=NOW, ip="192.0.2.8") is Moved.MOVED
    assert address_of(engine, reader) == NEW
    found = post.subscription(engine, reader)
    assert (found.state, found.categories, found.paper_count) == ("confirmed", ["cs.LG"], 21)
    with reading(engine) as session:
        (told,) = session.exec(select(Consent)).all()
    assert (told.action, told.source, told.ip) == ("change address", "link mailed to the new address", "192.0.2.8")
    with pytest.raises(TokenSpent):
        confirm_move(engine, TOKENS, link, now=NOW, ip="")
    assert mailed(engine, OLD, "/old-address")
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    sink = Sink()
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(NOW + timedelta(hours=1)))
    assert sink.recipients == [NEW]


def test_the_old_address_undoes_it_once_and_nobody_asks_again_for_a_month(engine: Engine) -> None:
    reader = add_reader(engine, OLD)
    move(engine, reader)
    link = mailed(engine, OLD, "/old-address")
    object_to_move(engine, TOKENS, link, now=NOW + 5 * DAY, ip="192.0.2.9")
    assert address_of(engine, reader) == OLD
    with pytest.raises(TokenSpent):
        object_to_move(engine, TOKENS, link, now=NOW + 5 * DAY, ip="")
    ask(engine, reader, "other@new.test", NOW + 34 * DAY)
    assert len(post.deliveries(engine, kind="new address")) == 1
    ask(engine, reader, "other@new.test", NOW + 36 * DAY)
    assert len(post.deliveries(engine, kind="new address")) == 2


def test_links_mailed_to_an_address_lead_nowhere_once_the_digest_has_left_it(engine: Engine) -> None:  # checklist 56
    reader = add_reader(engine, OLD)
    at = NOW + timedelta(minutes=1)

    def newest_link(address: str) -> str:
        """The preferences link of a digest as it would be mailed now."""
        with reading(engine) as session:
            generation = link_generation(session, reader) or 0
        claimed = Claim(1, DeliveryKind.DIGEST, 1, reader, "", NOW.date(), NOW, NOW, 0, 1, NOW)
        whom = Addressee(address, SubscriptionState.CONFIRMED, None, "daily", (), 10, link_generation=generation)
        letter = reader_letter(post.courier(Sink()), claimed, whom, Edition(issued_on=NOW.date(), picks=()), NOW)
        return post.link_in(letter.message.decode(), "/preferences")

    def lead_to(link: str) -> str:
        return preferences_of(engine, TOKENS, link, now=at).address

    first = newest_link(OLD)
    assert lead_to(first) == OLD
    assert move(engine, reader) is Moved.MOVED
    second = newest_link(NEW)
    assert lead_to(second) == NEW
    reactions = TOKENS.sign("react", {"s": reader})
    for act in (
        lambda: lead_to(first),
        lambda: standing_of(engine, TOKENS, first, now=at),
        lambda: export_own(engine, TOKENS, first, base_url="https://firstlight.test", now=at),
        lambda: erase_own(engine, TOKENS, first, now=at),
        lambda: saved(engine, TOKENS, reactions, now=at),
    ):
        with pytest.raises(TokenInvalid, match="moved to another address"):
            act()
    object_to_move(engine, TOKENS, mailed(engine, OLD, "/old-address"), now=at, ip="192.0.2.9")
    assert address_of(engine, reader) == OLD
    for dead in (first, second):
        with pytest.raises(TokenInvalid, match="moved to another address"):
            lead_to(dead)
    assert lead_to(newest_link(OLD)) == OLD
    # The way out never expires (RFC 8058), whichever mail it stands in.
    unsubscribe(engine, TOKENS, TOKENS.sign("unsubscribe", {"s": reader}), now=at, ip="", source="test")


def test_who_took_a_digest_on_to_a_third_address_cannot_object_it_back(engine: Engine) -> None:
    reader = add_reader(engine, OLD)
    move(engine, reader)
    notice = mailed(engine, OLD, "/old-address")
    ask(engine, reader, "third@new.test", NOW + DAY)
    link = mailed(engine, "third@new.test", "/new-address", NOW + DAY)
    confirm_move(engine, TOKENS, link, now=NOW + DAY, ip="")
    theirs = mailed(engine, NEW, "/old-address", NOW + DAY)
    object_to_move(engine, TOKENS, notice, now=NOW + 2 * DAY, ip="")
    with pytest.raises(TokenSpent):
        object_to_move(engine, TOKENS, theirs, now=NOW + 2 * DAY, ip="")
    assert address_of(engine, reader) == OLD


@pytest.mark.parametrize("first", [True, False], ids=["asked before", "asked after"])
def test_a_second_move_that_waits_goes_with_the_one_that_is_undone(engine: Engine, first: bool) -> None:
    reader = add_reader(engine, OLD)
    asked = ["third@new.test", NEW] if first else [NEW, "third@new.test"]
    links = {}
    for address in asked:
        ask(engine, reader, address)
        links[address] = mailed(engine, address, "/new-address")
    confirm_move(engine, TOKENS, links[NEW], now=NOW, ip="")
    object_to_move(engine, TOKENS, mailed(engine, OLD, "/old-address"), now=NOW + DAY, ip="")
    with pytest.raises(TokenInvalid, match="withdrawn"):
        confirm_move(engine, TOKENS, links["third@new.test"], now=NOW + DAY, ip="")
    assert address_of(engine, reader) == OLD


def test_links_end_after_their_days_and_serve_nothing_else(engine: Engine) -> None:
    reader = add_reader(engine, OLD)
    ask(engine, reader)
    link = mailed(engine, NEW, "/new-address")
    for token, at in ((link, NOW + 4 * DAY), (TOKENS.sign("object", {"d": 1}, at=NOW), NOW), (link[:-2], NOW)):
        with pytest.raises(TokenInvalid):
            confirm_move(engine, TOKENS, token, now=at, ip="")
    confirm_move(engine, TOKENS, link, now=NOW, ip="")
    notice = mailed(engine, OLD, "/old-address")
    with pytest.raises(TokenInvalid, match="expired"):
        object_to_move(engine, TOKENS, notice, now=NOW + 31 * DAY, ip="")


def test_an_address_with_a_running_digest_keeps_it_and_the_other_one_ends(engine: Engine) -> None:
    reader, there = add_reader(engine, OLD), add_reader(engine, NEW, paper_count=5)
    assert move(engine, reader) is Moved.JOINED
    assert post.subscription(engine, reader).state == "unsubscribed"
    assert post.subscription(engine, there).state == "confirmed"
    assert (address_of(engine, reader), address_of(engine, there)) == (OLD, NEW)
    assert mailed(engine, OLD, "/old-address")


@pytest.mark.parametrize("state", ["pending", "unsubscribed"])
def test_what_was_left_or_never_confirmed_at_an_address_gives_way(engine: Engine, state: str) -> None:
    reader, there = add_reader(engine, OLD), add_reader(engine, NEW, state=state)
    assert move(engine, reader) is Moved.MOVED
    assert address_of(engine, reader) == NEW
    with reading(engine) as session:
        assert session.get(Subscriber, there) is None


def test_a_stranger_learns_nothing_by_asking_to_move(engine: Engine) -> None:  # checklist 47
    reader = add_reader(engine, OLD)
    add_reader(engine, "confirmed@new.test")
    add_reader(engine, "gone@new.test", state="unsubscribed")
    with writing(engine) as session:
        suppress(session, "banned@new.test", TOKENS.address_hashes("banned@new.test"), "complaint", NOW)
    asked: list[list[str]] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_: asked[-1].append(statement[:60]))
    for name in ("unknown", "confirmed", "gone"):
        asked.append([])
        ask(engine, reader, f"{name}@new.test")
    assert asked[0] == asked[1] == asked[2]
    asked.append([])
    ask(engine, reader, "banned@new.test")
    assert {row.address for row in post.deliveries(engine, kind="new address")} == {
        "unknown@new.test",
        "confirmed@new.test",
        "gone@new.test",
    }


def test_nobody_is_written_to_again_and_again_by_changes_of_address(engine: Engine) -> None:
    readers = post.add_readers(engine, [OLD, "bo@old.test"])
    for reader in readers * 2:
        ask(engine, reader)
    assert len(post.deliveries(engine, kind="new address")) == 1
    ask(engine, readers[0], OLD)
    ask(engine, readers[1], at=NOW + DAY + timedelta(seconds=1))
    assert len(post.deliveries(engine, kind="new address")) == 2


def test_what_is_no_address_and_who_has_no_digest_are_told_so(engine: Engine) -> None:
    reader = add_reader(engine, OLD)
    with pytest.raises(AddressRefused):
        ask(engine, reader, "nonsense")
    own = SignUp(SignUpMode.DOMAINS, ("old.test",))
    with pytest.raises(SignUpRefused, match=r"old\.test"):
        ask_to_move(engine, TOKENS, reader, NEW, now=NOW, ip="", sign_up=own, special_use=True)
    with pytest.raises(NotFound):
        ask(engine, add_reader(engine, "gone@old.test", state="unsubscribed"))
    with pytest.raises(NotFound):
        ask(engine, 99_999)


def test_who_leaves_before_they_confirm_does_not_move(engine: Engine) -> None:
    reader = add_reader(engine, OLD)
    ask(engine, reader)
    link = mailed(engine, NEW, "/new-address")
    unsubscribe(engine, TOKENS, TOKENS.sign("unsubscribe", {"s": reader}), now=NOW, ip="", source="site")
    with pytest.raises(TokenInvalid, match="ended"):
        confirm_move(engine, TOKENS, link, now=NOW, ip="")
    assert address_of(engine, reader) == OLD


def test_what_comes_back_from_another_address_says_nothing_of_this_one(engine: Engine) -> None:
    """A letter to a mistyped address that bounces, and a late bounce from the address before."""
    reader = add_reader(engine, OLD)
    materialise(engine, add_issue(engine), now=FROZEN_AT, until=UNTIL)
    deliver_due(engine, post.courier(Sink()), worker="w", clock=at_clock(NOW))
    (digest,) = post.deliveries(engine, kind="digest")
    with writing(engine) as session:
        fields = {"received_at": NOW, "subscriber_id": reader, "recipient": OLD}
        session.add(BounceEvent(event_key="1", kind=ReportKind.SOFT, action=BounceAction.SCORE, **fields))
    later = NOW + timedelta(minutes=5)
    ask(engine, reader, at=later)
    (letter,) = post.deliveries(engine, kind="new address")
    for delivery, address in ((letter, NEW), (digest, OLD)):
        if delivery is digest:
            confirm_move(engine, TOKENS, mailed(engine, NEW, "/new-address", later), now=later, ip="")
        back = verp_address(TOKENS, SENDER.address, delivery.id or 0)
        report = dsn(failed(address, status="5.1.1"), to=back)
        (outcome,) = receive(engine, TOKENS, report, now=later, envelope_to=back)
        assert outcome.action is BounceAction.NONE
    with reading(engine) as session:
        assert not suppressed(session, [*TOKENS.address_hashes(OLD), *TOKENS.address_hashes(NEW)])
        scored = session.exec(select(BounceEvent).where(BounceEvent.event_key == "1")).one()
        assert session.exec(select(AddressChange)).one().confirmed_at == later
    assert scored.action == BounceAction.FORGIVEN


def test_the_notice_waits_for_the_old_address_as_long_as_the_move_can_be_undone(engine: Engine) -> None:
    reader = add_reader(engine, OLD)
    move(engine, reader)
    (notice,) = post.deliveries(engine, kind="moved")
    assert notice.expires_at == NOW + OBJECT_WITHIN
    later = NOW + 20 * DAY  # a mail host that was away for weeks
    object_to_move(engine, TOKENS, mailed(engine, OLD, "/old-address", later), now=later, ip="")
    assert address_of(engine, reader) == OLD


def racing(engine: Engine, statement: str, address: str) -> None:
    """Let a stranger subscribe with an address just before a statement of a move, the first time it runs."""
    done: list[str] = []

    def come_between(_connection: object, _cursor: object, running: str, *_more: object) -> None:
        if running.startswith(statement) and not done:
            done.append(running)
            request(engine, TOKENS, address, now=NOW, ip="", source="site", special_use=True)

    event.listen(engine, "before_cursor_execute", come_between)


@pytest.mark.postgres
def test_who_subscribes_there_at_the_very_moment_of_a_move_gives_way(postgres_url: str) -> None:
    """On SQLite one transaction writes at a time, and nobody can come between."""
    engine = open_engine(postgres_url)
    SQLModel.metadata.create_all(engine)
    reader = add_reader(engine, OLD)
    ask(engine, reader)
    link = mailed(engine, NEW, "/new-address")
    racing(engine, "UPDATE subscriber", NEW)
    assert confirm_move(engine, TOKENS, link, now=NOW, ip="") is Moved.MOVED
    assert address_of(engine, reader) == NEW
    with reading(engine) as session:
        assert len(session.exec(select(Subscriber)).all()) == 1
    engine.dispose()


@pytest.mark.postgres
def test_who_subscribes_with_the_old_address_at_the_very_moment_it_is_asked_back_keeps_it(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    SQLModel.metadata.create_all(engine)
    reader = add_reader(engine, OLD)
    move(engine, reader)
    link = mailed(engine, OLD, "/old-address")
    racing(engine, "UPDATE subscriber", OLD)
    with pytest.raises(TokenInvalid, match="new subscription"):
        object_to_move(engine, TOKENS, link, now=NOW, ip="")
    assert address_of(engine, reader) == NEW
    engine.dispose()
