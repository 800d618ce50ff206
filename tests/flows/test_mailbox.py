"""The bounce mailbox is read once, in order, over TLS, and nothing in it is lost or deleted."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.bounce import BounceAction
from digest.core.checkup import Health
from digest.core.plan import Task, Work
from digest.errors import ConfigError, MailboxUnavailable
from digest.flows import mailbox as flow
from digest.flows.deliver import deliver_due, materialise
from digest.flows.doctor_here import check_mailbox
from digest.flows.mailbox import poll
from digest.flows.tick import due_work
from digest.mail.imap import ImapMailbox
from digest.mail.imap_url import parse_imap_url
from digest.mail.verp import verp_address
from digest.store.engine import reading
from digest.store.mailbox import place_in
from digest.store.tables import BounceEvent, MailboxAside
from tests.conftest import NOW
from tests.mail.imap_server import PASSWORD, USER, Post, serving
from tests.mail.returned import dsn, failed, plain
from tests.mail.servers import certificate
from tests.post import SENDER, TOKENS, UNTIL, Sink, add_issue, add_reader, at_clock, courier, deliveries


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def port(post: Post, tls: tuple[ssl.SSLContext, Path]) -> Iterator[int]:
    with serving(post, tls[0]) as number:
        yield number


def url(port: int, tls: tuple[ssl.SSLContext, Path], *, more: str = "", password: str = PASSWORD) -> str:
    return f"imaps://{USER}:{quote(password, safe='')}@127.0.0.1:{port}/INBOX?ca={tls[1]}{more}"


@pytest.fixture
def box(port: int, tls: tuple[ssl.SSLContext, Path]) -> ImapMailbox:
    return ImapMailbox(url(port, tls), timeout=5)


def report(number: int) -> bytes:
    return dsn(failed(f"rfc822; r{number}@x.test"), own_id=f"<{number}@mx.test>").replace(b"\n", b"\r\n")


def events(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return [row.recipient for row in session.exec(select(BounceEvent).order_by(BounceEvent.id))]


def aside(engine: Engine) -> list[tuple[int, str]]:
    with reading(engine) as session:
        return [(row.uid, row.reason) for row in session.exec(select(MailboxAside))]


def test_new_messages_are_read_once_and_stay_where_they_are(engine: Engine, post: Post, box: ImapMailbox) -> None:
    post.add(report(1), report(2))
    assert poll(engine, TOKENS, box, now=NOW).as_plain() == {"messages": 2, "hard": 2, "set aside": 0}
    assert poll(engine, TOKENS, box, now=NOW).as_plain() == {"messages": 0, "set aside": 0}
    post.add(report(3))
    assert poll(engine, TOKENS, box, now=NOW).messages == 1
    assert events(engine) == ["r1@x.test", "r2@x.test", "r3@x.test"]
    assert len(post.messages) == 3
    assert any(line.startswith("EXAMINE") for line in post.said)
    assert not any(word in line for line in post.said for word in ("STORE", "EXPUNGE", "DELETE", "MOVE", "SELECT"))


def test_a_bounce_in_the_mailbox_acts_on_its_reader(sqlite_engine: Engine, post: Post, box: ImapMailbox) -> None:
    add_reader(sqlite_engine, "ada@reader.test")
    materialise(sqlite_engine, add_issue(sqlite_engine), now=NOW, until=UNTIL)
    deliver_due(sqlite_engine, courier(Sink()), worker="w", clock=at_clock(NOW))
    [one] = deliveries(sqlite_engine)
    post.add(dsn(failed(), to=verp_address(TOKENS, SENDER.address, one.id or 0)), plain("Hello", "you"))
    outcomes = poll(sqlite_engine, TOKENS, box, now=NOW).outcomes
    assert [outcome.action for outcome in outcomes] == [BounceAction.SUPPRESS, BounceAction.NONE]


def test_a_message_that_cannot_be_read_is_set_aside_and_the_next_is_read(
    sqlite_engine: Engine, post: Post, box: ImapMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:  # checklist 77
    receive = flow.receive

    def stumble(engine: Engine, tokens: object, message: bytes, **rest: object) -> object:
        if b"poison" in message:
            raise ValueError("a fault of ours")
        return receive(engine, tokens, message, **rest)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(flow, "receive", stumble)
    post.add(report(1), b"Subject: poison\r\n\r\n", b"\r\n", report(2))
    polled = poll(sqlite_engine, TOKENS, box, now=NOW)
    assert [uid for uid, _reason in polled.aside] == [2, 3]
    assert events(sqlite_engine) == ["r1@x.test", "r2@x.test"]
    assert aside(sqlite_engine) == polled.aside
    assert poll(sqlite_engine, TOKENS, box, now=NOW).aside == []


def test_a_message_that_is_too_large_is_not_even_fetched(sqlite_engine: Engine, post: Post, box: ImapMailbox) -> None:
    post.add(report(1))
    post.claimed_size = 40 * 2**20
    assert poll(sqlite_engine, TOKENS, box, now=NOW).aside == [(1, "the message is larger than 32 MiB")]
    assert not any("BODY" in line for line in post.said)


def test_a_kill_before_the_cursor_moves_reads_again_and_changes_nothing(
    sqlite_engine: Engine, post: Post, box: ImapMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:  # checklist 77
    post.add(report(1))
    advance = flow.store.advance
    monkeypatch.setattr(flow.store, "advance", lambda *_arguments: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        poll(sqlite_engine, TOKENS, box, now=NOW)
    assert events(sqlite_engine) == ["r1@x.test"]
    monkeypatch.setattr(flow.store, "advance", advance)
    [outcome] = poll(sqlite_engine, TOKENS, box, now=NOW).outcomes
    assert outcome.seen
    assert events(sqlite_engine) == ["r1@x.test"]


def test_new_uids_begin_at_the_start_and_count_nothing_twice(engine: Engine, post: Post, box: ImapMailbox) -> None:
    post.next_uid = 50_000  # more than one look through
    post.add(report(1), report(2))
    poll(engine, TOKENS, box, now=NOW)
    post.uid_validity, post.next_uid, post.messages = 8, 1, {}
    post.add(report(2), report(3))
    assert [outcome.seen for outcome in poll(engine, TOKENS, box, now=NOW).outcomes] == [True, False]
    assert events(engine) == ["r1@x.test", "r2@x.test", "r3@x.test"]


def test_a_large_mailbox_is_read_in_parts(sqlite_engine: Engine, post: Post, box: ImapMailbox) -> None:
    post.add(*(report(number) for number in range(5)))
    polls = [poll(sqlite_engine, TOKENS, box, now=NOW, limit=2) for _ in range(3)]
    assert [(one.messages, one.more) for one in polls] == [(2, True), (2, True), (1, False)]


@pytest.mark.parametrize("extensions", ["UIDPLUS MOVE AUTH=PLAIN", "UIDPLUS"])
def test_what_was_read_is_moved_where_that_is_asked_for(
    sqlite_engine: Engine, post: Post, port: int, tls: tuple[ssl.SSLContext, Path], extensions: str
) -> None:
    post.extensions = extensions
    post.add(report(1), b"\r\n", report(2))
    poll(sqlite_engine, TOKENS, ImapMailbox(url(port, tls, more="&move=Read%20mail"), timeout=5), now=NOW)
    assert post.moved == [(1, '"Read mail"'), (3, '"Read mail"')]
    assert list(post.messages) == [2]  # what could not be read stays


def test_a_server_that_can_only_delete_is_not_asked_to(
    sqlite_engine: Engine, post: Post, port: int, tls: tuple[ssl.SSLContext, Path]
) -> None:
    post.extensions = "AUTH=PLAIN"
    post.add(report(1))
    with pytest.raises(MailboxUnavailable, match=r"leave \?move= out"):
        poll(sqlite_engine, TOKENS, ImapMailbox(url(port, tls, more="&move=Read"), timeout=5), now=NOW)
    assert len(post.messages) == 1


def test_trouble_is_noted_and_nothing_is_lost(sqlite_engine: Engine, post: Post, box: ImapMailbox) -> None:
    post.add(report(1), report(2))
    post.hang_up_at = "UID FETCH 2"
    with pytest.raises(MailboxUnavailable):
        poll(sqlite_engine, TOKENS, box, now=NOW)
    with reading(sqlite_engine) as session:
        place = place_in(session, box.name)
    assert place is not None
    assert place.last_uid == 1
    assert place.trouble
    post.hang_up_at = ""
    assert poll(sqlite_engine, TOKENS, box, now=NOW).messages == 1


def test_the_password_goes_over_verified_tls_only_and_is_never_repeated(
    sqlite_engine: Engine, post: Post, port: int, tls: tuple[ssl.SSLContext, Path]
) -> None:  # checklist 35
    untrusted = ImapMailbox(url(port, tls).partition("?")[0], timeout=5)
    with pytest.raises(MailboxUnavailable, match="certificate"):
        poll(sqlite_engine, TOKENS, untrusted, now=NOW)
    assert post.said == []
    with pytest.raises(MailboxUnavailable) as refused:
        poll(sqlite_engine, TOKENS, ImapMailbox(url(port, tls, password="hunter22"), timeout=5), now=NOW)
    assert "hunter22" not in str(refused.value)
    assert "hunter22" not in repr(parse_imap_url(url(port, tls, password="hunter22")))


@pytest.mark.parametrize("offered", [True, False])
def test_imap_without_s_encrypts_before_it_signs_in_or_not_at_all(
    sqlite_engine: Engine, post: Post, tls: tuple[ssl.SSLContext, Path], offered: bool
) -> None:  # checklist 34, 35
    post.starttls = offered
    post.add(report(1))
    with serving(post, tls[0], implicit=False) as port:
        box = ImapMailbox(url(port, tls).replace("imaps:", "imap:"), timeout=5)
        if offered:
            assert poll(sqlite_engine, TOKENS, box, now=NOW).messages == 1
        else:
            with pytest.raises(MailboxUnavailable):
                poll(sqlite_engine, TOKENS, box, now=NOW)
            assert not any("AUTH" in line or "LOGIN" in line for line in post.said)


def test_a_server_without_sasl_is_signed_in_to_with_quotes(sqlite_engine: Engine, post: Post, box: ImapMailbox) -> None:
    post.extensions = "UIDPLUS"
    assert poll(sqlite_engine, TOKENS, box, now=NOW).messages == 0


@pytest.mark.parametrize(
    "wrong",
    [
        "imaps://host/INBOX",
        "imaps://user@host/INBOX",
        "pop3://u:p@host/",
        "imaps://u:p@/INBOX",
        "imaps://u:p@host:x/",
        "imaps://u:p%0d%0aA1@host/",
        "imaps://u:p@host/INBOX?move=INBOX",
        "imaps://u:p@host/?delete=yes",
        "imaps://u:p@host/P%C3%A4ckchen",
        "imaps://u:p@host/?ca=/nowhere.pem",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(wrong: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_imap_url(wrong.replace(":p@", ":hunter22@").replace(":p%", ":hunter22%"))
    assert "hunter22" not in str(refused.value)


def test_the_mailbox_is_due_every_five_minutes(sqlite_engine: Engine, post: Post, box: ImapMailbox) -> None:
    def due(minutes: int, name: str = box.name) -> bool:
        at = NOW + timedelta(minutes=minutes)
        return Work(Task.INBOUND) in due_work(sqlite_engine, [], cut_off=NOW, now=at, mailbox=name)

    assert due(0)
    assert not due(0, "")
    poll(sqlite_engine, TOKENS, box, now=NOW)
    assert not due(4)
    assert due(5)


def test_the_doctor_opens_the_mailbox_and_tells_what_was_set_aside(
    sqlite_engine: Engine, post: Post, box: ImapMailbox, port: int, tls: tuple[ssl.SSLContext, Path]
) -> None:
    assert check_mailbox(None, sqlite_engine, now=NOW).health is Health.OK
    assert check_mailbox(box, sqlite_engine, now=NOW).health is Health.OK
    post.add(b"\r\n")
    poll(sqlite_engine, TOKENS, box, now=NOW)
    assert check_mailbox(box, sqlite_engine, now=NOW).health is Health.WARNING
    assert check_mailbox(box, sqlite_engine, now=NOW + timedelta(days=15)).health is Health.OK
    refused = check_mailbox(ImapMailbox(url(port, tls, password="wrong"), timeout=5), sqlite_engine, now=NOW)
    assert refused.health is Health.FAILURE
