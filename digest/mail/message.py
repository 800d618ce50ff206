"""A rendered mail as RFC 5322 bytes: the same input always gives the same bytes."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache

import idna

from digest.core.delivery import DeliveryKind
from digest.errors import MessageRefused
from digest.mail.fragments import Pressed, Rendered
from digest.mail.render import Sender

# A test bears the headers of what it tests, or a provider would judge another mail.
BULK = frozenset({DeliveryKind.DIGEST, DeliveryKind.WELCOME, DeliveryKind.SPECIMEN})

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]{1,64}@[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]{1,253}")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")
_LIST_ID = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_HEADER_URL = re.compile(r"https?://[!-;=?-~]{1,900}")  # ASCII without < and >; one line of at most 998 octets
_LONGEST_LINE = 998  # octets, without its CRLF (RFC 5322 section 2.1.1)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


class Sound(bytes):
    """A message made here: it has CRLF only, no line of over 998 octets, and none that begins with a dot."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """The RFC 5321 addresses of one message: where failures go, and the one recipient."""

    mail_from: str
    rcpt_to: str


def message_id(key: str, domain: str) -> str:
    """Derive a Message-ID from what a message is, so that a retry carries the same one; the key cannot be read."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{ascii_address(f'x@{domain}').partition('@')[2]}>"


@lru_cache(maxsize=1_000)  # the sender's is asked for several times in each message
def ascii_address(address: str) -> str:
    """Return an address with its domain in ASCII (IDNA 2008); raises MessageRefused if it is not one address."""
    if not _ADDRESS.fullmatch(address):
        raise MessageRefused(f"not a mail address: {address[:80]!r}")
    local, _, domain = address.partition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as fault:
        raise MessageRefused(f"not a domain: {domain[:80]!r} ({fault})") from fault


def message_bytes(
    rendered: Rendered | Pressed,
    *,
    sender: Sender,
    recipient: str,
    message_id: str,
    date: datetime,
    kind: DeliveryKind,
    list_id: str = "",
    unsubscribe_url: str = "",
    unsubscribe_mailto: str = "",
) -> Sound:
    """Build a message: multipart/alternative, text first, quoted-printable, CRLF; without HTML, text/plain alone.

    `date` is aware. Digests, tests of them and welcomes carry the List- headers (RFC 2369, 2919, 8058), `Precedence:
    bulk` and need `unsubscribe_url`; all others are marked as automatic (RFC 3834). Raises MessageRefused for a value
    that cannot stand in a header, above all one with a line break.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise MessageRefused(f"not a Message-ID: {message_id[:80]!r}")
    from_address = ascii_address(sender.address)
    domain = from_address.partition("@")[2]
    headers = [
        ("From", _mailbox("From", sender.name, from_address)),
        ("To", ascii_address(recipient)),
        ("Subject", _text("Subject", rendered.subject)),
        ("Date", _date(date.replace(microsecond=0))),
        ("Message-ID", message_id),
    ]
    if sender.contact:
        contact = ascii_address(sender.contact)
        headers.append(("Reply-To", contact))
    if kind in BULK:
        headers += _list_headers(sender, list_id, unsubscribe_url, unsubscribe_mailto)
    else:
        headers.append(("Auto-Submitted", "auto-generated"))
    boundary = f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:32]}"  # "=_" never occurs in quoted-printable
    headers += [
        ("Feedback-ID", f"{_day(date.replace(microsecond=0))}:{kind.value}:{domain}"),
        ("MIME-Version", "1.0"),
    ]
    try:
        text, html = rendered.encoded_text, rendered.encoded_html
        if html:
            headers.append(("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'))
        head = "".join(map(_line, headers)).encode()
        mark = f"--{boundary}\r\n".encode()
        if b"\n" in head.replace(b"\r\n", b"") or len(max(head.split(b"\r\n"), key=len)) > _LONGEST_LINE:
            raise MessageRefused(f"{message_id}: a header with a bare line break, or a line of over 998 octets")
        if not html:
            return Sound(head + _PLAIN + text)
        parts = (head, b"\r\n", mark, _PLAIN, text, b"\r\n", mark, _HTML, html, b"\r\n", mark[:-2], b"--\r\n")
        return Sound(b"".join(parts))
    except UnicodeEncodeError as fault:
        raise MessageRefused(f"{message_id}: text that is not valid Unicode (a lone surrogate)") from fault


@lru_cache(maxsize=100)
def _date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC))


@lru_cache(maxsize=100)
def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d}"


def _list_headers(sender: Sender, list_id: str, url: str, mailto: str) -> list[tuple[str, str]]:
    if not _HEADER_URL.fullmatch(url):
        raise MessageRefused(f"a digest needs an http or https unsubscribe URL of at most 900 characters: {url[:80]!r}")
    ways = f"<{url}>"
    if mailto:
        ways += f",\r\n <mailto:{ascii_address(mailto)}?subject=unsubscribe>"
    headers = []
    if list_id:
        if not _LIST_ID.fullmatch(list_id):
            raise MessageRefused(f"not a List-Id: {list_id[:80]!r}")
        headers.append(("List-Id", _mailbox("List-Id", sender.name, list_id)))
    headers += [("List-Unsubscribe", ways), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]
    if sender.contact:
        owner = f"<mailto:{ascii_address(sender.contact)}>"
        headers += [("List-Help", owner), ("List-Owner", owner)]
    return [*headers, ("Precedence", "bulk")]


def _line(header: tuple[str, str]) -> str:
    """One header field; a long value that has no folds of its own starts on the next line.

    A URL or identifier in angle brackets stays where it is: no line may be broken inside it, and receivers that read
    List-Unsubscribe without unfolding would find it empty.
    """
    name, value = header
    if len(name) + 2 + len(value) <= 78:
        return f"{name}: {value}\r\n"
    if "\r\n" not in value and not value.startswith("<"):
        return f"{name}:\r\n {value}\r\n"
    return f"{name}: {value}\r\n"


@lru_cache(maxsize=4_000)
def _text(name: str, text: str) -> str:
    """Unstructured text for a header: as it is where it is short plain ASCII, else in encoded words (RFC 2047)."""
    _refuse_controls(name, text)
    if text.isascii() and "=?" not in text and len(name) + 2 + len(text) <= 78:
        return text
    try:
        return Header(text, "utf-8", maxlinelen=76, header_name=name).encode(linesep="\r\n")
    except UnicodeEncodeError as fault:
        raise MessageRefused(f"{name}: not valid Unicode (a lone surrogate)") from fault


@lru_cache(maxsize=100)
def _mailbox(name: str, phrase: str, inside: str) -> str:
    """A display name and what stands in angle brackets after it."""
    _refuse_controls(name, phrase)
    if not phrase:
        return inside if name != "List-Id" else f"<{inside}>"
    if phrase.isascii() and "=?" not in phrase and len(phrase) <= 60:
        if not _ATOMS.fullmatch(phrase):
            escaped = re.sub(r'(["\\])', r"\\\1", phrase)
            phrase = f'"{escaped}"'
        return f"{phrase} <{inside}>" if len(phrase) + len(inside) < 66 else f"{phrase}\r\n <{inside}>"
    return f"{_text(name, phrase)}\r\n <{inside}>"


def _refuse_controls(name: str, value: str) -> None:
    for mark in value:
        if unicodedata.category(mark) in {"Cc", "Zl", "Zp"}:
            raise MessageRefused(f"{name}: holds the control character U+{ord(mark):04X}: {value[:80]!r}")


def _part_head(subtype: str) -> bytes:
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head.encode()


_PLAIN, _HTML = _part_head("plain"), _part_head("html")
