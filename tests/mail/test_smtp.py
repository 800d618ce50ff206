"""The SMTP client against a server that says what it likes, and against a real one with TLS."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from digest.errors import LostInDoubt, MessageRefused, RelayUnavailable
from digest.mail.message import Envelope
from digest.mail.smtp import FINAL_DOT_TIMEOUT, MESSAGES_PER_CONNECTION, Relay, Reply, Verdict
from tests.mail.servers import DROP, STALL, ScriptedServer, certificate

ENVELOPE = Envelope("bounces@firstlight.example", "ada@reader.example")
MESSAGE = b"Subject: x\r\n\r\n.\r\n..dots\r\nbody\r\n"


def send_to(
    server: ScriptedServer, envelope: Envelope = ENVELOPE, *, timeout: float = 5, final_timeout: float = 5
) -> Reply:
    with Relay(server.url, helo="us.example", timeout=timeout, final_timeout=final_timeout) as relay:
        return relay.send(envelope, MESSAGE)


def test_a_message_arrives_byte_for_byte_with_one_recipient() -> None:  # checklist 9, 37
    with ScriptedServer() as server:
        reply = send_to(server)
    assert reply == Reply(Verdict.ACCEPTED, 250, "2.0.0 fine")
    assert server.heard == [
        "ehlo us.example",
        "MAIL FROM:<bounces@firstlight.example>",
        "RCPT TO:<ada@reader.example>",
        "DATA",
        "QUIT",
    ]
    assert server.messages == [b"Subject: x\r\n\r\n..\r\n...dots\r\nbody\r\n"]


def test_the_null_sender_is_possible() -> None:
    with ScriptedServer() as server:
        assert send_to(server, Envelope("", "ada@reader.example")).verdict is Verdict.ACCEPTED
    assert "MAIL FROM:<>" in server.heard


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("451 4.3.0 try later", Reply(Verdict.DEFERRED, 451, "4.3.0 try later")),
        ("550 5.1.1 no such reader", Reply(Verdict.REJECTED, 550, "5.1.1 no such reader")),
        ("554-5.7.1 not\r\n554 5.7.1 wanted", Reply(Verdict.REJECTED, 554, "5.7.1 not 5.7.1 wanted")),
    ],
)
def test_a_refusal_is_a_verdict_and_the_connection_is_kept(verb: str, said: str, reply: Reply) -> None:
    with (
        ScriptedServer({verb: [said, "354 go on" if verb == "DATA" else "250 fine"]}) as server,
        Relay(server.url, helo="us.example", timeout=5, final_timeout=5) as relay,
    ):
        first, second = relay.send(ENVELOPE, MESSAGE), relay.send(ENVELOPE, MESSAGE)
    assert first == reply
    assert first.enhanced == said[4:9]
    assert second.verdict is Verdict.ACCEPTED
    assert server.connections == 1
    assert ("RSET" in server.heard) is (verb != ".")  # checklist 39


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_421_is_deferred_and_closes_the_connection(verb: str) -> None:  # checklist 40
    with (
        ScriptedServer({verb: ["421 4.7.0 too many", "354 go on" if verb == "DATA" else "250 fine"]}) as server,
        Relay(server.url, helo="us.example", timeout=5, final_timeout=5) as relay,
    ):
        first, second = relay.send(ENVELOPE, MESSAGE), relay.send(ENVELOPE, MESSAGE)
    assert first == Reply(Verdict.DEFERRED, 421, "4.7.0 too many")
    assert second.verdict is Verdict.ACCEPTED
    assert server.connections == 2


@pytest.mark.parametrize("verb", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("said", [DROP, STALL, "nonsense", "999 what", "x" * 9000])
def test_before_the_final_dot_every_failure_is_safe_to_retry(verb: str, said: str) -> None:
    script = {verb: said, "HELO": said} if verb == "EHLO" else {verb: said}
    with ScriptedServer(script) as server, pytest.raises(RelayUnavailable) as failure:
        send_to(server, timeout=0.3)
    assert server.messages == []
    assert "127.0.0.1:" in str(failure.value)
    assert not failure.value.permanent


@pytest.mark.parametrize("said", [DROP, STALL, "nonsense", "999 what", "354 more", "x" * 9000])
def test_after_the_final_dot_every_failure_is_in_doubt(said: str) -> None:
    with ScriptedServer({".": said}) as server, pytest.raises(LostInDoubt) as failure:
        send_to(server, final_timeout=0.3)
    assert len(server.messages) == 1
    assert failure.value.permanent


def test_a_connection_lost_while_the_body_is_sent_is_safe_to_retry() -> None:
    class Deaf(ScriptedServer):
        """Hang up on the first message before reading any of it."""

        def _say(self, connection: socket.socket, answer: str) -> bool:
            said = super()._say(connection, answer)
            return said and not (answer.startswith("354") and self.connections == 1)

    huge = MESSAGE + b"more\r\n" * 3_000_000  # more than the buffers between hold, so that its end is not written
    with Deaf() as server, Relay(server.url, helo="us.example", timeout=5) as relay:
        with pytest.raises(RelayUnavailable):
            relay.send(ENVELOPE, huge)
        assert relay.send(ENVELOPE, MESSAGE).verdict is Verdict.ACCEPTED
    assert len(server.messages) == 1


def test_the_reply_to_the_final_dot_may_take_longer_than_other_replies() -> None:  # checklist 41
    assert FINAL_DOT_TIMEOUT >= 600

    class Slow(ScriptedServer):
        def _answer(self, verb: str) -> str:
            if verb == ".":
                time.sleep(0.6)
            return super()._answer(verb)

    with Slow() as server:
        assert send_to(server, timeout=0.3, final_timeout=5).verdict is Verdict.ACCEPTED


def test_a_connection_is_used_for_a_hundred_messages() -> None:  # checklist 39
    with ScriptedServer() as server, Relay(server.url, helo="us.example", timeout=5) as relay:
        for _ in range(MESSAGES_PER_CONNECTION + 1):
            assert relay.send(ENVELOPE, MESSAGE).verdict is Verdict.ACCEPTED
    assert server.connections == 2
    assert len(server.messages) == MESSAGES_PER_CONNECTION + 1


@pytest.mark.parametrize("said", [DROP, "421 4.4.2 idle for too long"])
def test_an_idle_connection_that_the_relay_closed_is_opened_again(said: str) -> None:
    with (
        ScriptedServer({"MAIL": ["250 fine", said, "250 fine"]}) as server,
        Relay(server.url, helo="us.example", timeout=5) as relay,
    ):
        replies = [relay.send(ENVELOPE, MESSAGE) for _ in range(2)]
    assert [reply.verdict for reply in replies] == [Verdict.ACCEPTED] * 2
    assert server.connections == 2


def test_a_relay_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        Relay(f"smtp://127.0.0.1:{port}", helo="us.example") as relay,
        pytest.raises(RelayUnavailable, match=str(port)),
    ):
        relay.send(ENVELOPE, MESSAGE)


@pytest.mark.parametrize("greeting", ["421 busy", "554 5.7.1 go away"])
def test_a_relay_that_refuses_the_session_is_unavailable(greeting: str) -> None:
    with ScriptedServer({"connect": greeting}) as server, pytest.raises(RelayUnavailable):
        send_to(server)


def test_a_replys_text_is_bounded_and_has_no_control_characters() -> None:
    with ScriptedServer({"RCPT": "550 5.1.1 \x1b[31mred\x07 \u202eevil " + "x" * 900}) as server:
        reply = send_to(server)
    assert len(reply.text) <= 500
    assert reply.text.startswith("5.1.1 [31mred evil xxx")


@pytest.mark.parametrize("message", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\nb\r\n", b"a", b"", b"x" * 999 + b"\r\n"])
def test_a_message_that_could_smuggle_another_is_refused(message: bytes) -> None:  # checklist 1
    with ScriptedServer() as server, Relay(server.url, helo="us.example") as relay, pytest.raises(MessageRefused):
        relay.send(ENVELOPE, message)
    assert server.connections == 0


@pytest.mark.parametrize("address", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "a", "", "<a@b.example>"])
def test_an_address_that_could_smuggle_a_command_is_refused(address: str) -> None:
    with ScriptedServer() as server, Relay(server.url, helo="us.example") as relay, pytest.raises(MessageRefused):
        relay.send(Envelope("b@firstlight.example", address), MESSAGE)
    assert server.connections == 0


def test_smtputf8_is_used_only_where_it_is_offered() -> None:  # checklist 10
    envelope = Envelope("bounces@firstlight.example", "adá@bücher.example")
    with ScriptedServer() as server:
        reply = send_to(server, envelope)
        assert (reply.verdict, reply.enhanced) == (Verdict.REJECTED, "5.6.7")
        assert not any(command.startswith("MAIL") for command in server.heard)
    with ScriptedServer(features=("8BITMIME", "SMTPUTF8", "SIZE 1000000")) as server:
        assert send_to(server, envelope).verdict is Verdict.ACCEPTED
        size = len(MESSAGE)
        assert f"MAIL FROM:<bounces@firstlight.example> SIZE={size} SMTPUTF8 BODY=8BITMIME" in server.heard
        assert "RCPT TO:<adá@xn--bcher-kva.example>" in server.heard


class Sink:
    """Keep what a real server was given."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.passwords: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.contents.append(envelope.original_content)
        return "250 2.0.0 kept"

    def authenticate(self, server: SMTP, session: Any, envelope: Any, mechanism: str, auth: Any) -> AuthResult:
        self.passwords.append(auth.password)
        return AuthResult(success=auth.password == b"p/s:s@", handled=False)


@contextmanager
def real_server(sink: Sink, **options: Any) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


PASSWORD = "p%2Fs%3As%40"  # percent-encoded in URLs


def auth_options(sink: Sink) -> Mapping[str, Any]:
    return {"authenticator": sink.authenticate, "auth_required": True}


def test_starttls_with_a_trusted_certificate_signs_in_and_sends(tmp_path: Path) -> None:  # checklist 34
    context, ca = certificate(tmp_path)
    sink = Sink()
    with real_server(sink, tls_context=context, require_starttls=True, **auth_options(sink)) as port:
        for scheme in ("smtp", "smtp+starttls"):
            url = f"{scheme}://ada:{PASSWORD}@127.0.0.1:{port}?ca={ca}"
            with Relay(url, helo="us.example", timeout=5) as relay:
                assert relay.send(ENVELOPE, MESSAGE).verdict is Verdict.ACCEPTED
    assert sink.contents == [MESSAGE, MESSAGE]


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")  # the server cannot see that all of it is in TLS
def test_implicit_tls_signs_in_and_sends(tmp_path: Path) -> None:
    context, ca = certificate(tmp_path)
    sink = Sink()
    with (
        real_server(sink, ssl_context=context, auth_require_tls=False, **auth_options(sink)) as port,
        Relay(f"smtps://ada:{PASSWORD}@127.0.0.1:{port}?ca={ca}", helo="us.example", timeout=5) as relay,
    ):
        assert relay.send(ENVELOPE, MESSAGE).verdict is Verdict.ACCEPTED
    assert sink.passwords == [b"p/s:s@"]


@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_an_untrusted_or_mismatched_certificate_gets_no_password_and_no_message(  # checklist 34, 35
    tmp_path: Path, scheme: str, host: str
) -> None:
    context, ca = certificate(tmp_path, host=host)
    trusted = f"?ca={ca}" if host != "127.0.0.1" else ""  # trusted but for another host, or not trusted at all
    sink = Sink()
    with real_server(sink, tls_context=context, **auth_options(sink)) as port:
        url = f"{scheme}://ada:{PASSWORD}@127.0.0.1:{port}{trusted}"
        with (
            Relay(url, helo="us.example", timeout=5) as relay,
            pytest.raises(RelayUnavailable, match="certificate"),
        ):
            relay.send(ENVELOPE, MESSAGE)
    assert sink.passwords == sink.contents == []


def test_a_relay_without_starttls_gets_no_password() -> None:  # checklist 34, 35
    with ScriptedServer(features=("AUTH PLAIN LOGIN",)) as server:
        url = server.url.replace("smtp://", f"smtp+starttls://ada:{PASSWORD}@")
        with Relay(url, helo="us.example", timeout=5) as relay, pytest.raises(RelayUnavailable, match="STARTTLS"):
            relay.send(ENVELOPE, MESSAGE)
        assert not any("AUTH" in command.upper() for command in server.heard)


def test_if_offered_encrypts_where_offered_and_never_falls_back(tmp_path: Path) -> None:  # checklist 34
    with ScriptedServer() as plain, Relay(f"{plain.url}?starttls=if-offered", helo="us.example", timeout=5) as relay:
        assert relay.send(ENVELOPE, MESSAGE).verdict is Verdict.ACCEPTED
    context, ca = certificate(tmp_path)
    sink = Sink()
    with real_server(sink, tls_context=context, require_starttls=True) as port:
        url = f"smtp://127.0.0.1:{port}?starttls=if-offered"
        with Relay(url, helo="us.example", timeout=5) as relay, pytest.raises(RelayUnavailable, match="certificate"):
            relay.send(ENVELOPE, MESSAGE)
        with Relay(f"{url}&ca={ca}", helo="us.example", timeout=5) as relay:
            assert relay.send(ENVELOPE, MESSAGE).verdict is Verdict.ACCEPTED


def test_a_wrong_password_is_tried_once_and_not_repeated_to_people(tmp_path: Path) -> None:
    context, ca = certificate(tmp_path)
    sink = Sink()
    with real_server(sink, tls_context=context, **auth_options(sink)) as port:
        url = f"smtp://ada:wrong-word@127.0.0.1:{port}?ca={ca}"
        with Relay(url, helo="us.example", timeout=5) as relay, pytest.raises(RelayUnavailable) as failure:
            relay.send(ENVELOPE, MESSAGE)
    assert "wrong-word" not in str(failure.value)
    assert "535" in str(failure.value)
    assert sink.passwords == [b"wrong-word"]
