"""Quoted-printable whose pieces may be put together in any order, and never need a dot doubled."""

from __future__ import annotations

import binascii
import re

_LEADING_DOT = re.compile(rb"^\.(.*)$", re.MULTILINE)
_LONGEST_LINE = 76


def encoded(text: str) -> bytes:
    """Text as quoted-printable with CRLF (RFC 2045 section 6.7), line breaks of any kind as one.

    No line begins with a dot, so that none has to be doubled on the way (RFC 5321 section 4.5.2).
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = binascii.b2a_qp(text.encode(), istext=True)
    if lines.startswith(b".") or b"\n." in lines:
        lines = _LEADING_DOT.sub(_without_dot, lines)
    return lines.replace(b"\n", b"\r\n")


def _without_dot(line: re.Match[bytes]) -> bytes:
    spelt = b"=2E" + line[1]
    if len(spelt) <= _LONGEST_LINE:
        return spelt
    end = len(spelt) - 4  # what is cut off must not be half of an encoded octet
    while b"=" in spelt[end - 2 : end]:
        end -= 1
    rest = spelt[end:]
    return spelt[:end] + b"=\n" + (b"=2E" + rest[1:] if rest.startswith(b".") else rest)


def piece(text: str) -> bytes:
    """Text encoded so that anything may follow it: it ends at a line's end, by a soft break where it has none."""
    if text.isascii() and text.isprintable() and "=" not in text and text:  # as it is, in a third of the time
        lines = [text[at : at + _LONGEST_LINE - 1] for at in range(0, len(text), _LONGEST_LINE - 1)]
        if not any(line.startswith(".") for line in lines):
            return ("=\r\n".join(lines) + "=\r\n").encode()
    if not text or text.endswith("\n"):
        return encoded(text)
    # Encoded with a letter behind it, the last line keeps room for the mark of the soft break.
    open_ended = encoded(text + "x")[:-1]
    return open_ended if open_ended.endswith(b"=\r\n") else open_ended + b"=\r\n"


def decoded(part: bytes) -> str:
    """The text that was encoded so."""
    return binascii.a2b_qp(part.replace(b"\r\n", b"\n")).decode()
