"""What comes back acts on the reader it is about, once, and on nobody else."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email import message_from_string
from email.policy import default
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.bounce import BounceAction
from digest.core.delivery import DeliveryState
from digest.flows.bounce import Outcome, receive
from digest.flows.deliver import deliver_due, materialise
from digest.mail.smtp import Reply, Verdict
from digest.mail.verp import leave_address, verp_address
from digest.store.admins import queue_sign_in
from digest.store.engine import reading, writing
from digest.store.subscribers import suppressed
from digest.store.tables import BounceEvent, Delivery
from digest.tokens import Tokens
from tests.mail.returned import ORIGINAL, arf, dsn, failed, plain
from tests.post import (
    FROZEN_AT,
    SENDER,
    TOKENS,
    UNTIL,
    Sink,
    add_issue,
    add_reader,
    at_clock,
    courier,
    deliveries,
    subscription,
)

NOW = FROZEN_AT + timedelta(hours=3)
DAY = timedelta(days=1)
ADDRESS = "ada@reader.test"


@pytest.fixture
def sent(engine: Engine) -> Delivery:
    """A digest that went out to Ada."""
    add_reader(engine, ADDRESS)
    materialise(engine, add_issue(engine), now=NOW, until=UNTIL)
    deliver_due(engine, courier(Sink()), worker="w", clock=at_clock(NOW))
    [one] = deliveries(engine, state=DeliveryState.ACCEPTED)
    return one


def verp(delivery: Delivery) -> str:
    return verp_address(TOKENS, SENDER.address, delivery.id or 0)


def take(engine: Engine, message: bytes, now: datetime = NOW) -> list[Outcome]:
    return receive(engine, TOKENS, message, now=now)


def banned(engine: Engine, address: str = ADDRESS) -> bool:
    with reading(engine) as session:
        return bool(suppressed(session, TOKENS.address_hashes(address)))


def events(engine: Engine) -> list[BounceEvent]:
    with reading(engine) as session:
        return list(session.exec(select(BounceEvent).order_by(BounceEvent.id)).all())


def quoting(delivery: Delivery) -> str:
    return ORIGINAL.replace("<0123abcd@firstlight.test>", delivery.message_id)


def test_a_hard_bounce_to_a_signed_address_suppresses(engine: Engine, sent: Delivery) -> None:  # checklist 72, 73
    # An alias at the reader's end: the report names an address that we never heard of.
    [outcome] = take(engine, dsn(failed("rfc822; ada@inner.reader.test"), to=verp(sent)))
    assert (outcome.action, outcome.matched) == (BounceAction.SUPPRESS, True)
    assert banned(engine)
    [event] = events(engine)
    assert (event.kind, event.action, event.delivery_id) == ("hard", "suppress", sent.id)


def test_a_report_is_matched_by_the_message_it_returns(engine: Engine, sent: Delivery) -> None:  # checklist 72
    [outcome] = take(engine, dsn(failed(), original=quoting(sent)))
    assert outcome.action is BounceAction.SUPPRESS
    assert banned(engine)


def test_the_envelope_recipient_matches_too(engine: Engine, sent: Delivery) -> None:  # checklist 36
    [outcome] = receive(engine, TOKENS, dsn(failed()), now=NOW, envelope_to=verp(sent))
    assert outcome.action is BounceAction.SUPPRESS


def test_forged_and_unknown_reports_are_recorded_and_act_on_nobody(
    engine: Engine, sent: Delivery
) -> None:  # checklist 72
    stranger = verp_address(Tokens(["another secret that is long enough"]), SENDER.address, sent.id or 0)
    for own_id, message in enumerate(
        (
            dsn(failed(), own_id="<1@x.test>"),
            dsn(failed(), own_id="<2@x.test>", to=stranger),
            dsn(failed(), own_id="<3@x.test>", to=verp(sent).replace(f"-{sent.id}-", "-99-")),
            arf(),
        )
    ):
        [outcome] = take(engine, message)
        assert (outcome.action, outcome.matched) == (BounceAction.NONE, False), own_id
    assert not banned(engine)
    assert [event.subscriber_id for event in events(engine)] == [None] * 4


def test_the_same_report_counts_once(engine: Engine, sent: Delivery) -> None:  # checklist 72, 74, 77
    message = dsn(failed(status="4.2.2"), to=verp(sent))
    [first], [second] = take(engine, message), take(engine, b"Received: by another.test\n" + message, NOW + 3 * DAY)
    assert (first.action, first.seen) == (BounceAction.SCORE, False)
    assert (second.action, second.seen) == (BounceAction.NONE, True)
    assert len(events(engine)) == 1


def test_soft_bounces_add_up_over_days_and_then_suppress(engine: Engine, sent: Delivery) -> None:  # checklist 74
    actions = []
    for day in range(6):
        for hour in range(3):
            message = dsn(failed(status="4.2.2"), to=verp(sent), own_id=f"<{day}-{hour}@x.test>")
            [outcome] = take(engine, message, NOW + day * DAY + hour * timedelta(hours=1))
            actions.append(outcome.action)
    assert actions[:15] == [BounceAction.SCORE] * 15
    assert actions[15] is BounceAction.SUPPRESS
    assert banned(engine)


def test_a_policy_never_suppresses_the_reader(engine: Engine, sent: Delivery) -> None:  # checklist 44
    for day in range(30):
        message = dsn(failed(status="5.7.1"), to=verp(sent), own_id=f"<{day}@x.test>")
        [outcome] = take(engine, message, NOW + day * DAY)
        assert outcome.action is BounceAction.POLICY
    assert not banned(engine)


def test_a_complaint_suppresses_and_nothing_more_is_sent(engine: Engine, sent: Delivery) -> None:  # checklist 75
    [outcome] = take(engine, arf(original=quoting(sent), fields="Original-Rcpt-To: redacted@provider.test\n"))
    assert outcome.action is BounceAction.SUPPRESS
    later = add_issue(engine, issued_on=(NOW + DAY).date(), frozen_at=FROZEN_AT + DAY, first=100)
    materialise(engine, later, now=NOW + DAY, until=UNTIL + DAY)
    sink = Sink()
    deliver_due(engine, courier(sink), worker="w", clock=at_clock(NOW + DAY))
    assert sink.sent == []


@pytest.mark.parametrize("subject", ["Out of office", "Re: Today"])
def test_automatic_replies_and_answers_do_nothing(
    engine: Engine, sent: Delivery, subject: str
) -> None:  # checklist 78, 79
    message = plain(subject, "Hello", sender=ADDRESS, more=f"To: {verp(sent)}\nIn-Reply-To: {sent.message_id}\n")
    [outcome] = take(engine, message)
    assert (outcome.action, outcome.matched) == (BounceAction.NONE, True)
    assert not banned(engine)


def test_only_our_readers_part_of_a_report_counts(engine: Engine, sent: Delivery) -> None:  # checklist 71
    both = failed("rfc822; bob@reader.test") + "\n\n" + failed(status="4.2.2")
    outcomes = take(engine, dsn(both, to=verp(sent)))
    assert [outcome.action for outcome in outcomes] == [BounceAction.NONE, BounceAction.SCORE]
    expanded = failed("rfc822; bob@reader.test") + "\n\n" + failed("rfc822; cy@reader.test", "4.2.2")
    outcomes = take(engine, dsn(expanded, to=verp(sent), own_id="<2@x.test>"))
    assert [outcome.action for outcome in outcomes] == [BounceAction.NONE, BounceAction.SCORE]


def test_a_mail_to_the_unsubscribe_address_unsubscribes_and_no_other_does(engine: Engine, sent: Delivery) -> None:
    assert sent.subscriber_id is not None
    [outcome] = take(engine, plain("unsubscribe", "", sender=ADDRESS))
    assert (outcome.action, outcome.matched) == (BounceAction.NONE, False)
    assert subscription(engine, sent.subscriber_id).state == "confirmed"
    to = leave_address(TOKENS, SENDER.address, sent.subscriber_id)
    [outcome] = take(engine, plain("unsubscribe", "", sender="another@reader.test", more=f"Delivered-To: {to}\n"))
    assert outcome.action is BounceAction.UNSUBSCRIBE
    assert subscription(engine, sent.subscriber_id).state == "unsubscribed"


def test_with_verp_each_message_has_a_return_path_and_a_mail_address_to_leave_by(
    engine: Engine,
) -> None:  # checklist 12, 36
    add_reader(engine, ADDRESS)
    materialise(engine, add_issue(engine), now=NOW, until=UNTIL)
    envelopes = []
    sink = Sink(after_dot=envelopes.append)
    post = courier(sink)
    object.__setattr__(post, "verp", True)
    object.__setattr__(post, "sign", lambda message: b"X-Signed: yes\r\n" + message)
    deliver_due(engine, post, worker="w", clock=at_clock(NOW))
    [one] = deliveries(engine, state=DeliveryState.ACCEPTED)
    assert [envelope.mail_from for envelope in envelopes] == [verp(one)]
    assert (
        f"<mailto:{leave_address(TOKENS, SENDER.address, one.subscriber_id or 0)}?subject=unsubscribe>"
        in sink.sent[0][1]
    )
    assert sink.sent[0][1].startswith("X-Signed: yes\r\nFrom:")


def rejecting(code: int, text: str) -> Sink:
    return Sink(answer=lambda _envelope: Reply(verdict=Verdict.REJECTED, code=code, text=text))


@pytest.mark.parametrize(
    ("code", "text", "action"),
    [
        (550, "5.1.1 no such person", BounceAction.SUPPRESS),
        (552, "5.2.2 full", BounceAction.SCORE),
        (550, "5.7.26 unauthenticated", BounceAction.POLICY),
    ],
)
def test_a_rejection_in_the_session_goes_through_the_same_door(
    engine: Engine, code: int, text: str, action: BounceAction
) -> None:  # checklist 43, 44, 73
    add_reader(engine, ADDRESS)
    materialise(engine, add_issue(engine), now=NOW, until=UNTIL)
    deliver_due(engine, courier(rejecting(code, text)), worker="w", clock=at_clock(NOW))
    [failed_one] = deliveries(engine)
    assert (failed_one.state, failed_one.reply) == ("failed", f"{code} {text}")
    [event] = events(engine)
    assert (event.kind, event.action, event.status, event.delivery_id) == (
        "hard",
        action,
        text[:6].strip(),
        failed_one.id,
    )
    assert banned(engine) is (action is BounceAction.SUPPRESS)


def test_a_rejected_sign_in_mail_bans_nobody(engine: Engine) -> None:
    with writing(engine) as session:
        queue_sign_in(session, ADDRESS, NOW, listed=True)
    deliver_due(engine, courier(rejecting(550, "5.1.1 no such person")), worker="w", clock=at_clock(NOW))
    assert [one.state for one in deliveries(engine)] == ["failed"]
    assert events(engine) == []


def test_the_mail_that_list_unsubscribe_asks_for_ends_the_subscription(engine: Engine) -> None:  # checklist 12, 60
    """From the header of a digest, as a mail program would, to a reader who gets no more."""
    reader = add_reader(engine, ADDRESS)
    materialise(engine, add_issue(engine), now=NOW, until=UNTIL)
    sink = Sink()
    post = courier(sink)
    object.__setattr__(post, "verp", True)
    deliver_due(engine, post, worker="w", clock=at_clock(NOW))
    header = message_from_string(sink.sent[0][1], policy=default)["List-Unsubscribe"]
    link = urlsplit(re.search(r"<(mailto:[^>]+)>", header)[1])
    subject = parse_qs(link.query)["subject"][0]
    mail = plain(subject, "", sender="ada.lovelace@another.test", more="Message-ID: <leave@x.test>\n")
    [outcome] = receive(engine, TOKENS, mail, now=NOW, envelope_to=unquote(link.path))
    assert outcome.action is BounceAction.UNSUBSCRIBE
    assert subscription(engine, reader).state == "unsubscribed"
    [again] = receive(engine, TOKENS, mail, now=NOW, envelope_to=unquote(link.path))
    assert again.seen
    later = add_issue(engine, issued_on=(NOW + DAY).date(), frozen_at=FROZEN_AT + DAY, first=100)
    assert materialise(engine, later, now=NOW + DAY, until=UNTIL + DAY) == 0
