"""Messages as bytes: what a strict reader of RFC 5322 and MIME finds in them."""

from __future__ import annotations

import email
import email.policy
import os
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.core.delivery import DeliveryKind
from digest.errors import MessageRefused
from digest.mail.fragments import Rendered
from digest.mail.message import ascii_address, message_bytes, message_id
from digest.mail.render import Sender
from tests.mail import samples

GOLDEN = Path(__file__).parent / "golden" / "digest.eml"
WHEN = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)
PLAIN = Rendered(subject="A subject", html="<p>one</p>\n", text="one\n")
RENDERER = samples.renderer()
UNSUBSCRIBE = samples.LINKS.unsubscribe


def built(rendered: Rendered = PLAIN, **changes: object) -> bytes:
    """A digest, with the changes asked for."""
    fields: dict[str, object] = {
        "sender": samples.SENDER,
        "recipient": "ada@reader.example",
        "message_id": message_id("digest:1:42", "firstlight.example"),
        "date": WHEN,
        "kind": DeliveryKind.DIGEST,
        "list_id": "digest.firstlight.example",
        "unsubscribe_url": UNSUBSCRIBE,
        "unsubscribe_mailto": "unsubscribe@firstlight.example",
    }
    return message_bytes(rendered, **{**fields, **changes})  # type: ignore[arg-type]  # a test changes what it likes


def parsed(message: bytes) -> EmailMessage:
    """The message as the standard library reads it; any defect fails the test."""
    read = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    for part in read.walk():
        assert part.defects == []
    return read


def parts_of(message: EmailMessage) -> tuple[str, str]:
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def lines_are_sound(message: bytes) -> None:
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", message)
    head, _, body = message.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, body.split(b"\r\n"))) <= 76


def test_a_digest_is_as_it_was_accepted() -> None:  # checklist 1, 2, 6, 8
    message = built(samples.renderer().digest(samples.ten(), samples.LINKS))
    lines_are_sound(message)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_bytes(message)
    assert message == GOLDEN.read_bytes(), "run UPDATE_GOLDEN=1 pytest tests/mail to accept the change"


def test_a_digest_has_each_header_once_and_to_the_letter() -> None:  # checklist 2, 11, 12, 13, 15, 16, 17
    raw = built()
    read = parsed(raw)
    assert len(read.keys()) == len({name.lower() for name in read})
    assert str(read["From"]) == "Firstlight <digest@firstlight.example>"
    assert str(read["To"]) == "ada@reader.example"
    assert str(read["Reply-To"]) == "hello@firstlight.example"
    assert read["Date"].datetime == WHEN
    assert str(read["List-Id"]) == "Firstlight <digest.firstlight.example>"
    assert str(read["List-Unsubscribe"]) == (
        f"<{UNSUBSCRIBE}>, <mailto:unsubscribe@firstlight.example?subject=unsubscribe>"
    )
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert str(read["List-Help"]) == str(read["List-Owner"]) == "<mailto:hello@firstlight.example>"
    assert str(read["Precedence"]) == "bulk"
    assert str(read["Feedback-ID"]) == "20260520:digest:firstlight.example"
    assert "Auto-Submitted" not in read


@pytest.mark.parametrize("kind", [DeliveryKind.CONFIRMATION, DeliveryKind.SIGN_IN, DeliveryKind.ALERT])
def test_other_kinds_are_marked_automatic_and_are_no_list(kind: DeliveryKind) -> None:  # checklist 16
    read = parsed(built(kind=kind))
    assert str(read["Auto-Submitted"]) == "auto-generated"
    assert not [name for name in read if name.lower().startswith(("list-", "precedence"))]


def test_without_a_contact_there_is_no_reply_to() -> None:
    read = parsed(built(sender=Sender("Firstlight", "digest@firstlight.example", "12 Example Street", "")))
    assert not {"Reply-To", "List-Help", "List-Owner"} & set(read.keys())


def test_a_message_id_is_the_same_for_the_same_key_only() -> None:  # checklist 3
    assert message_id("digest:1:42", "a.example") == message_id("digest:1:42", "a.example")
    assert message_id("digest:1:42", "a.example") != message_id("digest:1:43", "a.example")
    assert message_id("k", "bücher.example").endswith("@xn--bcher-kva.example>")


@pytest.mark.parametrize(
    "changes",
    [
        {"rendered": Rendered("A\r\nBcc: x@evil.example", "h", "t")},
        {"rendered": Rendered("A\nB", "h", "t")},
        {"rendered": Rendered("A\x00B", "h", "t")},
        {"rendered": Rendered("A\u2028B", "h", "t")},
        {"rendered": Rendered("A \ud800", "h", "t")},
        {"rendered": Rendered("A", "h \udfff", "t")},
        {"recipient": "a@reader.example\r\nBcc: b@evil.example"},
        {"recipient": "a@reader.example, b@evil.example"},
        {"recipient": "no address"},
        {"recipient": "a@xn--\u0378.example"},
        {"recipient": ""},
        {"sender": Sender("A\r\nB", "digest@firstlight.example", "", "")},
        {"sender": Sender("A", "digest@firstlight.example\nX: y", "", "")},
        {"sender": Sender("A", "digest@firstlight.example", "", "c@d.example\nX: y")},
        {"message_id": "<a@b>\r\nX: y"},
        {"message_id": "a@b"},
        {"list_id": "a.example>\r\nX: y"},
        {"unsubscribe_url": "https://a.example/\r\nX: y"},
        {"unsubscribe_url": "https://a.example/>, <https://evil.example/"},
        {"unsubscribe_url": "javascript:x"},
        {"unsubscribe_url": ""},
        {"unsubscribe_url": "https://a.example/" + "x" * 3000},
        {"unsubscribe_mailto": "a@b.example\r\nX: y"},
    ],
)
def test_a_value_that_would_break_a_header_is_refused(changes: dict[str, object]) -> None:  # checklist 4
    with pytest.raises(MessageRefused):
        built(**changes)  # type: ignore[arg-type]  # as above


NAMES = ['Ada "The" Reader', "Fírstlight ☀", "a, b <c@d.example>", "=?utf-8?q?x?=", "back\\slash", "x" * 200, "é" * 90]


@pytest.mark.parametrize("name", NAMES)
def test_any_display_name_is_read_back(name: str) -> None:  # checklist 5
    raw = built(sender=Sender(name, "digest@firstlight.example", "", ""))
    lines_are_sound(raw)
    (mailbox,) = parsed(raw)["From"].addresses
    assert mailbox.addr_spec == "digest@firstlight.example"
    # The standard library leaves the spaces between encoded words in a phrase, against RFC 2047 section 6.2.
    assert mailbox.display_name.replace(" ", "") == name.replace(" ", "")


def test_a_sender_without_a_name_is_its_address() -> None:
    raw = built(sender=Sender("", "digest@firstlight.example", "", ""))
    assert b"From: digest@firstlight.example\r\n" in raw
    assert b"List-Id: <digest.firstlight.example>\r\n" in raw


def test_domains_go_in_ascii_and_local_parts_stay() -> None:  # checklist 10
    assert ascii_address("ada@bücher.example") == "ada@xn--bcher-kva.example"
    assert ascii_address("ada@straße.example") == "ada@xn--strae-oqa.example"
    assert ascii_address("Ädä@reader.example") == "Ädä@reader.example"


LETTERS = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)


@settings(max_examples=150, deadline=None)
@given(subject=LETTERS.map(lambda text: " ".join(text.split())), body=st.text(max_size=600))
@example(subject="=?utf-8?q?a?= and 🚀" * 20, body=".\n..\n. \n-- \nFrom x\n\ta \n=3D\r\nb\rc\n\n")
@example(subject="דגמים קטנים", body="https://a.example/?" + "x=1&" * 768)
@example(subject="a " * 200, body="")
@example(subject="x" * 400, body="\x85 \u2028 \x0b \x0c \x1c end")
def test_any_words_are_read_back(subject: str, body: str) -> None:  # checklist 1, 5, 6, 8
    body = body.encode("utf-8", "replace").decode() + "\n"
    raw = built(Rendered(subject=subject, html=f"<p>{body}</p>\n", text=body))
    lines_are_sound(raw)
    read = parsed(raw)
    assert str(read["Subject"]) == subject
    read_back = body.replace("\r\n", "\n").replace("\r", "\n")
    assert parts_of(read) == (read_back, f"<p>{read_back}</p>\n")


@settings(max_examples=30, deadline=None)
@given(title=st.text(min_size=1, max_size=200), name=st.text(max_size=80))
def test_any_title_makes_a_sound_digest(title: str, name: str) -> None:
    rendered = RENDERER.digest(samples.edition(samples.card(1, title=title, authors=(name,))), samples.LINKS)
    raw = built(rendered)
    lines_are_sound(raw)
    assert parts_of(parsed(raw)) == (rendered.text, rendered.html)
    assert str(parsed(raw)["Subject"]) == rendered.subject


def test_a_plain_digest_is_one_part_with_the_headers_of_any_other() -> None:  # checklist 1, 2, 8, 12, 13
    whole, plain = (built(RENDERER.digest(samples.ten(), samples.LINKS, plain=how)) for how in (False, True))
    lines_are_sound(plain)
    read = parsed(plain)
    assert read.get_content_type() == "text/plain"
    assert read.get_content().replace("\r\n", "\n") == RENDERER.digest(samples.ten(), samples.LINKS).text
    others = {"Content-Type", "Content-Transfer-Encoding"}
    fields = [(name, str(value)) for name, value in parsed(whole).items() if name not in others]
    assert [(name, str(value)) for name, value in read.items() if name not in others] == fields


def test_the_standard_library_builds_the_same_parts() -> None:
    rendered = RENDERER.digest(samples.ten(), samples.LINKS)
    oracle = EmailMessage(policy=email.policy.SMTP)
    oracle.set_content(rendered.text, cte="quoted-printable")
    oracle.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    assert parts_of(parsed(built(rendered))) == parts_of(parsed(oracle.as_bytes()))


def test_the_same_input_gives_the_same_bytes() -> None:
    assert built() == built()
