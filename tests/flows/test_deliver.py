"""What is due goes out once, in order, and what does not go out says why."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.delivery import DeliveryState
from digest.core.issue import IssueState
from digest.core.tailor import Edition
from digest.errors import LostInDoubt, MessageRefused, RelayUnavailable, TemplateFault
from digest.flows.deliver import deliver_due, materialise, resend_unknown, sweep
from digest.mail.fragments import Rendered
from digest.mail.message import Envelope
from digest.mail.render import ReaderLinks
from digest.mail.smtp import Reply, Verdict
from digest.store import audience, subscribers
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.issues import move_issue
from digest.store.tables import Delivery, IssueRow, Subscription, Suppression
from tests import post
from tests.post import FROZEN_AT, TOKENS, UNTIL, PlainRenderer, Sink, add_issue, add_reader, add_readers, at_clock

SLOT = FROZEN_AT + timedelta(hours=2)  # 06:00 UTC
DEFER = Reply(verdict=Verdict.DEFERRED, code=451, text="4.7.1 later")
REJECT = Reply(verdict=Verdict.REJECTED, code=550, text="5.1.1 no such mailbox")


def send(
    engine: Engine, sink: Sink, at: object = SLOT, renderer: PlainRenderer | None = None, **more: object
) -> object:
    return deliver_due(engine, post.courier(sink, renderer), worker="w", clock=at_clock(at), **more)


def queue(engine: Engine, issue_id: int) -> int:
    return materialise(engine, issue_id, now=FROZEN_AT, until=UNTIL)


def state_of_issue(engine: Engine, issue_id: int) -> str:
    with reading(engine) as session:
        row = session.get(IssueRow, issue_id)
        assert row is not None
        return row.state


def test_a_digest_goes_out_at_its_slot_and_only_once(engine: Engine) -> None:  # checklist 3, 82
    add_reader(engine, "ann@example.test", timezone="UTC", hour=6)
    issue = add_issue(engine)
    assert queue(engine, issue) == 1
    assert queue(engine, issue) == 0
    sink = Sink()
    assert send(engine, sink, SLOT - timedelta(minutes=1)).total == 0
    tally = send(engine, sink)
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 1}
    assert send(engine, sink).total == 0
    assert sink.recipients == ["ann@example.test"]
    (row,) = post.deliveries(engine)
    assert (row.state, row.attempts, row.fence) == ("accepted", 1, 1)
    assert row.paper_ids == list(range(1, 11))
    assert row.reply == "250 2.0.0 taken"
    assert row.message_id in sink.sent[0][1]
    assert post.subscription(engine, row.subscriber_id).last_digest_at == SLOT


def test_each_reader_is_due_at_their_own_hour(engine: Engine) -> None:
    add_reader(engine, "berlin@example.test", timezone="Europe/Berlin", hour=8)
    add_reader(engine, "tokyo@example.test", timezone="Asia/Tokyo", hour=7)
    add_reader(engine, "la@example.test", timezone="America/Los_Angeles", hour=7)
    issue = add_issue(engine)
    queue(engine, issue)
    due = {(row.due_at, row.local_date) for row in post.deliveries(engine)}
    assert due == {
        (SLOT, date(2026, 5, 20)),
        (FROZEN_AT + timedelta(hours=18), date(2026, 5, 21)),
        (FROZEN_AT + timedelta(hours=10), date(2026, 5, 20)),
    }


def test_cadence_decides_who_is_in_the_audience(engine: Engine) -> None:
    add_reader(engine, "weekly-wed@example.test", cadence="weekly", weekday=2)
    add_reader(engine, "weekly-fri@example.test", cadence="weekly", weekday=4)
    add_reader(engine, "weekdays@example.test", cadence="weekdays")
    add_reader(engine, "late@example.test", confirmed_at=SLOT + timedelta(minutes=1))
    add_reader(engine, "paused@example.test", state="paused", paused_until=date(2026, 5, 21))
    add_reader(engine, "back@example.test", state="paused", paused_until=date(2026, 5, 20))
    add_reader(engine, "holiday@example.test", paused_until=date(2026, 5, 22))
    add_reader(engine, "served@example.test", last_digest_at=SLOT - timedelta(hours=11))
    add_reader(engine, "gone@example.test", state="unsubscribed")
    add_reader(engine, "new@example.test", state="pending", confirmed_at=None)
    issue = add_issue(engine)
    assert queue(engine, issue) == 3
    sink = Sink()
    send(engine, sink)
    assert sorted(sink.recipients) == ["back@example.test", "weekdays@example.test", "weekly-wed@example.test"]


def test_immediately_serves_everybody_once(engine: Engine) -> None:
    add_reader(engine, "a@example.test", hour=23, cadence="weekly", weekday=6)
    add_reader(engine, "b@example.test", timezone="Asia/Tokyo", hour=3)
    issue = add_issue(engine)
    assert materialise(engine, issue, now=FROZEN_AT, until=UNTIL, immediately=True) == 2
    assert materialise(engine, issue, now=FROZEN_AT, until=UNTIL, immediately=True) == 0
    assert queue(engine, issue) == 0
    sink = Sink()
    send(engine, sink, FROZEN_AT)
    assert sorted(sink.recipients) == ["a@example.test", "b@example.test"]


def test_a_zone_that_is_no_longer_known_is_served_by_utc(engine: Engine) -> None:
    add_reader(engine, "lost@example.test", timezone="Mars/Olympus")
    assert queue(engine, add_issue(engine)) == 1
    assert post.deliveries(engine)[0].due_at == SLOT


def test_a_change_of_zone_never_sends_twice(engine: Engine) -> None:  # checklist 84
    reader = add_reader(engine, "mover@example.test", timezone="UTC", hour=6)
    first = add_issue(engine)
    queue(engine, first)
    sink = Sink()
    send(engine, sink)
    with writing(engine) as session:
        row = session.get(Subscription, reader)
        assert row is not None
        row.timezone = "America/Los_Angeles"  # 06:00 there is 13:00 UTC of the same date
        session.add(row)
    assert queue(engine, first) == 0
    second = add_issue(engine, issued_on=date(2026, 5, 21), frozen_at=FROZEN_AT + timedelta(hours=6), first=100)
    assert materialise(engine, second, now=FROZEN_AT, until=FROZEN_AT + timedelta(hours=15)) == 0
    assert materialise(engine, second, now=FROZEN_AT, until=FROZEN_AT + timedelta(hours=40)) == 1
    assert post.deliveries(engine)[-1].local_date == date(2026, 5, 21)


def test_papers_sent_before_are_not_sent_again_and_nothing_new_is_skipped(engine: Engine) -> None:  # checklist 27
    add_reader(engine, "ann@example.test", paper_count=12)
    sink = Sink()
    first = add_issue(engine, papers=8)
    queue(engine, first)
    send(engine, sink)
    second = add_issue(engine, issued_on=date(2026, 5, 21), frozen_at=UNTIL, papers=12)
    materialise(engine, second, now=UNTIL, until=UNTIL + timedelta(days=1))
    send(engine, sink, SLOT + timedelta(days=1))
    assert post.deliveries(engine)[-1].paper_ids == [9, 10, 11, 12]
    third = add_issue(engine, issued_on=date(2026, 5, 22), frozen_at=UNTIL + timedelta(days=1), papers=12)
    materialise(engine, third, now=UNTIL, until=UNTIL + timedelta(days=2))
    tally = send(engine, sink, SLOT + timedelta(days=2))
    assert dict(tally.counts) == {DeliveryState.SKIPPED: 1}
    assert post.deliveries(engine)[-1].reason == "nothing new for this reader"
    assert len(sink.sent) == 2


def test_who_asked_for_it_gets_a_line_where_there_is_nothing_new_but_not_without_an_issue(
    engine: Engine,
) -> None:  # checklist 27
    add_reader(engine, "ann@example.test", categories=["hep-th"], when_empty=True)
    add_reader(engine, "bob@example.test", categories=["hep-th"])
    sink = Sink()
    assert dict(send(engine, sink).counts) == {}
    queue(engine, add_issue(engine))
    tally = send(engine, sink)
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 1, DeliveryState.SKIPPED: 1}
    assert sink.recipients == ["ann@example.test"]
    assert post.deliveries(engine)[0].paper_ids == []


def test_a_weekly_edition_is_cut_from_the_week(engine: Engine) -> None:
    add_reader(engine, "ann@example.test", cadence="weekly", weekday=2, paper_count=5)
    add_issue(engine, issued_on=date(2026, 5, 18), frozen_at=FROZEN_AT - timedelta(days=2), papers=2, first=100)
    issue = add_issue(engine, papers=4)
    queue(engine, issue)
    send(engine, Sink())
    assert post.deliveries(engine)[-1].paper_ids == [1, 100, 2, 101, 3]


def test_a_deferred_message_comes_again_with_the_same_papers_and_id(engine: Engine) -> None:  # checklist 3, 42
    add_reader(engine, "ann@example.test")
    queue(engine, add_issue(engine))
    tally = send(engine, Sink(answer=lambda _envelope: DEFER))
    assert dict(tally.counts) == {DeliveryState.DEFERRED: 1}
    (before,) = post.deliveries(engine)
    assert timedelta(minutes=24) <= before.due_at - SLOT <= timedelta(minutes=36)
    assert before.reply == "451 4.7.1 later"
    sink = Sink()
    assert send(engine, sink, SLOT + timedelta(minutes=20)).total == 0
    send(engine, sink, SLOT + timedelta(minutes=40))
    (after,) = post.deliveries(engine)
    assert (after.state, after.attempts, after.message_id) == ("accepted", 2, before.message_id)
    assert after.paper_ids == before.paper_ids
    assert post.subscription(engine, after.subscriber_id).last_digest_at == SLOT


def test_a_deferral_is_given_up_before_the_next_issue(engine: Engine) -> None:  # checklist 42, 85
    add_reader(engine, "ann@example.test")
    issue = add_issue(engine)
    queue(engine, issue)
    send(engine, Sink(answer=lambda _envelope: DEFER))
    assert sweep(engine, now=UNTIL)[DeliveryState.EXPIRED] == 1
    assert post.deliveries(engine)[0].reason == "the next issue is due"
    assert state_of_issue(engine, issue) == "complete"
    assert send(engine, Sink(), UNTIL + timedelta(hours=1)).total == 0


def test_a_rejection_is_final_and_keeps_the_reply(engine: Engine) -> None:
    add_reader(engine, "ann@example.test")
    queue(engine, add_issue(engine))
    tally = send(engine, Sink(answer=lambda _envelope: REJECT))
    assert dict(tally.counts) == {DeliveryState.FAILED: 1}
    assert post.deliveries(engine)[0].reply == "550 5.1.1 no such mailbox"


def test_where_the_relay_cannot_be_reached_everything_is_given_back(engine: Engine) -> None:
    add_readers(engine, [f"r{n}@example.test" for n in range(5)])
    queue(engine, add_issue(engine))
    tally = send(engine, Sink(away=True))
    assert dict(tally.counts) == {DeliveryState.PENDING: 5}
    assert "refuses connections" in tally.trouble
    assert {row.state for row in post.deliveries(engine)} == {"pending"}
    sink = Sink()
    assert send(engine, sink)[DeliveryState.ACCEPTED] == 5


def test_a_relay_that_goes_away_in_the_middle_leaves_the_rest_for_later(engine: Engine) -> None:
    add_readers(engine, [f"r{n}@example.test" for n in range(5)])
    queue(engine, add_issue(engine))
    sink = Sink()

    def answer(envelope: Envelope) -> Reply:
        if len(sink.sent) == 2:
            raise RelayUnavailable("421 come back later")
        return post.accept(envelope)

    sink.answer = answer
    tally = send(engine, sink)
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 2, DeliveryState.PENDING: 3}
    assert tally.trouble == "421 come back later"
    again = Sink()
    send(engine, again)
    assert len(again.sent) == 2  # the one that the relay broke off at lets the others pass
    send(engine, again, SLOT + timedelta(minutes=1))
    assert len({*sink.recipients, *again.recipients}) == 5
    assert len(again.sent) == 3


def test_a_connection_lost_after_the_final_dot_leaves_one_in_doubt_and_nobody_mails_it_again(engine: Engine) -> None:
    add_readers(engine, [f"r{n}@example.test" for n in range(4)])
    queue(engine, add_issue(engine))
    sink = Sink()

    def answer(envelope: Envelope) -> Reply:
        if envelope.rcpt_to == "r1@example.test":
            raise LostInDoubt("the connection died after the final dot")
        return post.accept(envelope)

    sink.answer = answer
    tally = send(engine, sink)
    assert tally[DeliveryState.UNKNOWN] == 1
    assert tally[DeliveryState.PENDING] == 2
    send(engine, sink)
    assert sorted(sink.recipients) == ["r0@example.test", "r2@example.test", "r3@example.test"]
    (doubt,) = post.deliveries(engine, state="unknown")
    assert doubt.reason == "the connection died after the final dot"
    assert resend_unknown(engine, [doubt.id], now=SLOT) == 1
    sink.answer = post.accept
    send(engine, sink)
    assert sink.recipients.count("r1@example.test") == 1


def test_a_message_that_cannot_be_rendered_is_isolated(engine: Engine) -> None:  # checklist 88
    class Picky(PlainRenderer):
        def digest(self, edition: Edition, links: ReaderLinks, **how: Any) -> Rendered:
            if edition.topics == ("math.CO",):
                raise TemplateFault("a card that breaks")
            return super().digest(edition, links, **how)

    add_reader(engine, "a@example.test")
    add_reader(engine, "b@example.test", categories=["math.CO"])
    add_reader(engine, "c@example.test")
    queue(engine, add_issue(engine))
    sink = Sink()
    tally = send(engine, sink, renderer=Picky())
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 2, DeliveryState.FAILED: 1}
    assert post.deliveries(engine, state="failed")[0].reason == "the message could not be rendered"


def test_a_message_that_the_client_refuses_has_failed_and_the_others_go_out(engine: Engine) -> None:
    add_readers(engine, ["a@example.test", "b@example.test"])
    queue(engine, add_issue(engine))

    def answer(envelope: Envelope) -> Reply:
        if envelope.rcpt_to == "a@example.test":
            raise MessageRefused("the message has a bare CR or LF")
        return post.accept(envelope)

    sink = Sink(answer=answer)
    tally = send(engine, sink)
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 1, DeliveryState.FAILED: 1}
    assert sink.recipients == ["b@example.test"]


def test_a_broken_template_holds_the_issue_before_anybody_is_mailed(engine: Engine) -> None:  # checklist 18
    class Broken(PlainRenderer):
        def digest(self, edition: Edition, links: ReaderLinks, **_how: Any) -> Rendered:
            raise TemplateFault("digest.html names a variable that it is not given: colour")

    add_readers(engine, ["a@example.test", "b@example.test"])
    issue = add_issue(engine)
    queue(engine, issue)
    sink = Sink()
    tally = send(engine, sink, renderer=Broken())
    assert "is held" in tally.trouble
    assert state_of_issue(engine, issue) == "held"
    assert {row.state for row in post.deliveries(engine)} == {"pending"}
    assert send(engine, sink).total == 0
    with writing(engine) as session:
        assert move_issue(session, issue, IssueState.FROZEN)
    assert send(engine, sink)[DeliveryState.ACCEPTED] == 2


def test_holding_an_issue_takes_effect_within_one_message(engine: Engine) -> None:  # checklist 92
    add_readers(engine, [f"r{n}@example.test" for n in range(5)])
    issue = add_issue(engine)
    queue(engine, issue)
    sink = Sink()

    def hold(_envelope: Envelope) -> None:
        with writing(engine) as session:
            audience.hold_issue(session, issue)

    sink.after_dot = hold
    tally = send(engine, sink)
    assert len(sink.sent) == 1
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 1, DeliveryState.PENDING: 4}


def test_unsubscribing_and_suppressing_take_effect_on_what_is_claimed(engine: Engine) -> None:  # checklist 60, 61
    from digest.flows.subscribe import unsubscribe

    ids = add_readers(engine, ["a@example.test", "b@example.test", "c@example.test"])
    issue = add_issue(engine)
    queue(engine, issue)
    sink = Sink()

    def meanwhile(_envelope: Envelope) -> None:
        token = TOKENS.sign("unsubscribe", {"s": ids[1]})
        unsubscribe(engine, TOKENS, token, now=SLOT, ip="", source="test")
        with writing(engine) as session:
            subscribers.suppress(session, "C@example.test", TOKENS.address_hashes("c@example.test"), "complaint", SLOT)

    sink.after_dot = meanwhile
    tally = send(engine, sink)
    assert sink.recipients == ["a@example.test"]
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 1}
    assert tally.lost == 2
    states = {row.subscriber_id: (row.state, row.reason) for row in post.deliveries(engine)}
    assert states[ids[1]] == ("skipped", "the reader is not subscribed any more")
    assert states[ids[2]] == ("suppressed", "the address is suppressed")
    with reading(engine) as session:
        assert audience.tally(session, issue).total == 3


def test_a_ban_that_only_the_hash_remembers_is_honoured_after_a_rotation(engine: Engine) -> None:  # checklist 64, 80
    from digest.tokens import Tokens

    queue_for = add_reader(engine, "a@example.test")
    with writing(engine) as session:
        row = table_of(Suppression)
        old = Tokens(["an older secret"]).address_hashes("a@example.test")[0]
        session.connection().execute(
            row.insert().values(address_hash=old, address=None, reason="erased", created_at=FROZEN_AT)
        )
    queue(engine, add_issue(engine))
    sink = Sink()
    carrier = post.courier(sink)
    rotated = type(carrier)(**{**carrier.__dict__, "tokens": Tokens(["a newer secret", "an older secret"])})
    tally = deliver_due(engine, rotated, worker="w", clock=at_clock(SLOT))
    assert dict(tally.counts) == {DeliveryState.SUPPRESSED: 1}
    assert queue_for
    assert sink.sent == []


def test_a_stopping_worker_gives_back_what_it_has_not_begun(engine: Engine) -> None:  # checklist 95
    add_readers(engine, [f"r{n}@example.test" for n in range(5)])
    queue(engine, add_issue(engine))
    sink = Sink()
    tally = send(engine, sink, stopping=lambda: len(sink.sent) == 2)
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 2, DeliveryState.PENDING: 3}
    assert tally.trouble == "asked to stop"


def test_a_surprise_in_the_relay_leaves_one_in_doubt_and_gives_the_rest_back(engine: Engine) -> None:
    add_readers(engine, [f"r{n}@example.test" for n in range(3)])
    queue(engine, add_issue(engine))

    def surprise(_envelope: Envelope) -> Reply:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        send(engine, Sink(answer=surprise))
    assert sorted(row.state for row in post.deliveries(engine)) == ["pending", "pending", "sending"]
    assert sweep(engine, now=SLOT + timedelta(minutes=16))[DeliveryState.UNKNOWN] == 1


def test_a_slow_worker_that_lost_its_lease_sends_nothing_more(engine: Engine) -> None:
    add_readers(engine, ["a@example.test", "b@example.test"])
    issue = add_issue(engine)
    queue(engine, issue)
    slow, quick = Sink(), Sink()
    later = SLOT + timedelta(minutes=20)

    def meanwhile(_envelope: Envelope) -> None:
        sweep(engine, now=later)
        send(engine, quick, later)

    slow.after_dot = meanwhile
    tally = send(engine, slow)
    assert slow.recipients == ["a@example.test"]
    assert quick.recipients == ["b@example.test"]
    # The sweeper had put the first one in doubt; the worker that holds its fence knew better.
    assert dict(tally.counts) == {DeliveryState.ACCEPTED: 1}
    assert tally.lost == 1
    assert [row.state for row in post.deliveries(engine)] == ["accepted", "accepted"]


def test_what_somebody_waits_for_goes_before_digests(engine: Engine) -> None:
    from digest.flows.sign_in import request_sign_in

    add_readers(engine, [f"r{n}@example.test" for n in range(3)])
    queue(engine, add_issue(engine))
    request_sign_in(engine, "boss@example.test", ["boss@example.test"], now=SLOT)
    sink = Sink()
    send(engine, sink, limit=1)
    assert sink.recipients == ["boss@example.test"]


def test_the_counts_add_up_to_the_audience(engine: Engine) -> None:  # checklist 93
    add_readers(engine, [f"r{n}@example.test" for n in range(6)])
    add_reader(engine, "picky@example.test", categories=["hep-th"])
    issue = add_issue(engine)
    queue(engine, issue)
    full = Reply(verdict=Verdict.DEFERRED, code=452, text="4.2.2 mailbox full")  # which slows nobody else
    replies = iter([full, REJECT, post.accept(Envelope(mail_from="a@b.test", rcpt_to="c@d.test"))])
    send(engine, Sink(answer=lambda _envelope: next(replies)), limit=3)
    with reading(engine) as session:
        tally = audience.tally(session, issue)
    assert tally.total == 7
    assert tally.unsettled == 5
    send(engine, Sink())
    assert state_of_issue(engine, issue) == "sending"
    send(engine, Sink(), SLOT + timedelta(hours=1))
    sweep(engine, now=SLOT + timedelta(hours=1))
    assert state_of_issue(engine, issue) == "complete"
    with reading(engine) as session:
        assert audience.tally(session, issue).total == 7


def test_workers_side_by_side_mail_nobody_twice(engine: Engine) -> None:
    add_readers(engine, [f"r{n}@example.test" for n in range(60)])
    queue(engine, add_issue(engine))
    sinks = [Sink() for _ in range(4)]
    failures: list[BaseException] = []

    def work(sink: Sink) -> None:
        try:
            while send(engine, sink, limit=7).total:
                pass
        except BaseException as error:  # noqa: BLE001  # shown below, in the thread that can fail the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(sink,)) for sink in sinks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    everybody = [address for sink in sinks for address in sink.recipients]
    assert len(everybody) == len(set(everybody)) == 60
    assert {row.state for row in post.deliveries(engine)} == {"accepted"}


def test_an_erased_delivery_is_lost_without_harm(engine: Engine) -> None:
    add_readers(engine, ["a@example.test", "b@example.test"])
    queue(engine, add_issue(engine))
    sink = Sink()

    def erase(_envelope: Envelope) -> None:
        with writing(engine) as session:
            for row in session.exec(select(Delivery).where(Delivery.state == "claimed")):
                session.delete(row)

    sink.after_dot = erase
    tally = send(engine, sink)
    assert (tally[DeliveryState.ACCEPTED], tally.lost) == (1, 1)
