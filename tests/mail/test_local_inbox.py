"""The local inbox keeps every byte it is given, on loopback only, and is not upset by what lies in its folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.core.delivery import DeliveryKind
from digest.errors import ConfigError, NotFound
from digest.mail.local_inbox import LocalInbox, read_message, stored_messages
from digest.mail.message import Envelope, message_bytes, message_id
from digest.mail.smtp import Relay, Verdict
from tests.mail import samples

WHEN = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


def letter(kind: DeliveryKind, recipient: str) -> bytes:
    renderer = samples.renderer()
    rendered = renderer.digest(samples.ten(), samples.LINKS)
    if kind is DeliveryKind.CONFIRMATION:
        rendered = renderer.confirmation("https://firstlight.example/confirm/x")
    return message_bytes(
        rendered,
        sender=samples.SENDER,
        recipient=recipient,
        message_id=message_id(f"{kind}:{recipient}", "firstlight.example"),
        date=WHEN,
        kind=kind,
        unsubscribe_url=samples.LINKS.unsubscribe,
    )


def test_messages_are_kept_byte_for_byte_and_listed_newest_first(tmp_path: Path) -> None:
    sent = {
        "ada@reader.example": letter(DeliveryKind.CONFIRMATION, "ada@reader.example"),
        "bob+x@reader.example": letter(DeliveryKind.DIGEST, "bob+x@reader.example"),
    }
    with LocalInbox(tmp_path / "outbox", clock=lambda: WHEN) as inbox, Relay(inbox.url, helo="us.example") as relay:
        for recipient, message in sent.items():
            reply = relay.send(Envelope("bounces@firstlight.example", recipient), message)
            assert reply.verdict is Verdict.ACCEPTED
    listed = stored_messages(tmp_path / "outbox")
    assert [(each.recipient, each.kind, each.date) for each in listed] == [
        ("bob+x@reader.example", "digest", WHEN),
        ("ada@reader.example", "confirmation", WHEN),
    ]
    assert listed[1].name == "20260520T060000000000Z-00001-ada@reader.example.eml"
    assert listed[1].subject == "Confirm your subscription to Firstlight"
    for each in listed:
        above = f"Return-Path: <bounces@firstlight.example>\r\nX-Envelope-To: <{each.recipient}>\r\n".encode()
        assert (tmp_path / "outbox" / each.name).read_bytes() == above + sent[each.recipient]
        assert read_message(tmp_path / "outbox", each.name).get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "mail.example", ""])
def test_only_loopback_is_listened_on(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        LocalInbox(tmp_path, host=host)


def test_a_port_that_is_taken_is_a_clear_error(tmp_path: Path) -> None:
    with LocalInbox(tmp_path) as inbox:
        port = int(inbox.url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=str(port)):
            LocalInbox(tmp_path, port=port).start()


def test_an_inbox_can_be_stopped_twice_and_started_again(tmp_path: Path) -> None:
    inbox = LocalInbox(tmp_path)
    inbox.start()
    inbox.stop()
    inbox.stop()
    inbox.start()
    inbox.stop()


def test_a_message_that_is_too_large_is_rejected(tmp_path: Path) -> None:
    with LocalInbox(tmp_path, message_limit=1000) as inbox, Relay(inbox.url, helo="us.example") as relay:
        reply = relay.send(Envelope("", "ada@reader.example"), b"x\r\n" * 1000)
    assert (reply.verdict, reply.code) == (Verdict.REJECTED, 552)
    assert stored_messages(tmp_path) == []


def test_a_recipient_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    recipients = [
        "../../evil@reader.example",
        "a/b@reader.example",
        "..@reader.example",
        "é@reader.example",
        "x" * 64 + "@" + "y" * 60 + ".example",
    ]
    with LocalInbox(tmp_path / "in") as inbox, Relay(inbox.url, helo="us.example") as relay:
        for recipient in recipients:
            relay.send(Envelope("", recipient), b"Subject: x\r\n\r\ny\r\n")
    kept = stored_messages(tmp_path / "in")
    assert kept
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == sorted(each.name for each in kept)
    for each in kept:
        assert each.recipient in recipients
        read_message(tmp_path / "in", each.name)


def test_a_folder_that_cannot_be_written_defers(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    with LocalInbox(folder) as inbox, Relay(inbox.url, helo="us.example") as relay:
        folder.rmdir()
        reply = relay.send(Envelope("", "ada@reader.example"), b"Subject: x\r\n\r\ny\r\n")
    assert reply.verdict is Verdict.DEFERRED


def test_foreign_files_and_broken_messages_upset_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "outside.eml").write_bytes(b"Subject: secret\r\n\r\n")
    (folder / "20260520T060000000000Z-00009-link.eml").symlink_to(tmp_path / "outside.eml")
    (folder / "20260520T060000000000Z-00008-folder.eml").mkdir()
    (folder / "notes.txt").write_text("x")
    (folder / ".20260520T060000000000Z-00007-a.eml.part").write_text("half")
    (folder / "20260520T060000000000Z-00001-empty.eml").write_bytes(b"")
    (folder / "20260520T060000000000Z-00002-noise.eml").write_bytes(bytes(range(256)) * 40)
    (folder / "20260520T060000000000Z-00003-odd.eml").write_bytes(
        b"Subject: =?utf-8?b?////?= =?x\r\nX-Envelope-To: \xff\xfe\r\nContent-Type: ;;\r\n\r\n"
    )
    (folder / "20261399T060000000000Z-00004-date.eml").write_bytes(b"Subject: no such date\r\n\r\n")
    listed = stored_messages(folder)
    assert [each.name[27] for each in listed] == ["4", "3", "2", "1"]
    assert listed[0].date is None
    for each in listed:
        read_message(folder, each.name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../outside.eml",
        "/etc/passwd",
        "a\x00.eml",
        "..\\outside.eml",
        "notes.txt",
        "20260520T060000000000Z-00009-missing.eml",
        "x" * 5000,
    ],
)
def test_a_name_that_is_no_message_is_not_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(NotFound):
        read_message(tmp_path, name)


def test_a_missing_folder_holds_nothing(tmp_path: Path) -> None:
    assert stored_messages(tmp_path / "nowhere") == []
