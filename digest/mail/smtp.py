"""An SMTP client that always knows whether a message may have been taken (RFC 5321)."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType

from digest.errors import LostInDoubt, MessageRefused, RelayUnavailable
from digest.mail.message import Envelope, ascii_address
from digest.mail.relay_url import Security, parse_relay_url

COMMAND_TIMEOUT = 60.0  # seconds
FINAL_DOT_TIMEOUT = 600.0  # seconds; RFC 5321 section 4.5.3.2.6: giving up earlier is how duplicates are made
MESSAGES_PER_CONNECTION = 100

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
_BROKEN_LINES = re.compile(rb"(?<!\r)\n|\r(?!\n)|[^\r\n]{999}")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class Verdict(StrEnum):
    """What a relay decided about one message."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Reply:
    """A relay's answer: its three digits and its text, bounded and without control characters."""

    verdict: Verdict
    code: int
    text: str

    @property
    def enhanced(self) -> str:
        """The enhanced status code at the start of the text (RFC 3463), such as `5.1.1`, or an empty string."""
        found = _ENHANCED.match(self.text)
        return found[0] if found else ""


class Relay:
    """One connection to a relay, opened when first needed, reused, and reopened after a hundred messages.

    Not for use by several threads at once. `helo` is the name given in EHLO; timeouts are in seconds.
    """

    def __init__(
        self, url: str, *, helo: str, timeout: float = COMMAND_TIMEOUT, final_timeout: float = FINAL_DOT_TIMEOUT
    ) -> None:
        self._address = parse_relay_url(url)
        self._helo = helo
        self._timeout = timeout
        self._final_timeout = final_timeout
        self._connection: smtplib.SMTP | None = None
        self._sent = 0

    def __enter__(self) -> Relay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take leave of the relay, if connected; never raises for what the relay does."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def send(self, envelope: Envelope, message: bytes) -> Reply:
        """Send one message to one recipient and return the relay's verdict.

        Raises RelayUnavailable if no verdict was reached and the final dot was not sent, so that sending again is
        safe; LostInDoubt if the connection died or made no sense after it; MessageRefused for a message or an
        address that would break the dialogue.
        """
        broken = _BROKEN_LINES.search(message)
        if broken or not message.endswith(b"\r\n"):
            at = broken.start() if broken else len(message)
            raise MessageRefused(f"the message has a bare CR or LF, or a line of over 998 octets, at octet {at}")
        mail_from = ascii_address(envelope.mail_from) if envelope.mail_from else ""
        rcpt_to = ascii_address(envelope.rcpt_to)
        try:
            connection, refusal = self._begin(mail_from, rcpt_to, len(message))
            reply = refusal or self._refused(connection.rcpt(rcpt_to)) or self._transfer(connection, message)
        except (smtplib.SMTPException, OSError) as fault:
            self._drop()
            raise RelayUnavailable(f"{self._address.where} broke off too early: {_readable(str(fault))}") from fault
        if reply.code == 421:  # the relay is closing the channel (RFC 5321 section 3.8)
            self._drop()
        elif reply.verdict is not Verdict.ACCEPTED and reply is not _NEEDS_SMTPUTF8:
            self._reset()
        return reply

    def _begin(self, mail_from: str, rcpt_to: str, size: int) -> tuple[smtplib.SMTP, Reply | None]:
        """Say MAIL FROM, on a new connection if the kept one has been closed meanwhile."""
        reused = self._connection is not None
        connection = self._ready()
        options = [f"SIZE={size}"] if connection.has_extn("size") else []
        if not (mail_from.isascii() and rcpt_to.isascii()):
            if not connection.has_extn("smtputf8"):
                return connection, _NEEDS_SMTPUTF8
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        self._sent += 1
        try:
            refusal = self._refused(connection.mail(mail_from, options))
            stale = refusal is not None and refusal.code == 421
        except (smtplib.SMTPException, OSError):
            if not reused:
                raise
            refusal, stale = None, True
        if reused and stale:  # the relay closed the idle connection; nothing was said on it yet
            self._drop()
            return self._begin(mail_from, rcpt_to, size)
        return connection, refusal

    def _transfer(self, connection: smtplib.SMTP, message: bytes) -> Reply:
        """Say DATA and send the message; past the final dot every failure leaves it in doubt."""
        code, text = connection.docmd("DATA")
        if code != 354:
            refusal = self._refused((code, text))
            if refusal is None:
                raise smtplib.SMTPResponseException(code, f"an answer to DATA that means nothing: {code}")
            return refusal
        connection.send(_LEADING_DOT.sub(b"..", message))
        try:
            if connection.sock is not None:
                connection.sock.settimeout(self._final_timeout)
            connection.send(b".\r\n")
            code, text = connection.getreply()
            if connection.sock is not None:
                connection.sock.settimeout(self._timeout)
        except (smtplib.SMTPException, OSError) as fault:
            self._drop()
            raise LostInDoubt(
                f"{self._address.where} broke off after the final dot: {_readable(str(fault))}"
            ) from fault
        if code // 100 == 2:
            return Reply(Verdict.ACCEPTED, code, _readable(text))
        try:
            refusal = self._refused((code, text))
        except smtplib.SMTPException as fault:
            refusal = None
            reason = str(fault)
        else:
            reason = f"{code} {_readable(text)}"
        if refusal is None:
            self._drop()
            raise LostInDoubt(f"{self._address.where} answered the final dot with nonsense: {reason}")
        return refusal

    def _ready(self) -> smtplib.SMTP:
        if self._connection is not None and self._sent >= MESSAGES_PER_CONNECTION:
            self.close()
        if self._connection is None:
            self._connection = self._connect()
            self._sent = 0
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        """Connect, encrypt as the URL says and sign in; any failure is RelayUnavailable."""
        address = self._address
        context = None if address.security is Security.NEVER else address.tls_context()
        connection: smtplib.SMTP | None = None
        try:
            if address.security is Security.IMPLICIT:
                connection = smtplib.SMTP_SSL(
                    address.host, address.port, self._helo, timeout=self._timeout, context=context
                )
            else:
                connection = smtplib.SMTP(address.host, address.port, self._helo, timeout=self._timeout)
            if connection.sock is not None:  # else the final dot waits 40 ms for the ACK of the body before it
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.ehlo_or_helo_if_needed()
            if context is not None and address.security is not Security.IMPLICIT:
                if connection.has_extn("starttls"):
                    connection.starttls(context=context)
                    connection.ehlo_or_helo_if_needed()
                elif address.security is Security.REQUIRE:
                    raise smtplib.SMTPNotSupportedError(
                        "it offers no STARTTLS; add ?starttls=never to the SMTP URL if that is meant to be"
                    )
            if address.user:
                _sign_in(connection, address.user, address.password)
        except (smtplib.SMTPException, OSError, ValueError) as fault:
            if connection is not None:
                connection.close()
            raise RelayUnavailable(f"the relay {address.where} cannot be used: {_readable(str(fault))}") from fault
        return connection

    def _refused(self, answer: tuple[int, bytes]) -> Reply | None:
        """Turn a 4xx or 5xx answer into a reply, a 2xx into None; anything else breaks the dialogue off."""
        code, text = answer
        if code // 100 == 2:
            return None
        if code // 100 not in {4, 5}:
            raise smtplib.SMTPResponseException(code, f"an answer that means nothing: {_readable(text)}")
        return Reply(Verdict.DEFERRED if code // 100 == 4 else Verdict.REJECTED, code, _readable(text))

    def _reset(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            code, _ = connection.rset()
        except (smtplib.SMTPException, OSError):
            code = 0
        if code // 100 != 2:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


_NEEDS_SMTPUTF8 = Reply(
    Verdict.REJECTED, 553, "5.6.7 the address needs SMTPUTF8 (RFC 6531), which the relay does not offer"
)


def _sign_in(connection: smtplib.SMTP, user: str, password: str) -> None:
    """Sign in once, over TLS: `login` would try a wrong password again with every mechanism, and lock accounts."""
    offered = connection.esmtp_features.get("auth", "").upper().split()
    connection.user, connection.password = user, password
    for mechanism, answer in (("PLAIN", connection.auth_plain), ("LOGIN", connection.auth_login)):
        if mechanism in offered:
            connection.auth(mechanism, answer)
            return
    raise smtplib.SMTPNotSupportedError("it offers neither AUTH PLAIN nor AUTH LOGIN")


def _readable(text: bytes | str) -> str:
    """Make a relay's words safe to store and show: one line, at most 500 characters, no control characters."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    printable = ("".join(" " if unicodedata.category(mark)[0] in "CZ" else mark for mark in words[:2000])).split()
    return " ".join(printable)[:500]
