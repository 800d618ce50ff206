"""An SMTP client for many messages at once over several connections, that always knows what may have been taken."""

from __future__ import annotations

import contextlib
import selectors
import time
from collections import deque
from types import TracebackType

from digest.errors import RelayUnavailable
from digest.mail.dial import dial
from digest.mail.line import Line
from digest.mail.message import Envelope
from digest.mail.opener import Opener
from digest.mail.parcel import Answered, Failed, News, Parcel, Unbegun, Wanted, wrap_up
from digest.mail.relay_url import parse_relay_url
from digest.mail.reply import Reply, Verdict

__all__ = ["COMMAND_TIMEOUT", "FINAL_DOT_TIMEOUT", "MESSAGES_PER_CONNECTION", "Relay", "Reply", "Verdict"]

COMMAND_TIMEOUT = 60.0  # seconds
FINAL_DOT_TIMEOUT = 600.0  # seconds; RFC 5321 section 4.5.3.2.6: giving up earlier is how duplicates are made
MESSAGES_PER_CONNECTION = 100
CONNECTIONS = 24  # two processes together stay below the fifty that Postfix grants one client

_WORTH_A_CONNECTION = 4  # messages
_OPENED_AT_ONCE = 8
_HOSTAGE = 5.0  # seconds that a message waits behind another one's final dot before it is taken elsewhere
_FAREWELL = 0.5  # seconds
_MOST_CLOSINGS = 3


class Relay:
    """Connections to a relay, opened as there is work for them, reused, and closed after a hundred messages.

    `begin` gives it a message under a key of the caller's; `listen` tells what is heard: `Wanted` when the relay
    waits for the message, which `seal` then lets go, and at the end `Answered`, `Failed`, or `Unbegun` where another
    connection may take it. `room` says for how many there is room now; `trouble` is set, and `room` is 0, once no
    connection can be had. Not for use by several threads at once. `helo` is the name given in EHLO; timeouts are
    in seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        helo: str,
        connections: int = CONNECTIONS,
        timeout: float = COMMAND_TIMEOUT,
        final_timeout: float = FINAL_DOT_TIMEOUT,
    ) -> None:
        self._address = parse_relay_url(url)
        self._helo = helo
        self._connections = self._most = connections
        self._timeouts = timeout, final_timeout
        self._lines: set[Line] = set()
        self._idle: list[Line] = []
        self._roomy: deque[Line] = deque()  # with a message past its final dot, and none behind it
        self._unwritten: set[Line] = set()
        self._on: dict[int, tuple[Parcel, Line | None]] = {}
        self._news: list[News] = []
        self._wanted = 1
        self._closings = 0
        self._looked_at = 0.0
        self.trouble = ""
        self._opener = Opener(self._open)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._opener.bell, selectors.EVENT_READ)

    def __enter__(self) -> Relay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def room(self, waiting: int) -> int:
        """Return how many of the `waiting` messages may be begun now: fewer connections are opened for few."""
        if self.trouble:
            return 0
        self._wanted = min(self._most, 1 + waiting // _WORTH_A_CONNECTION)
        return min(waiting, len(self._idle) + len(self._roomy) + self._to_open)

    @property
    def _to_open(self) -> int:
        """How many connections more are wanted now."""
        return max(min(self._wanted - len(self._lines), _OPENED_AT_ONCE) - self._opener.opening, 0)

    def begin(self, key: int, envelope: Envelope, message: bytes) -> None:
        """Start one message to one recipient; only where there is room.

        Raises MessageRefused for a message or an address that would break the dialogue.
        """
        parcel = wrap_up(key, envelope, message)
        line: Line | None = None
        if self._idle:
            line = self._idle.pop()
        elif self._roomy and not self._to_open:
            line = self._roomy.popleft()
        self._on[key] = parcel, line
        if line is None:
            self._opener.open(key)
        else:
            line.begin(parcel)
            self._unwritten.add(line)

    def seal(self, key: int) -> None:
        """Let a message go that is wanted; it is written by the next `flush` or `listen`."""
        _, line = self._on[key]
        if line is None:
            raise ValueError("there is no message that the relay waits for")
        line.seal()
        self._unwritten.add(line)
        if line.pipelining and line.ahead is None and line.begun < MESSAGES_PER_CONNECTION:
            self._roomy.append(line)

    def recall(self, key: int) -> None:
        """Take back a message that is not sealed: the relay never gets its final dot."""
        self._news = [news for news in self._news if news.key != key]
        parcel, line = self._on.pop(key, (None, None))
        if parcel is None:
            return
        parcel.dropped = True
        if line is not None:
            line.drop(parcel)
            self._look_after(line)

    def flush(self) -> None:
        """Write what the connections take now."""
        for line in self._unwritten:
            line.write()
            self._watch(line)
            if line.over:
                self._look_after(line)
        self._unwritten.clear()

    def listen(self, seconds: float) -> list[News]:
        """Write, wait at most `seconds` for something to be heard, and return it."""
        self.flush()
        now = time.monotonic()
        if self._news:
            seconds = 0.0
        elif seconds > 0:
            seconds = max(0.0, min(seconds, min((line.deadline for line in self._lines), default=now + 1) - now))
        for ready, events in self._selector.select(seconds):
            line = ready.data
            if line is None:
                self._opener.hush()
                continue
            if events & selectors.EVENT_WRITE:
                line.write()
            if events & selectors.EVENT_READ and not line.over:
                line.read()
            self._look_after(line)
        self._welcome()
        if now - self._looked_at > 0.05:
            self._look_at_the_clock()
        news, self._news = self._news, []
        return news

    def send(self, envelope: Envelope, message: bytes) -> Reply:
        """Send one message on its own and return the relay's verdict.

        Raises RelayUnavailable if no verdict was reached and the final dot was not sent, so that sending again is
        safe; LostInDoubt if the connection died or made no sense after it; MessageRefused as `begin` does.
        """
        self.trouble, self._most = "", self._connections
        self.begin(0, envelope, message)
        while True:
            for news in self.listen(1.0):
                match news:
                    case Wanted():
                        self.seal(0)
                    case Answered(reply=reply):
                        return reply
                    case Failed(error=error):
                        raise error
                    case Unbegun() if self.trouble:
                        raise RelayUnavailable(self.trouble)
                    case Unbegun():
                        self.begin(0, envelope, message)

    def close(self) -> None:
        """Take leave of the relay; never raises for what the relay does. What is on its way is not waited for."""
        self._opener.close()
        leaving = [line for line in self._lines if line.idle]
        for line in leaving:
            line.leave()
        until = time.monotonic() + _FAREWELL
        for line in leaving:  # closing before the relay's 221 would make it log a lost connection
            with contextlib.suppress(OSError):
                line.socket.settimeout(max(until - time.monotonic(), 0.001))
                line.socket.recv(1024)
        for line in self._lines:
            line.close()
        self._lines.clear()
        self._idle.clear()
        self._roomy.clear()
        self._unwritten.clear()
        self._on.clear()
        self._selector.close()

    def _open(self) -> Line:
        connection = dial(self._address, helo=self._helo, timeout=self._timeouts[0])
        return Line(connection, where=self._address.where, timeout=self._timeouts[0], final_timeout=self._timeouts[1])

    def _welcome(self) -> None:
        """Put the connections that have been opened to use."""
        for key, opened in self._opener.opened():
            parcel, _ = self._on.get(key, (None, None))
            if isinstance(opened, RelayUnavailable):
                self._most = len(self._lines) + self._opener.opening
                if not self._most:
                    self.trouble = str(opened)
                if parcel is not None:
                    self._tell(Unbegun(key))
                continue
            self._lines.add(opened)
            self._selector.register(opened.socket, selectors.EVENT_READ, opened)
            if parcel is None:
                self._idle.append(opened)
                continue
            self._on[key] = parcel, opened
            opened.begin(parcel)
            opened.write()
            self._watch(opened)
            self._look_after(opened)

    def _watch(self, line: Line) -> None:
        if line in self._lines and not line.over:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.unwritten else 0)
            if self._selector.get_key(line.socket).events != wanted:
                self._selector.modify(line.socket, wanted, line)

    def _look_after(self, line: Line) -> None:
        """Pass on what a line has heard, and decide what becomes of it."""
        if line not in self._lines:
            return
        if line.news:
            told, line.news = line.news, []
            for news in told:
                self._tell(news)
        if not line.over:
            if line.unwritten:
                self._unwritten.add(line)
            if line.current is None and line not in self._idle:
                if line in self._roomy:
                    self._roomy.remove(line)
                if line.begun < MESSAGES_PER_CONNECTION:
                    self._idle.append(line)
                else:
                    line.leave()
        if line.over:
            self._retire(line)

    def _tell(self, news: News) -> None:
        if not isinstance(news, Wanted):
            self._on.pop(news.key, None)
        if isinstance(news, Answered) and news.reply.verdict is Verdict.ACCEPTED:
            self._closings = 0
        self._news.append(news)

    def _retire(self, line: Line) -> None:
        self._lines.discard(line)
        self._unwritten.discard(line)
        if line in self._idle:
            self._idle.remove(line)
        if line in self._roomy:
            self._roomy.remove(line)
        self._selector.unregister(line.socket)
        line.close()
        if line.told_to_close:
            self._closings += 1
            self._most = max(1, self._most - 1)  # perhaps there were too many
            if self._closings >= _MOST_CLOSINGS:
                self.trouble = f"{self._address.where} keeps closing the connection"
        if line.fault is not None:
            self._most = len(self._lines) + self._opener.opening  # it is not replaced: the next might end the same way
            if not self._most:
                self.trouble = str(line.fault)

    def _look_at_the_clock(self) -> None:
        self._looked_at = now = time.monotonic()
        for line in list(self._lines):
            if now >= line.deadline:
                line.time_out()
                self._look_after(line)
                continue
            ahead = line.ahead
            if ahead is not None and not ahead.dropped and line.deadline - now < self._timeouts[1] - _HOSTAGE:
                line.drop(ahead)
                self._tell(Unbegun(ahead.key))
