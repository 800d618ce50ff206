"""A message from outside cut into its pieces, however broken it is: bounded in size, depth and number."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header

LARGEST_MESSAGE = 32 * 1024 * 1024  # bytes; no report on a mail of ours comes near
_DEEPEST = 12
_MOST_PIECES = 200
_LONGEST_HEAD = 256 * 1024
_LONGEST_FIELD = 20_000
_LONGEST_TEXT = 512 * 1024
_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:(.*)", re.DOTALL)
_BREAK = re.compile(rb"\r*\n|\r")  # also the doubled carriage returns of gateways
_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)")
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^;\s"]+))')
_LIKE_BOUNDARY = re.compile(rb"^--([^\s-][^\n]{4,68}[^\s])[ \t]*\n(?:Content-|\n)", re.MULTILINE | re.IGNORECASE)
_LETTERS = re.compile(rb"[^A-Za-z0-9+/]")


@dataclass(slots=True)
class Piece:
    """One part of a message; `returned` if it belongs to a message that is attached to the outer one.

    `fields` are the header's, by lower-case name, unfolded; `body` is as it came, with LF.
    """

    fields: dict[str, list[str]]
    body: bytes
    depth: int = 0
    returned: bool = False
    parameters: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/plain"

    def first(self, name: str) -> str:
        """Return a field's first value with encoded words read, or nothing."""
        values = self.fields.get(name)
        return readable_words(values[0]) if values else ""

    @property
    def text(self) -> str:
        """The body decoded: transfer encoding and character set, with U+FFFD for what cannot be read."""
        body = self.body[:_LONGEST_TEXT]
        encoding = self.first("content-transfer-encoding").strip().lower()
        try:
            if encoding == "quoted-printable":
                body = quopri.decodestring(body)
            elif encoding == "base64":
                letters = _LETTERS.sub(b"", body)
                body = base64.b64decode(letters[: len(letters) // 4 * 4] or b"")
        except (binascii.Error, ValueError):
            body = self.body[:_LONGEST_TEXT]
        return decoded(body, self.parameters.get("charset", "")).replace("\r\n", "\n").replace("\r", "\n")


def decoded(body: bytes, charset: str) -> str:
    """Decode bytes in a named character set, or in UTF-8 or Latin-1 where the name is of no use."""
    for name in (charset, "utf-8"):
        try:
            return body.decode(name)
        except (LookupError, ValueError, TypeError):
            continue
    try:
        return body.decode(charset or "latin-1", "replace")
    except (LookupError, ValueError, TypeError):
        return body.decode("latin-1")


def readable_words(value: str) -> str:
    """Read the encoded words of a header value (RFC 2047); what is broken stays as it came."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError, binascii.Error):
        return value


def pieces_of(message: bytes) -> list[Piece]:
    """Cut a message into its pieces, the outer one first; never raises, whatever the bytes are."""
    text = _BREAK.sub(b"\n", message).lstrip(b"\n")
    if text.startswith((b"From ", b">From ")):  # the separator of a mailbox file
        text = text.partition(b"\n")[2]
    found: list[Piece] = []
    waiting = [(text, 0, False)]  # a stack instead of recursion: nesting cannot exhaust the interpreter's
    while waiting and len(found) < _MOST_PIECES:
        source, depth, returned = waiting.pop()
        piece = _piece(source, depth, returned)
        found.append(piece)
        if depth < _DEEPEST:
            inner = list(_inner(piece))
            if not inner and piece.content_type.startswith("multipart/"):
                piece.content_type = "text/plain"  # its parts were flattened, or never there
            waiting += [(part, depth + 1, returned or attached) for part, attached in reversed(inner)]
    return found


def _piece(source: bytes, depth: int, returned: bool) -> Piece:
    fields, body = split_head(source)
    piece = Piece(fields, body, depth, returned)
    declared = fields.get("content-type", [""])[0]
    if kind := _TYPE.match(declared):
        piece.content_type = kind[1].lower()
    for name, quoted, plain in _PARAMETER.findall(declared[:2000]):
        piece.parameters.setdefault(name.lower().partition("*")[0], quoted or plain)
    return piece


def split_head(source: bytes) -> tuple[dict[str, list[str]], bytes]:
    """Split a message or part (with LF) into its fields and its body; a line that is no field ends the head."""
    fields: dict[str, list[str]] = {}
    last: list[str] | None = None
    at = 0
    while at < len(source) and at < _LONGEST_HEAD:
        end = source.find(b"\n", at)
        end = len(source) if end < 0 else end
        line = source[at:end]
        if not line.strip():
            return fields, source[end + 1 :]
        if line[:1] in (b" ", b"\t") and last is not None:
            if len(last[-1]) < _LONGEST_FIELD:
                last[-1] += " " + _plain(line).strip()
        elif found := _FIELD.fullmatch(line):
            last = fields.setdefault(_plain(found[1]).lower(), [])
            last.append(_plain(found[2]).strip())
        else:
            return fields, source[at:]
        at = end + 1
    return fields, source[at:]


def _plain(line: bytes) -> str:
    return decoded(line[:_LONGEST_FIELD], "utf-8")


def _inner(piece: Piece) -> Iterator[tuple[bytes, bool]]:
    """Yield the parts inside a piece, each with whether it is an attached message."""
    if piece.content_type.startswith("multipart/"):
        boundary = piece.parameters.get("boundary", "").rstrip()
        parts = list(_parts(piece.body, boundary)) if boundary else []
        if not parts and (guessed := _LIKE_BOUNDARY.search(piece.body[:_LONGEST_TEXT])):
            parts = list(_parts(piece.body, _plain(guessed[1])))  # gateways rewrite one of the two
        yield from ((part, False) for part in parts)
    elif piece.content_type in ("message/rfc822", "message/global", "message/news"):
        encoded = piece.first("content-transfer-encoding").strip().lower() in ("base64", "quoted-printable")
        yield (piece.text.encode() if encoded else piece.body.lstrip(b"\n")), True


def _parts(body: bytes, boundary: str) -> Iterator[bytes]:
    mark = re.compile(rb"^--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*$", re.MULTILINE)
    start: int | None = None
    for count, found in enumerate(mark.finditer(body)):
        if start is not None:
            yield body[start : max(start, found.start() - 1)]
        start = None if found[1] else found.end() + 1
        if found[1] or count > _MOST_PIECES:
            return
    if start is not None:  # the closing boundary is missing
        yield body[start:]
