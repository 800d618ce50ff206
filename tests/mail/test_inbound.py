"""Every kind of message that comes back is told apart, per recipient, and none of them can do harm."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.core.bounce import ReportKind
from digest.errors import RefusedInput
from digest.mail.inbound import read_inbound
from digest.mail.pieces import LARGEST_MESSAGE
from digest.mail.report import Report
from tests.mail.returned import ORIGINAL, arf, dsn, failed, plain


def reports(message: bytes) -> tuple[Report, ...]:
    return read_inbound(message).reports


def told(message: bytes) -> list[tuple[str, str, str]]:
    return [(str(one.kind), one.recipient, one.status) for one in reports(message)]


ADA = ("hard", "ada@reader.test", "5.1.1")


def test_each_recipient_of_a_status_report_is_reported_on() -> None:  # checklist 71
    message = dsn(
        "\n\n".join(
            [failed(), failed("rfc822;bob@reader.test", "4.4.1", "delayed"), failed("rfc822;c@d.test", "4.2.2")]
        )
    )
    assert told(message) == [ADA, ("soft", "bob@reader.test", "4.4.1"), ("soft", "c@d.test", "4.2.2")]
    assert reports(message)[0].reason == "550 5.1.1 no"


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("x400; /S=zz/OU=zeus/O=hud/C=GB/", "/S=zz/OU=zeus/O=hud/C=GB/"),
        ("<ada@reader.test>", "ada@reader.test"),
        ("RFC822;<ada@reader.test>", "ada@reader.test"),
        ("rfc/822;ada@reader.test", "ada@reader.test"),
        ("utf-8; f\\x{FC}r@reader.test", "für@reader.test"),
        ("rfc822; ada@reader.test (Ada)", "ada@reader.test"),
        ("rfc822;\n ada@reader.test", "ada@reader.test"),
        ("rfc822;@relay.test:ada@inner", "@relay.test:ada@inner"),
    ],
)
def test_recipients_are_read_in_every_notation(recipient: str, expected: str) -> None:  # checklist 71
    assert told(dsn(failed(recipient))) == [("hard", expected, "5.1.1")]


@pytest.mark.parametrize("action", ["failed", "Failed", "failure", "failed (bad address)", "error"])
def test_actions_are_read_in_every_spelling(action: str) -> None:
    assert told(dsn(failed(action=action))) == [ADA]


def test_success_reports_are_not_bounces() -> None:
    for action in ("delivered", "relayed", "expanded", "deliverable"):
        assert told(dsn(failed(status="2.1.5", action=action))) == [("not-a-bounce", "ada@reader.test", "2.1.5")]


def test_a_status_that_is_missing_is_taken_from_the_diagnostic() -> None:
    block = "Final-Recipient: rfc822; ada@reader.test\nAction: failed\nDiagnostic-Code: smtp; 550 5.1.1 unknown"
    assert told(dsn(block)) == [ADA]
    assert told(dsn(block.replace("550 5.1.1", "452"))) == [("soft", "ada@reader.test", "4.0.0")]
    block = "Final-Recipient: rfc822; ada@reader.test\nAction: failure\nStatus: 553 Too large"
    assert told(dsn(block)) == [("hard", "ada@reader.test", "5.0.0")]
    assert told(dsn("Final-Recipient: rfc822; ada@reader.test\nAction: expired\nStatus:")) == [
        ("soft", "ada@reader.test", "")
    ]


def test_torn_and_glued_groups_are_put_right() -> None:
    torn = "Final-Recipient: rfc822; ada@reader.test\n \nAction: failed\nStatus: 5.1.1"
    assert told(dsn(torn)) == [ADA]
    glued = failed() + "\n" + failed("rfc822; bob@reader.test", "5.2.2")
    assert told(dsn(glued)) == [ADA, ("hard", "bob@reader.test", "5.2.2")]
    spaced = "Action : failed\nStatus : 5.1.1\nFinal-Recipient : rfc822;ada@reader.test"
    assert told(dsn(spaced)) == [ADA]


@pytest.mark.parametrize("ending", [b"\r\n", b"\r\r\n", b"\r"])
def test_line_endings_do_not_matter(ending: bytes) -> None:
    assert told(dsn(failed()).replace(b"\n", ending)) == [ADA]


def test_wrong_types_and_encodings_do_not_matter() -> None:
    assert told(dsn(failed(), status_type="text/plain")) == [ADA]
    assert told(dsn(failed(), status_type="application/octet-stream")) == [ADA]
    assert told(dsn(failed(), status_type="message/global-delivery-status")) == [ADA]
    quoted = failed().replace("5.1.1", "5.=\n1.1")
    assert told(dsn(quoted, encoding="quoted-printable")) == [ADA]
    parts = base64.encodebytes(f"Reporting-MTA: dns; mx.test\n\n{failed()}\n".encode())
    message = dsn("BLOCKS", encoding="base64")
    head, _, rest = message.partition(b"Reporting-MTA")
    assert told(head + parts + rest[rest.index(b"\n--xyz") :]) == [ADA]


def test_broken_boundaries_do_not_matter() -> None:
    message = dsn(failed())
    assert told(
        message.replace(b'boundary="xyz"', b'boundary="rewritten-on-the-way"').replace(b"--xyz", b"--xyz0123")
    ) == [ADA]
    assert told(message.replace(b"--xyz--", b"")) == [ADA]
    assert told(message.replace(b"--xyz\n", b"\n")) == [ADA]
    assert told(b"From MAILER-DAEMON Wed May 20 06:00:00 2026\n" + message) == [ADA]


def test_what_a_person_forwards_is_not_taken_for_a_bounce() -> None:
    inner = dsn(failed()).decode()
    forwarded = f"""From: Bob <bob@reader.test>
To: digest@firstlight.test
Subject: Fwd: Undelivered Mail Returned to Sender
Content-Type: multipart/mixed; boundary="out"

--out
Content-Type: text/plain

What does this mean?
--out
Content-Type: message/rfc822

{inner}
--out--
"""
    assert [kind for kind, *_ in told(forwarded.encode())] == ["not-a-bounce"]
    quoted = plain(
        "Re: Undelivered Mail", "\n".join(f"> {line}" for line in failed().split("\n")), sender="bob@reader.test"
    )
    assert [kind for kind, *_ in told(quoted)] == ["not-a-bounce"]


def test_complaints_name_whom_they_come_from() -> None:  # checklist 75
    assert told(arf()) == [("complaint", "ada@reader.test", "")]
    assert told(arf(fields="Original-Rcpt-To: <bob@reader.test>\n")) == [("complaint", "bob@reader.test", "")]
    two = "Original-Rcpt-To: bob@reader.test\nOriginal-Rcpt-To: cy@reader.test\n"
    assert [recipient for _, recipient, _ in told(arf(fields=two))] == ["bob@reader.test", "cy@reader.test"]
    assert told(arf("opt-out", fields="Removal-Recipient: bob@reader.test\n")) == [
        ("unsubscribe", "bob@reader.test", "")
    ]
    assert told(arf("not-spam"))[0][0] == "not-a-bounce"
    assert told(arf("auth-failure"))[0][0] == "not-a-bounce"


@pytest.mark.parametrize(
    ("subject", "more"),
    [
        ("Out of Office: Today", ""),
        ("Automatic reply: Today", "X-Auto-Response-Suppress: All\n"),
        ("Today", "Auto-Submitted: auto-replied\n"),
        ("Today", "X-Autoreply: yes\n"),
        ("Today", "Precedence: auto_reply\n"),
        ("Abwesenheitsnotiz", "Return-Path: <>\n"),
        ("Re: Today", "Auto-Submitted: auto-replied (vacation)\nReturn-Path: <>\n"),
    ],
)
def test_automatic_replies_are_not_bounces(subject: str, more: str) -> None:  # checklist 79
    body = "I am away. My mailbox bob@other.test is full and mail could not be delivered; user unknown."
    assert told(plain(subject, body, sender="Ada <ada@reader.test>", more=more)) == [
        ("auto-reply", "ada@reader.test", "")
    ]


def test_a_receipt_is_not_a_bounce() -> None:
    receipt = dsn("Final-Recipient: rfc822; ada@reader.test\nDisposition: manual-action/MDN-sent-manually; displayed")
    receipt = receipt.replace(b"delivery-status", b"disposition-notification").replace(b"MAILER-DAEMON", b"ada")
    assert [kind for kind, *_ in told(receipt)] == ["auto-reply"]


def test_a_mail_that_asks_to_leave_is_recognised() -> None:
    assert told(plain("unsubscribe", "", sender="Ada <ada@reader.test>")) == [("unsubscribe", "ada@reader.test", "")]
    assert told(plain("", "Unsubscribe", sender="ada@reader.test"))[0][0] == "unsubscribe"
    assert (
        told(plain("UNSUBSCRIBE", "", sender="ada@reader.test", more="Auto-Submitted: auto-replied\n"))[0][0]
        == "unsubscribe"
    )
    assert told(plain("How do I unsubscribe?", "Tell me.", sender="ada@reader.test"))[0][0] == "not-a-bounce"


FREE = {
    "exim": (
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        "  ada@reader.test\n    host mx.reader.test: 550 5.1.1 <ada@reader.test>... User Unknown\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\nTo: ada@reader.test\n",
        ADA,
    ),
    "qmail": (
        "failure notice",
        "Hi. This is the qmail-send program at mx.test.\nI'm afraid I wasn't able to deliver your message to the "
        "following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        "<ada@reader.test>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n",
        ADA,
    ),
    "a list of recipients": (
        "Delivery status notification: error",
        "An error has occurred while attempting to deliver a message for\nthe following list of recipients:\n\n"
        "ada@reader.test: 550 5.1.1 no such person\n\n    Below is a copy of the original message:\n\nFrom: x@y.test\n",
        ADA,
    ),
    "words only": (
        "Undeliverable: Today",
        "Delivery has failed to these recipients or groups:\n\nada@reader.test\nThe address couldn't be found.\n\n"
        "Remote Server returned '550 5.1.1 RESOLVER.ADR.RecipNotFound; not found'\n",
        ADA,
    ),
    "a delay": (
        "Warning: message delayed 24 hours",
        "A message that you sent has not yet been delivered to one or more of its\nrecipients.\n\n  ada@reader.test\n\n"
        "Delivery attempts will continue; you do not need to resend it.\n",
        ("soft", "ada@reader.test", ""),
    ),
    "a returned header only": (
        "Returned mail: Cannot send message for 4 days",
        "   ----- Transcript of session follows -----\n421 reader.test... Deferred: timed out\n\n"
        "   ----- Unsent message follows -----\nReceived: by mx.test\nTo: ada@reader.test\n",
        ("soft", "ada@reader.test", "4.0.0"),
    ),
}


@pytest.mark.parametrize("name", FREE)
def test_free_forms_are_read(name: str) -> None:
    subject, body, expected = FREE[name]
    assert told(plain(subject, body)) == [expected]


def test_the_failed_recipients_field_is_believed() -> None:
    message = plain(
        "Delivery Status Notification (Failure)", "550 5.1.1 no", more="X-Failed-Recipients: ada@reader.test\n"
    )
    assert told(message) == [ADA]


def test_ordinary_mail_is_not_a_bounce() -> None:
    assert told(
        plain("Thank you", "I like the digest. Mail to bob@x.test was not delivered.", sender="ada@reader.test")
    ) == [("not-a-bounce", "", "")]


def test_what_a_report_returns_can_be_matched() -> None:  # checklist 72
    inbound = read_inbound(dsn(failed(), to="digest+b-1-xyz@firstlight.test"), envelope_to="pipe@firstlight.test")
    assert inbound.mentioned_ids == ("<0123abcd@firstlight.test>",)
    assert inbound.addressed_to == ("pipe@firstlight.test", "digest+b-1-xyz@firstlight.test")
    assert inbound.returned_to == ("digest@firstlight.test",)
    assert inbound.identity == "<report-1@mx.test>"


def test_too_much_and_nothing_are_refused() -> None:
    with pytest.raises(RefusedInput, match="32 MiB"):
        read_inbound(b"x" * (LARGEST_MESSAGE + 1))
    with pytest.raises(RefusedInput, match="empty"):
        read_inbound(b" \r\n")


def nested(depth: int) -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(depth)
    )
    return b"From: mailer-daemon@mx.test\nSubject: Undelivered\n" + opened + b"\nuser unknown <ada@reader.test>\n"


HOSTILE = {
    "deep multiparts": nested(20_000),
    "deep messages": b"From: mailer-daemon@x.test\n" + b"Content-Type: message/rfc822\n\n" * 50_000,
    "many parts": b'Content-Type: multipart/report; boundary="b"\n\n'
    + b"--b\nContent-Type: message/delivery-status\n\n" * 50_000,
    "many fields": b"".join(b"X-%d: y\n" % number for number in range(300_000)),
    "a folded field without end": b"Subject: x\n" + b" y\n" * 1_000_000,
    "one long line": b"From: mailer-daemon@x.test\nSubject: failed\n\n" + b"a" * 8_000_000,
    "many deliveries": b"From: mailer-daemon@x.test\nSubject: failed\n\n" + b"deliver" * 100_000 + b"fail" * 100_000,
    "many addresses": b"From: mailer-daemon@x.test\nSubject: user unknown\n\nuser unknown\n"
    + b"<a@b.test>\n" * 200_000,
    "many brackets": b"From: <<<<<" + b'"' * 100_000 + b"\nSubject: failed mail\n\n" + b"<" * 500_000,
    "many styles": b"From: postmaster@x.test\nSubject: failed\nContent-Type: text/html\n\n" + b"<style " * 100_000,
    "many recipients": dsn("\n\n".join(failed(f"rfc822; r{number}@x.test") for number in range(20_000))),
    "a character set of no use": plain(
        "=?zip?b?AAAA?= =?idna?q?=FF?=", "x", more="Content-Type: text/plain; charset=zip\n"
    ),
    "a null character": dsn(failed()).replace(b"reader.test", b"reader\0.test"),
    "no header": b"\0\xff\xfe" * 1000,
    "at signs": b"From: mailer-daemon@x.test\nSubject: failed\n\nnot delivered\n" + b"a@" * 300_000,
    "dashes": b"From: mailer-daemon@x.test\nSubject: failed\n\nnot delivered\n" + b"-" * 400_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_cost_little_and_raise_nothing(name: str) -> None:
    began = time.process_time()
    found = reports(HOSTILE[name])
    assert 1 <= len(found) <= 500
    assert all(len(one.reason) <= 300 and len(one.recipient) <= 300 for one in found)
    assert time.process_time() - began < 8


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_damage_makes_it_fail(data: st.DataObject) -> None:
    message = bytearray(
        data.draw(st.sampled_from([dsn(failed()), arf(), plain(*FREE["exim"][:2]), plain("x", ORIGINAL)]))
    )
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(message) - 1))
        message[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
        if not message:
            return
    if bytes(message).strip():
        assert all(one.kind in ReportKind for one in reports(bytes(message)))


@pytest.mark.parametrize(
    ("subject", "body", "more"),
    [
        (
            "Out of office: Undeliverable?",
            "Mail to bob@x.test is returned, 550 5.1.1 user unknown",
            "Auto-Submitted: auto-replied\n",
        ),
        ("Automatic reply: could not be delivered to my mind", "mailbox full", "X-Auto-Response-Suppress: All\n"),
        (
            "Abwesenheitsnotiz",
            "Ihre Nachricht wurde nicht zugestellt",
            "Return-Path: <>\nAuto-Submitted: auto-replied\n",
        ),
        (
            "Re: Today",
            "This address does not exist any more: 550 user unknown",
            "Return-Path: <>\nAuto-Submitted: auto-replied\n",
        ),
        ("Please confirm", "Your message could not be delivered until you do", "Auto-Submitted: auto-replied\n"),
    ],
)
def test_automatic_replies_in_the_words_of_bounces_are_none(subject: str, body: str, more: str) -> None:  # checklist 79
    [one] = read_inbound(plain(subject, body, sender="ada@reader.test", more=more)).reports
    assert (one.kind, one.recipient) == (ReportKind.AUTO_REPLY, "ada@reader.test")


def test_a_system_that_only_speaks_of_a_delay_is_read_as_soft() -> None:
    words = "Your message to <ada@reader.test> is delayed; we go on trying."
    [one] = read_inbound(
        plain("Delivery Status Notification (Delay)", words, more="Auto-Submitted: auto-replied\n")
    ).reports
    assert (one.kind, one.recipient) == (ReportKind.SOFT, "ada@reader.test")


@pytest.mark.parametrize("missing", [b"Feedback-Type: abuse\n", b"User-Agent: Loop/1.0\n", b"Version: 1\n"])
def test_a_complaint_that_lacks_a_field_is_one(missing: bytes) -> None:  # checklist 75
    [one] = read_inbound(arf().replace(missing, b"")).reports
    assert (one.kind, one.recipient) == (ReportKind.COMPLAINT, "ada@reader.test")


def test_a_complaint_that_names_nobody_is_a_complaint_of_nobody() -> None:
    bare = arf().partition(b"--abc\nContent-Type: message/rfc822")[0] + b"--abc--\n"
    for message in (bare, arf(original="Subject: x\n\nhi"), arf("miscategorised", original="To: undisclosed:;\n\n")):
        assert [(one.kind, one.recipient) for one in read_inbound(message).reports] == [(ReportKind.COMPLAINT, "")]
