"""One SMTP connection as a state machine: it never waits, and knows whether a message may have been taken."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import time
from collections import deque
from enum import StrEnum

from digest.errors import LostInDoubt, RelayUnavailable
from digest.mail.parcel import Answered, Failed, News, Parcel, Unbegun, Wanted
from digest.mail.reply import NEEDS_SMTPUTF8, Nonsense, Reply, ReplyReader, Verdict, readable, refusal

_CHUNK = 65_536
_CLOSING = 421  # the relay is closing the channel (RFC 5321 section 3.8)


class Verb(StrEnum):
    """What a reply is expected to; DOT is the end of a message."""

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "."


class Line:
    """A connection that `dial` has opened. At most one message on it is past its final dot.

    Where the relay offers PIPELINING (RFC 2920), an envelope goes in one write, and that of the next message may
    follow a final dot at once. Nothing here blocks: `write` and `read` are called when the socket is ready, and
    `news` tells what came of it. Once `over`, the line must be closed.
    """

    def __init__(self, connection: smtplib.SMTP, *, where: str, timeout: float, final_timeout: float) -> None:
        if connection.sock is None:
            raise RelayUnavailable(f"{where} closed the connection at once")
        self.socket = connection.sock
        self.socket.setblocking(False)
        self._connection = connection
        self.pipelining = connection.has_extn("pipelining")
        self._size = connection.has_extn("size")
        self._utf8 = connection.has_extn("smtputf8")
        self._encrypted = isinstance(self.socket, ssl.SSLSocket)
        self._where = where
        self._timeouts = timeout, final_timeout
        self._reader = ReplyReader()
        self._expected: deque[tuple[Verb, Parcel | None]] = deque()
        self._unsaid: deque[tuple[Verb, bytes, Parcel | None]] = deque()
        self._out: deque[bytes | memoryview] = deque()
        self._queued = self._written = 0  # octets
        self._needs_reset = False
        self.current: Parcel | None = None
        self.ahead: Parcel | None = None
        self.begun = 0
        self.finished = 0
        self.deadline = float("inf")
        self.news: list[News] = []
        self.over = ""  # why
        self.told_to_close = False
        self.fault: RelayUnavailable | LostInDoubt | None = None  # where it was not orderly

    @property
    def idle(self) -> bool:
        """Whether no message is on it."""
        return self.current is None and not self.over

    @property
    def unwritten(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._out)

    def begin(self, parcel: Parcel) -> None:
        """Say a message's envelope: now, or behind the message that is under way."""
        self.begun += 1
        if self.current is None:
            self.current = parcel
            self._say_envelope(parcel)
        else:
            self.ahead = parcel
            if self.current.sealed:
                self._say_envelope(parcel)

    def seal(self) -> None:
        """Let the message that is wanted go, with its final dot."""
        parcel = self.current
        if parcel is None or not parcel.wanted or parcel.sealed:
            raise ValueError("there is no message that the relay waits for")
        parcel.sealed = True
        self._queue(parcel.body)
        self._queue(b".\r\n")
        parcel.ends_at = self._queued
        self._expect(Verb.DOT, parcel)
        if self.ahead is not None:
            self._say_envelope(self.ahead)

    def drop(self, parcel: Parcel) -> None:
        """Forget a message that is not sealed; the relay is never told its final dot."""
        parcel.dropped = True
        if parcel.wanted:  # from within DATA there is no way back but to hang up
            self._break("a message was taken back")

    def write(self) -> None:
        """Write what the socket takes."""
        if not self._out:
            return
        if len(self._out) > 1:
            joined = b"".join(self._out)
            self._out.clear()
            self._out.append(joined)
        chunk = self._out[0]
        try:
            taken = self.socket.send(chunk)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError as fault:
            self._break(str(fault) or type(fault).__name__)
            return
        self._written += taken
        self._out.clear()
        if taken < len(chunk):
            self._out.append(memoryview(chunk)[taken:])

    def read(self) -> None:
        """Read what has arrived and act on the replies in it."""
        while not self.over:
            try:
                arrived = self.socket.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as fault:
                self._break(str(fault) or type(fault).__name__)
                return
            if not arrived:
                self._break("it closed the connection")
                return
            try:
                for code, text in self._reader.feed(arrived):
                    if not self.over:
                        self._hear(code, text)
            except Nonsense as fault:
                self._break(str(fault))
                return
            if not self._encrypted and len(arrived) < _CHUNK:
                return

    def time_out(self) -> None:
        """Give up waiting for a reply."""
        self._break("it does not answer")

    def leave(self) -> None:
        """Say QUIT, as far as that goes without waiting; only on an idle line."""
        self.over = "done"
        with contextlib.suppress(OSError):
            self.socket.send(b"QUIT\r\n")

    def close(self) -> None:
        """Close the connection; what is on it has been told in `news` before."""
        self._connection.close()

    def _say_envelope(self, parcel: Parcel) -> None:
        options = f" SIZE={parcel.size}" if self._size else ""
        if not (parcel.mail_from.isascii() and parcel.rcpt_to.isascii()):
            if not self._utf8:
                parcel.refusal = NEEDS_SMTPUTF8
                self._finish(parcel, NEEDS_SMTPUTF8)
                return
            options += " SMTPUTF8 BODY=8BITMIME"
        if self._needs_reset:
            self._needs_reset = False
            self._unsaid.append((Verb.RSET, b"RSET\r\n", None))
        self._unsaid += (
            (Verb.MAIL, f"MAIL FROM:<{parcel.mail_from}>{options}\r\n".encode(), parcel),
            (Verb.RCPT, f"RCPT TO:<{parcel.rcpt_to}>\r\n".encode(), parcel),
            (Verb.DATA, b"DATA\r\n", parcel),
        )
        self._go_on()

    def _go_on(self) -> None:
        """Say what may be said now: all of it, or one command at a time."""
        while self._unsaid and (self.pipelining or not self._expected):
            verb, words, parcel = self._unsaid.popleft()
            self._queue(words)
            self._expect(verb, parcel)

    def _queue(self, words: bytes) -> None:
        self._out.append(words)
        self._queued += len(words)

    def _expect(self, verb: Verb, parcel: Parcel | None) -> None:
        self._expected.append((verb, parcel))
        if len(self._expected) == 1:
            self._wait_for(verb)

    def _wait_for(self, verb: Verb) -> None:
        self.deadline = time.monotonic() + self._timeouts[verb is Verb.DOT]

    def _hear(self, code: int, text: bytes) -> None:
        if not self._expected:
            if code == _CLOSING:  # said on its own account, to a line that was idle for too long
                self._break("it closed the idle connection")
                return
            raise Nonsense(f"an answer to nothing: {code} {readable(text)}")
        verb, parcel = self._expected.popleft()
        if parcel is None:
            if code // 100 != 2:
                raise Nonsense(f"a refusal of RSET: {code} {readable(text)}")
        elif verb is Verb.DOT:
            reply = _verdict(code, text)
            self._finish(parcel, reply)
            if code == _CLOSING:
                self._close_down()
        else:
            self._hear_envelope(verb, parcel, code, text)
        if self.over:
            return
        if self._expected:
            self._wait_for(self._expected[0][0])
        else:
            self.deadline = float("inf")
        self._go_on()

    def _hear_envelope(self, verb: Verb, parcel: Parcel, code: int, text: bytes) -> None:
        if verb is Verb.DATA and code == 354:
            parcel.heard = parcel.wanted = True
            if parcel.refusal is not None:  # refused, and yet asked for: hang up rather than send a lone dot
                self._finish(parcel, parcel.refusal)
                self._break("it asked for a message that it had refused")
            elif parcel.dropped:
                self._break("a message was taken back")
            else:
                self.news.append(Wanted(parcel.key))
            return
        said = refusal(code, text)
        if verb is Verb.DATA and said is None:
            raise Nonsense(f"an answer to DATA that means nothing: {code}")
        if code == _CLOSING and self.finished and not parcel.heard:
            self._break("it closed the idle connection")  # nothing was said of this message yet
            return
        parcel.heard = True
        if said is None:
            return
        parcel.refusal = parcel.refusal or said
        if verb is Verb.DATA or not self.pipelining or said.code == _CLOSING:
            self._unsaid.clear()
            self._needs_reset = True
            self._finish(parcel, parcel.refusal)
            if said.code == _CLOSING:
                self._close_down()

    def _finish(self, parcel: Parcel, reply: Reply) -> None:
        if not parcel.dropped:
            self.news.append(Answered(parcel.key, reply))
        self.finished += 1
        self.current, self.ahead = self.ahead, None

    def _close_down(self) -> None:
        self.told_to_close = True
        self._break("it closed the connection")

    def _break(self, why: str) -> None:
        """End the line; every message on it is told what became of it."""
        self.over = why
        for parcel in (self.current, self.ahead):
            if parcel is None or parcel.dropped:
                continue
            if parcel.sealed and (self._encrypted or self._written >= parcel.ends_at):
                self.fault = LostInDoubt(f"{self._where} broke off after the final dot: {readable(why)}")
                self.news.append(Failed(parcel.key, self.fault))
            elif parcel is self.ahead or (self.finished and not parcel.heard):
                self.news.append(Unbegun(parcel.key))
            else:
                self.fault = RelayUnavailable(f"{self._where} broke off too early: {readable(why)}")
                self.news.append(Failed(parcel.key, self.fault))
        self.current = self.ahead = None


def _verdict(code: int, text: bytes) -> Reply:
    if code // 100 == 2:
        return Reply(Verdict.ACCEPTED, code, readable(text))
    said = refusal(code, text)
    if said is None:
        raise Nonsense(f"an answer that means nothing: {code}")
    return said
