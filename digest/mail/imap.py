"""A mailbox over IMAP (RFC 3501): looked through by UID, read without a trace, never emptied."""

from __future__ import annotations

import contextlib
import imaplib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from digest.errors import MailboxUnavailable, RefusedInput
from digest.mail.imap_url import MailboxAddress, parse_imap_url
from digest.mail.pieces import LARGEST_MESSAGE
from digest.mail.report import one_line

_TIMEOUT = 60.0  # seconds
_WINDOW = 20_000  # UIDs looked through at once: an answer about all of a large mailbox is longer than imaplib reads
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})", re.IGNORECASE)
_UID = re.compile(rb"\bUID (\d{1,10})\b", re.IGNORECASE)
_FAULTS = (imaplib.IMAP4.error, OSError, ValueError)


class Folder:
    """An open folder; every method raises MailboxUnavailable where the server does not do as asked."""

    def __init__(self, connection: imaplib.IMAP4, move: str) -> None:
        self._connection = connection
        self._move = move
        self.uid_validity = self._number("UIDVALIDITY")
        self._next = self._number("UIDNEXT")

    def newer_than(self, uid: int, limit: int) -> list[int]:
        """List the UIDs above one, in order, at most `limit`."""
        found: list[int] = []
        first = uid + 1
        while len(found) < limit and first < self._next:
            last = min(first + _WINDOW, self._next) - 1
            for line in self._uid("SEARCH", f"UID {first}:{last}"):
                found += [int(one) for one in line.split() if one.isdigit()] if isinstance(line, bytes) else []
            first = last + 1
        return sorted(one for one in set(found) if uid < one < self._next)[:limit]

    def fetch(self, uid: int) -> bytes | None:
        """Return a message, None if it is gone; raises RefusedInput for one over 32 MiB."""
        sizes = [found for line in self._uid("FETCH", str(uid), "(UID RFC822.SIZE)") if (found := _size(line, uid))]
        if not sizes:
            return None
        if sizes[0] > LARGEST_MESSAGE:
            raise RefusedInput(f"the message is larger than {LARGEST_MESSAGE // 2**20} MiB")
        for line in self._uid("FETCH", str(uid), "(UID BODY.PEEK[])"):
            if isinstance(line, tuple) and _is_about(line[0], uid) and b"BODY[]" in line[0].upper():
                return bytes(line[1])
        return None

    def put_away(self, uid: int) -> None:
        """Move a message into the folder for what was read, if one is set; nothing is ever deleted."""
        if not self._move:
            return
        offered = self._connection.capabilities
        if "MOVE" in offered:
            self._uid("MOVE", str(uid), _quoted(self._move))
        elif "UIDPLUS" in offered:
            self._uid("COPY", str(uid), _quoted(self._move))
            self._uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)")
            self._uid("EXPUNGE", str(uid))
        else:
            raise MailboxUnavailable("the server can neither MOVE nor UIDPLUS; leave ?move= out of DIGEST_IMAP_URL")

    def _number(self, name: str) -> int:
        _code, values = self._connection.response(name)
        said = values[-1] if values else None
        if not isinstance(said, bytes) or not said.isdigit():
            raise MailboxUnavailable(f"the server tells no {name}, without which nothing is read")
        return int(said)

    def _uid(self, command: str, *arguments: str) -> list[Any]:
        with _plainly():
            code, answer = self._connection.uid(command, *arguments)
            if code != "OK":
                raise MailboxUnavailable(f"the server refused {command}: {_words(answer)}")
            return [line for line in answer if line is not None]


class ImapMailbox:
    """The mailbox of a URL (mail/imap_url.py)."""

    def __init__(self, url: str, *, timeout: float = _TIMEOUT) -> None:
        self._address: MailboxAddress = parse_imap_url(url)
        self._timeout = timeout

    @property
    def name(self) -> str:
        """The mailbox as it is named to people and in the database."""
        return self._address.name

    @contextmanager
    def open(self) -> Iterator[Folder]:
        """Connect, sign in over TLS and select the folder; raises MailboxUnavailable."""
        with _plainly():
            connection = self._connect()
        try:
            with _plainly():
                self._sign_in(connection)
                code, answer = connection.select(_quoted(self._address.folder), readonly=not self._address.move)
                if code != "OK":
                    raise MailboxUnavailable(f"there is no folder {self._address.folder}: {_words(answer)}")
            yield Folder(connection, self._address.move)
        finally:
            with contextlib.suppress(*_FAULTS):
                connection.logout()
            with contextlib.suppress(*_FAULTS):
                connection.shutdown()

    def _connect(self) -> imaplib.IMAP4:
        address, context = self._address, self._address.tls_context()
        if address.implicit_tls:
            return imaplib.IMAP4_SSL(address.host, address.port, ssl_context=context, timeout=self._timeout)
        connection = imaplib.IMAP4(address.host, address.port, timeout=self._timeout)
        try:
            connection.starttls(ssl_context=context)  # raises where it is not offered: the password stays here
        except _FAULTS:
            connection.shutdown()
            raise
        return connection

    def _sign_in(self, connection: imaplib.IMAP4) -> None:
        user, password = self._address.user, self._address.password
        if "AUTH=PLAIN" in connection.capabilities:
            connection.authenticate("PLAIN", lambda _challenge: f"\0{user}\0{password}".encode())
        else:
            connection.login(_quoted(user), password)


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except MailboxUnavailable:
        raise
    except _FAULTS as fault:
        raise MailboxUnavailable(f"the mailbox cannot be used: {one_line(str(fault))}") from fault


def _size(line: object, uid: int) -> int | None:
    head = line[0] if isinstance(line, tuple) else line
    found = _SIZE.search(head) if isinstance(head, bytes) and _is_about(head, uid) else None
    return int(found[1]) if found else None


def _is_about(head: object, uid: int) -> bool:
    found = _UID.search(head) if isinstance(head, bytes) else None
    return found is not None and int(found[1]) == uid


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _words(answer: list[Any]) -> str:
    return one_line(" ".join(line.decode("utf-8", "replace") for line in answer if isinstance(line, bytes)))
