"""Feedback that is posted: let in only when it is signed, counted once, and acted on by the one door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from digest.core.bounce import BounceAction
from digest.errors import ConfigError
from digest.flows.deliver import deliver_due, materialise
from digest.mail.hook import hook_signature
from digest.mail.verp import verp_address
from digest.sources.sns import SnsDoor
from digest.store.engine import reading
from digest.store.subscribers import suppressed
from digest.store.tables import BounceEvent
from digest.wiring import Services
from tests.conftest import NOW
from tests.mail.provider import CERTIFICATE, HOST, TOPIC, Amazon, ses_bounce, ses_complaint
from tests.post import UNTIL, Sink, add_issue, add_reader, at_clock, courier, deliveries, subscription
from tests.web.conftest import Place, place_for, settings_for

SECRET = "u7Rk2mQ9vX4tZ8wB1nC6fH3gJ5dS0aLp"
OLDER = "aLpu7Rk2mQ9vX4tZ8wB1nC6fH3gJ5dS0"
ADDRESS = "ada@reader.test"


@pytest.fixture
def hooked(tmp_path: Path) -> Iterator[Place]:
    made = place_for(settings_for(tmp_path, hook_secret=[SECRET, OLDER], sns_topics=[TOPIC]))
    yield made
    made.browser.close()
    made.services.engine.dispose()


@pytest.fixture
def amazon(hooked: Place) -> Amazon:
    made = Amazon(now=NOW)
    hooked.services.sns = SnsDoor(made.client(), [TOPIC], clock=hooked.clock)
    return made


def event(**changes: Any) -> dict[str, Any]:
    return {"id": "event-1", "kind": "hard", "recipient": ADDRESS, "status": "5.1.1", "reason": "no"} | changes


def post(place: Place, body: bytes, *, secret: str = SECRET, after: timedelta = timedelta(0)) -> httpx.Response:
    timestamp = str(int((place.clock.now + after).timestamp()))
    headers = {"Firstlight-Timestamp": timestamp, "Firstlight-Signature": hook_signature(secret, timestamp, body)}
    return place.browser.post("/hooks/bounce", content=body, headers=headers)


def events_of(*several: dict[str, Any]) -> bytes:
    return json.dumps({"events": list(several)}).encode()


def banned(place: Place, address: str = ADDRESS) -> bool:
    with reading(place.services.engine) as session:
        return bool(suppressed(session, place.services.tokens.address_hashes(address)))


def recorded(place: Place) -> list[BounceEvent]:
    with reading(place.services.engine) as session:
        return list(session.exec(select(BounceEvent).order_by(BounceEvent.id)).all())


def actions(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["action"] for one in answer.json()["events"]]


def test_without_a_secret_and_without_topics_there_is_no_hook(place: Place) -> None:  # checklist 76
    assert place.browser.post("/hooks/bounce", content=b"{}").status_code == 404
    assert place.browser.post("/hooks/sns", content=b"{}").status_code == 404


def test_a_weak_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DIGEST_HOOK_SECRET is weak"):
        _ = Services(settings_for(tmp_path, hook_secret=["short"])).hook_secrets


def test_a_signed_event_acts_once_and_says_so(hooked: Place) -> None:  # checklist 76
    add_reader(hooked.services.engine, ADDRESS)
    assert actions(post(hooked, events_of(event()))) == ["suppress"]
    assert banned(hooked)
    assert actions(post(hooked, events_of(event()), secret=OLDER)) == ["seen before"]
    assert len(recorded(hooked)) == 1


def test_what_is_not_signed_or_not_fresh_is_refused(hooked: Place) -> None:  # checklist 76
    add_reader(hooked.services.engine, ADDRESS)
    body = events_of(event())
    assert hooked.browser.post("/hooks/bounce", content=body).status_code == 403
    assert post(hooked, body, secret="x" * 32).status_code == 403
    for seconds in (-301, 301):
        assert post(hooked, body, after=timedelta(seconds=seconds)).status_code == 403
    stamp = str(int(NOW.timestamp()))
    for signature, timestamp in (
        (hook_signature(SECRET, stamp, body + b" "), stamp),
        (hook_signature(SECRET, stamp, body), str(int(stamp) + 1)),
        (hook_signature(SECRET, "soon", body), "soon"),
        ("v1=", stamp),
    ):
        headers = {"Firstlight-Timestamp": timestamp, "Firstlight-Signature": signature}
        assert hooked.browser.post("/hooks/bounce", content=body, headers=headers).status_code == 403
    assert recorded(hooked) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"events": []}',
        b'{"events": [1]}',
        b"[" * 50_000,
        b"\xff",
        events_of(event(), event(id="")),
        events_of(event(), event(kind="delivered")),
        events_of(event(), event(recipient="nobody")),
        events_of(event(), event(status="five")),
        events_of(*[event(id=str(number)) for number in range(501)]),
    ],
)
def test_a_body_that_cannot_be_read_whole_counts_for_nothing(hooked: Place, body: bytes) -> None:
    assert post(hooked, body).status_code == 400
    assert recorded(hooked) == []


def test_a_body_that_is_too_large_is_not_read(hooked: Place) -> None:
    assert post(hooked, b" " * 70_000).status_code == 413


def test_events_count_for_their_own_day_in_whatever_order_they_come(hooked: Place) -> None:  # checklist 74, 76
    add_reader(hooked.services.engine, ADDRESS)
    several = [
        event(id=f"soft-{day}", kind="soft", status="4.2.2", at=(NOW - timedelta(days=day)).isoformat())
        for day in (3, 1, 5, 0, 2, 4)
    ]
    assert actions(post(hooked, events_of(*several))) == ["score"] * 5 + ["suppress"]


def test_an_old_wish_to_leave_does_not_undo_a_newer_confirmation(hooked: Place) -> None:  # checklist 76
    reader = add_reader(hooked.services.engine, ADDRESS, confirmed_at=NOW - timedelta(hours=1))
    early = event(kind="unsubscribe", status="", at=(NOW - timedelta(hours=2)).isoformat())
    assert actions(post(hooked, events_of(early))) == ["none"]
    late = event(id="event-2", kind="unsubscribe", status="", at=NOW.isoformat())
    assert actions(post(hooked, events_of(late))) == ["unsubscribe"]
    assert subscription(hooked.services.engine, reader).state == "unsubscribed"


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_bounce_of_ses_is_matched_by_its_signed_return_path(
    hooked: Place, amazon: Amazon, version: str
) -> None:  # checklist 76
    engine, tokens = hooked.services.engine, hooked.services.tokens
    add_reader(engine, ADDRESS)
    materialise(engine, add_issue(engine), now=NOW, until=UNTIL)
    deliver_due(engine, courier(Sink()), worker="w", clock=at_clock(NOW))
    [delivery] = deliveries(engine)
    source = verp_address(tokens, "digest@firstlight.test", delivery.id or 0)
    body = amazon.notify(ses_bounce("alias@inner.test", source=source), version=version, Subject="Amazon SES")
    answer = hooked.browser.post("/hooks/sns", content=body)
    assert answer.json() == {"events": [{"kind": "hard", "action": "suppress", "matched": True}]}
    assert banned(hooked)
    assert recorded(hooked)[0].delivery_id == delivery.id


def test_what_ses_says_is_mapped_to_the_kinds_of_the_one_door(hooked: Place, amazon: Amazon) -> None:
    for number in range(6):
        add_reader(hooked.services.engine, f"r{number}@reader.test")
    delivery = {
        "notificationType": "Delivery",
        "delivery": {"recipients": ["r4@reader.test"], "smtpResponse": "250 ok"},
    }
    delay = {"eventType": "DeliveryDelay", "deliveryDelay": {"delayedRecipients": [{"emailAddress": "r5@reader.test"}]}}
    said = [
        (ses_bounce("r0@reader.test", kind="Transient", status="4.4.7"), ("soft", BounceAction.SCORE)),
        (ses_bounce("r1@reader.test", status="5.7.1"), ("hard", BounceAction.POLICY)),
        (ses_complaint("r2@reader.test"), ("complaint", BounceAction.SUPPRESS)),
        (ses_complaint("r3@reader.test", kind="not-spam"), ("not-a-bounce", BounceAction.NONE)),
        (delivery, ("not-a-bounce", BounceAction.NONE)),
        (delay, ("soft", BounceAction.SCORE)),
        (ses_bounce("stranger@reader.test"), ("hard", BounceAction.NONE)),
    ]
    for number, (words, expected) in enumerate(said):
        answer = hooked.browser.post("/hooks/sns", content=amazon.notify(words, MessageId=f"id-{number}"))
        assert [(one["kind"], one["action"]) for one in answer.json()["events"]] == [expected]
    assert amazon.asked == [CERTIFICATE]  # kept, not fetched for each


def test_what_ses_says_twice_counts_once(hooked: Place, amazon: Amazon) -> None:  # checklist 76
    add_reader(hooked.services.engine, ADDRESS)
    body = amazon.notify(ses_bounce(ADDRESS, kind="Transient", status="4.2.2"))
    assert [actions(hooked.browser.post("/hooks/sns", content=body)) for _ in range(2)] == [["score"], ["seen before"]]
    assert len(recorded(hooked)) == 1


@pytest.mark.parametrize(
    "said", [{}, {"notificationType": "Bounce"}, {"eventType": "Open", "open": {}}, {"eventType": 3}]
)
def test_what_is_no_feedback_is_taken_and_forgotten(hooked: Place, amazon: Amazon, said: dict[str, Any]) -> None:
    assert hooked.browser.post("/hooks/sns", content=amazon.notify(said)).json() == {"events": []}


def forged(amazon: Amazon, **changes: str) -> bytes:
    return json.dumps(amazon.message() | changes).encode()


def test_a_message_that_is_not_proven_is_refused(hooked: Place, amazon: Amazon) -> None:  # checklist 76
    impostor = Amazon(now=NOW)
    signed_by_another = amazon.message() | {"Signature": impostor.message()["Signature"]}
    refused = [
        forged(amazon, Message='{"notificationType": "Bounce"}'),
        forged(amazon, Signature="bm9uZQ=="),
        forged(amazon, Signature="%%%"),
        forged(amazon, SignatureVersion="3"),
        forged(amazon, SignatureVersion="2"),
        json.dumps(signed_by_another).encode(),
        json.dumps(amazon.message(TopicArn=TOPIC + "-other")).encode(),
        json.dumps(amazon.message(Timestamp="2026-05-18T06:00:00.000Z")).encode(),
        json.dumps(amazon.message(Timestamp="2026-05-21T06:00:00.000Z")).encode(),
    ]
    for body in refused:
        answer = hooked.browser.post("/hooks/sns", content=body)
        assert answer.status_code == 403, answer.text
    assert recorded(hooked) == []


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE.replace("https", "http"),
        CERTIFICATE.replace(HOST, "sns.eu-west-1.amazonaws.com.evil.test"),
        CERTIFICATE.replace(HOST, "evil.test"),
        CERTIFICATE.replace(HOST, f"{HOST}@evil.test"),
        CERTIFICATE.replace(HOST, f"{HOST}:8443"),
        CERTIFICATE.replace(HOST, "sns.us-east-1.amazonaws.com"),
        CERTIFICATE.replace(HOST, "evil.test#" + HOST),
        CERTIFICATE.replace(HOST, "evil.test\\@" + HOST),
        CERTIFICATE + "?x=1",
        f"https://{HOST}/bucket/evil.pem",
        f"https://{HOST}/../SimpleNotificationService-0.pem",
        "",
    ],
)
def test_a_certificate_is_fetched_from_the_regions_own_host_only(hooked: Place, amazon: Amazon, url: str) -> None:
    answer = hooked.browser.post("/hooks/sns", content=json.dumps(amazon.message(SigningCertURL=url)).encode())
    assert answer.status_code == 403
    assert amazon.asked == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b'{"Type": "Notification"}', 403), (b'{"notificationType": "Bounce"}', 400)],
)
def test_what_is_no_sns_message_is_refused_before_anything_is_fetched(
    hooked: Place, amazon: Amazon, body: bytes, status: int
) -> None:
    assert hooked.browser.post("/hooks/sns", content=body).status_code == status
    assert amazon.asked == []


def test_a_certificate_that_cannot_be_had_makes_sns_come_again(hooked: Place, amazon: Amazon) -> None:
    for answer in (
        httpx.Response(500),
        httpx.Response(302, headers={"Location": "https://evil.test/x.pem"}),
        httpx.Response(200, content=b"x" * 70_000),
    ):
        amazon.answer = lambda _request, given=answer: given
        assert hooked.browser.post("/hooks/sns", content=amazon.notify({})).status_code == 503
    assert {httpx.URL(one).host for one in amazon.asked} == {HOST}
    for _ in range(40):
        hooked.browser.post("/hooks/sns", content=amazon.notify({}))
    assert len(amazon.asked) == 30


@pytest.mark.parametrize("weak", [Amazon(now=NOW, bits=1024), Amazon(now=NOW, valid=timedelta(days=-1))])
def test_a_weak_or_outdated_certificate_proves_nothing(hooked: Place, weak: Amazon) -> None:
    hooked.services.sns = SnsDoor(weak.client(), [TOPIC], clock=hooked.clock)
    assert hooked.browser.post("/hooks/sns", content=weak.notify({})).status_code == 403


def test_a_subscription_is_confirmed_on_the_pinned_host_and_for_our_topic_only(hooked: Place, amazon: Amazon) -> None:
    def subscribe(**changes: str) -> int:
        body = json.dumps(amazon.message("SubscriptionConfirmation", **changes)).encode()
        return hooked.browser.post("/hooks/sns", content=body).status_code

    assert subscribe() == 200
    visit = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
    assert amazon.asked == [CERTIFICATE, visit]
    assert subscribe(SubscribeURL=visit.replace(HOST, "evil.test")) == 403
    assert subscribe(SubscribeURL=visit.replace("Confirm", "Delete")) == 403
    assert subscribe(SubscribeURL=visit.replace("feedback", "another")) == 403
    assert subscribe(TopicArn=TOPIC.replace("feedback", "another")) == 403
    assert amazon.asked == [CERTIFICATE, visit]
    farewell = json.dumps(amazon.message("UnsubscribeConfirmation")).encode()
    assert hooked.browser.post("/hooks/sns", content=farewell).status_code == 200
    assert amazon.asked == [CERTIFICATE, visit]


def test_a_large_notification_of_sns_is_read(hooked: Place, amazon: Amazon) -> None:
    said = ses_complaint(ADDRESS) | {"filler": "x" * 200_000}
    assert hooked.browser.post("/hooks/sns", content=amazon.notify(said)).status_code == 200
