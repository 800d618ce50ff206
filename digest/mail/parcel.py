"""A message made fit for the dialogue with a relay, and what is heard of it there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from digest.errors import LostInDoubt, MessageRefused, RelayUnavailable
from digest.mail.message import Envelope, Sound, ascii_address
from digest.mail.reply import Reply

_BROKEN_LINES = re.compile(rb"(?<!\r)\n|\r(?!\n)|[^\r\n]{999}")


class Wanted(NamedTuple):
    """The relay waits for the message: its final dot may go once the intent is committed."""

    key: int


class Answered(NamedTuple):
    """The relay's verdict on a message."""

    key: int
    reply: Reply


class Failed(NamedTuple):
    """A connection ended on a message; the error's type says whether it may have been taken."""

    key: int
    error: RelayUnavailable | LostInDoubt | MessageRefused


class Unbegun(NamedTuple):
    """A message that the relay has not judged, through no fault of its own: another connection may take it."""

    key: int


News = Wanted | Answered | Failed | Unbegun


@dataclass(slots=True, eq=False)
class Parcel:
    """One message on its way over one connection; `body` is dot-stuffed, without its final dot.

    `heard`: the relay has answered to something of it. `sealed`: its final dot may go, or has gone; it ends at
    `ends_at` octets of what is written to the connection. `dropped`: whoever gave it has taken it back.
    """

    key: int
    mail_from: str
    rcpt_to: str
    size: int
    body: bytes
    refusal: Reply | None = None
    heard: bool = False
    wanted: bool = False
    sealed: bool = False
    dropped: bool = False
    ends_at: int = 0


def wrap_up(key: int, envelope: Envelope, message: bytes) -> Parcel:
    """Make a parcel; raises MessageRefused for a message or an address that would break the dialogue."""
    body: bytes = message if isinstance(message, Sound) else _stuffed(message)
    return Parcel(
        key=key,
        mail_from=ascii_address(envelope.mail_from) if envelope.mail_from else "",
        rcpt_to=ascii_address(envelope.rcpt_to),
        size=len(message),
        body=body,
    )


def _stuffed(message: bytes) -> bytes:
    """Double the dots that begin a line (RFC 5321 section 4.5.2), in a message whose lines are whole."""
    broken = _BROKEN_LINES.search(message)
    if broken or not message.endswith(b"\r\n"):
        at = broken.start() if broken else len(message)
        raise MessageRefused(f"the message has a bare CR or LF, or a line of over 998 octets, at octet {at}")
    return (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
