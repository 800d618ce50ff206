"""A small SMTP server on loopback that keeps every message it is given as a file, for the demo and the tests."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Received

from digest.errors import ConfigError, NotFound
from digest.mail.relay_url import is_loopback

MESSAGE_LIMIT = 2 * 1024 * 1024  # bytes; a digest has at most about 120 KB

_NAME = re.compile(r"(?P<at>\d{8}T\d{12}Z)-\d{5}-[^/\\\x00]+\.eml")
_UNSAFE = re.compile(r"[^A-Za-z0-9._@+-]+")
_HEAD_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message in the inbox: its file name, who it was for, its subject, when it came (UTC), and its kind.

    `date` is None and `kind` empty where the message does not say.
    """

    name: str
    recipient: str
    subject: str
    date: datetime | None
    kind: str


class LocalInbox:
    """Receive mail on a loopback address and store it in `folder`; port 0 takes any free port.

    Every file is `{UTC time}-{sequence}-{recipient}.eml`: a Return-Path and an X-Envelope-To line, then the bytes as
    they came. Raises ConfigError for an address that others could reach.
    """

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        message_limit: int = MESSAGE_LIMIT,
    ) -> None:
        if not is_loopback(host):
            raise ConfigError(f"the local inbox listens on a loopback address only, not on {host}")
        self._folder = folder
        self._host = host
        self._port = port
        self._clock = clock
        self._message_limit = message_limit
        self._sequence = 0
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        """The SMTP URL under which the inbox is reached; the real port once it is started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"smtp://{host}:{self._port}"

    def start(self) -> None:
        """Listen, in a thread of its own; raises ConfigError if the port is taken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listening = socket.create_server((self._host, self._port), family=family)
        except OSError as fault:
            raise ConfigError(f"the local inbox cannot listen on {self._host}:{self._port}: {fault}") from fault
        self._port = listening.getsockname()[1]
        self._controller = _OnSocket(self, listening, self._message_limit)
        self._controller.start()

    def stop(self) -> None:
        """Stop listening; a second call does nothing."""
        controller, self._controller = self._controller, None
        if controller is not None:
            controller.stop()

    def __enter__(self) -> LocalInbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def handle_DATA(self, server: SMTP, session: Session, received: Received) -> str:  # noqa: N802  # aiosmtpd's name
        """Store a message once for each recipient, or say that it was not stored."""
        content = received.content
        if not isinstance(content, bytes):
            return "451 4.3.0 expected bytes"
        try:
            for recipient in received.rcpt_tos:
                self._store(received.mail_from or "", recipient, content)
        except OSError as fault:
            return f"451 4.3.0 could not be stored: {fault.strerror or 'disk error'}"
        return "250 2.0.0 stored"

    def _store(self, mail_from: str, recipient: str, content: bytes) -> None:
        self._sequence += 1
        safe = _UNSAFE.sub("_", recipient)[:80].strip(".") or "nobody"
        name = f"{self._clock():%Y%m%dT%H%M%S%f}Z-{self._sequence:05d}-{safe}.eml"
        above = f"Return-Path: <{mail_from}>\r\nX-Envelope-To: <{recipient}>\r\n"
        half_written = self._folder / f".{name}.part"
        half_written.write_bytes(above.encode("utf-8", "replace") + content)
        os.replace(half_written, self._folder / name)  # noqa: PTH105  # a reader sees all of it or nothing


class _OnSocket(Controller):
    """A controller on a socket that is bound already, so that port 0 works."""

    def __init__(self, inbox: LocalInbox, listening: socket.socket, limit: int) -> None:
        host, port = listening.getsockname()[:2]
        super().__init__(inbox, hostname=host, port=port, data_size_limit=limit, ident="Firstlight local inbox")
        self._listening = listening

    def _create_server(self) -> asyncio.Future[asyncio.AbstractServer]:
        return asyncio.ensure_future(
            self.loop.create_server(self._factory_invoker, sock=self._listening), loop=self.loop
        )


def stored_messages(folder: Path) -> list[StoredMessage]:
    """List the messages of an inbox, newest first; other files are passed over."""
    if not folder.is_dir():
        return []
    names = sorted((each.name for each in folder.iterdir() if _is_message(each)), reverse=True)
    return [_summary(folder / name) for name in names]


def read_message(folder: Path, name: str) -> EmailMessage:
    """Read one stored message; raises NotFound for a name that is not in the folder."""
    path = folder / name
    if "/" in name or "\\" in name or "\x00" in name or not _is_message(path):
        raise NotFound(f"there is no message {name[:120]!r} in the inbox")
    with path.open("rb") as file:
        return email.message_from_bytes(file.read(MESSAGE_LIMIT + _HEAD_LIMIT), policy=email.policy.default)


def _is_message(path: Path) -> bool:
    return _NAME.fullmatch(path.name) is not None and path.is_file() and not path.is_symlink()


def _summary(path: Path) -> StoredMessage:
    with path.open("rb") as file:
        head = email.message_from_bytes(file.read(_HEAD_LIMIT), policy=email.policy.default)
    match = _NAME.fullmatch(path.name)
    try:
        date = datetime.strptime(match["at"], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC) if match else None
    except ValueError:
        date = None
    feedback = _header(head, "Feedback-ID").split(":")
    return StoredMessage(
        name=path.name,
        recipient=_header(head, "X-Envelope-To").strip("<>"),
        subject=_header(head, "Subject"),
        date=date,
        kind=feedback[1].strip() if len(feedback) > 2 else "",
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message[name] or "").split())[:300]
    except Exception:  # noqa: BLE001  # the stdlib's header parser raises many things on hostile headers
        return ""
