"""The letters of readers with wishes of their own: text alone, or a line where there is nothing new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from digest.core.delivery import DeliveryKind
from digest.core.subscription import SubscriptionState
from digest.core.tailor import Edition
from digest.files import templates_folder
from digest.flows.letters import Letter, reader_letter, upcoming_after
from digest.mail.render import Renderer
from digest.store.addressees import Reader
from digest.store.deliveries import Claim
from tests import post
from tests.mail import samples

AT = datetime(2026, 5, 20, 6, tzinfo=UTC)  # a Wednesday
READER = Reader(
    address="ada@reader.example",
    subscription=SubscriptionState.CONFIRMED,
    paused_until=None,
    cadence="daily",
    categories=(),
    paper_count=10,
    timezone="Europe/Berlin",
    hour=8,
)
CLAIM = Claim(
    id=7,
    kind=DeliveryKind.DIGEST,
    issue_id=1,
    subscriber_id=42,
    address="",
    local_date=date(2026, 5, 20),
    due_at=AT,
    expires_at=AT + timedelta(days=1),
    attempts=0,
    fence=1,
    created_at=AT,
)
COURIER = replace(
    post.courier(post.Sink()), renderer=Renderer(templates_folder(), post.BASE, samples.SENDER), sender=samples.SENDER
)


def letter(edition: Edition, **wishes: object) -> tuple[Letter, EmailMessage]:
    made = reader_letter(COURIER, CLAIM, replace(READER, **wishes), edition, AT)  # type: ignore[arg-type]  # fields of a reader
    read = message_from_bytes(made.message, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return made, read


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def test_a_reader_who_wants_plain_text_gets_nothing_else() -> None:
    _made, plain = letter(samples.ten(), plain_text=True)
    _made, both = letter(samples.ten())
    assert plain.get_content_type() == "text/plain"
    assert text_of(plain) == text_of(both)
    assert plain["Message-ID"] == both["Message-ID"]
    assert plain["List-Unsubscribe"] == both["List-Unsubscribe"]


def test_where_nothing_is_new_the_mail_says_so_and_when_the_next_comes() -> None:  # checklist 27
    made, read = letter(samples.edition())
    assert made.paper_ids == ()
    assert str(read["Subject"]) == "Nothing new for you today"
    assert "Nothing new on your topics today; your next digest comes on Thursday, 21 May 2026." in text_of(read)
    assert "/editions/" not in text_of(read)
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("wishes", "upcoming"),
    [
        ({}, date(2026, 5, 21)),
        ({"cadence": "weekly", "weekday": 2}, date(2026, 5, 27)),
        ({"cadence": "weekly", "weekday": 0}, date(2026, 5, 25)),
        ({"timezone": "Pacific/Kiritimati", "hour": 0}, date(2026, 5, 21)),
    ],
)
def test_the_next_digest_is_on_a_later_day_of_the_readers_own(wishes: dict[str, object], upcoming: date) -> None:
    assert upcoming_after(replace(READER, **wishes), date(2026, 5, 20), AT) == upcoming  # type: ignore[arg-type]  # fields


def test_on_a_friday_a_reader_of_weekdays_waits_until_monday() -> None:
    friday = AT + timedelta(days=2)
    assert upcoming_after(replace(READER, cadence="weekdays"), friday.date(), friday) == date(2026, 5, 25)


def test_a_readers_links_are_their_own_and_each_is_for_one_purpose() -> None:
    made, _read = letter(samples.ten())
    text = made.rendered.text
    for purpose, path, payload in (
        ("react", "r", {"s": 42}),
        ("edition", "editions", {"d": 7}),
        ("preferences", "preferences", {"s": 42}),
        ("unsubscribe", "unsubscribe", {"s": 42}),
    ):
        token = text.split(f"{post.BASE}/{path}/", 1)[1].split()[0].split("/")[0]
        assert post.TOKENS.verify(purpose, token, now=AT) == payload
