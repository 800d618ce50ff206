"""What a relay answers: read from the wire, classified, and made safe to keep and show (RFC 5321 section 4.2)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

LONGEST_LINE = 8192  # octets; RFC 5321 section 4.5.3.1.5 allows 512
_MOST_LINES = 100
_KEPT = 500  # characters

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
_PRINTABLE = re.compile(rb"[!-~]+(?: [!-~]+)*")


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


NEEDS_SMTPUTF8 = Reply(
    Verdict.REJECTED, 553, "5.6.7 the address needs SMTPUTF8 (RFC 6531), which the relay does not offer"
)


class Nonsense(Exception):
    """An answer that is none; says what it was."""


class ReplyReader:
    """Cuts what arrives on a connection into replies."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []

    @property
    def holds_something(self) -> bool:
        """Whether something has arrived that is not a whole reply yet."""
        return bool(self._rest or self._lines)

    def feed(self, arrived: bytes) -> list[tuple[int, bytes]]:
        """Take what arrived and return the replies it completes, as code and text; raises Nonsense."""
        replies = []
        *lines, self._rest = (self._rest + arrived).split(b"\n")
        for line in lines:
            code, last, text = line[:3], line[3:4], line[4:].strip()
            if len(line) > LONGEST_LINE or not code.isdigit() or last not in (b" ", b"-", b"", b"\r"):
                raise Nonsense(f"an answer that means nothing: {readable(line)}")
            self._lines.append(text)
            if last != b"-":
                replies.append((int(code), self._lines[0] if len(self._lines) == 1 else b"\n".join(self._lines)))
                self._lines = []
            elif len(self._lines) > _MOST_LINES:
                raise Nonsense("an answer of too many lines")
        if len(self._rest) > LONGEST_LINE:
            raise Nonsense("an answer of one endless line")
        return replies


def refusal(code: int, text: bytes) -> Reply | None:
    """Turn a 4xx or 5xx answer into a reply and a 2xx into None; raises Nonsense for anything else."""
    kind = code // 100
    if kind == 2:
        return None
    if kind not in {4, 5}:
        raise Nonsense(f"an answer that means nothing: {code} {readable(text)}")
    return Reply(Verdict.DEFERRED if kind == 4 else Verdict.REJECTED, code, readable(text))


def readable(text: bytes | str) -> str:
    """Make a relay's words safe to store and show: one line, at most 500 characters, no control characters."""
    if isinstance(text, bytes):
        if len(text) <= _KEPT and _PRINTABLE.fullmatch(text):
            return text.decode("ascii")
        text = text.decode("utf-8", "replace")
    printable = ("".join(" " if unicodedata.category(mark)[0] in "CZ" else mark for mark in text[:2000])).split()
    return " ".join(printable)[:_KEPT]
