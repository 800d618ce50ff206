"""Digests as joins of pieces that were rendered, escaped and encoded once: the shell of an issue, the row of a paper.

A template is rendered with marks in it and cut at them. What stands between two marks is encoded as quoted-printable
by itself, starting a line and ending one (with a soft break where the text does not), so that any of them may follow
any other. The whole template, rendered for a reader and encoded, says the same; `Renderer` holds the two together
when it starts, and the tests do for hostile input.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from digest.core.issue import Card
from digest.core.tailor import Pick
from digest.errors import TemplateFault

# No text from outside holds these: every field goes through `one_line` or `web_url`, which drop control characters.
CUT = "\x00"
_SLOT = re.compile("\x01([a-z]+)\x01")
_LEADING_DOT = re.compile(rb"^\.(.*)$", re.MULTILINE)
_LONGEST_LINE = 76
_PLACE = "10"  # stands for every place of one or two digits
PLACES = [b"%d" % place for place in range(1, 100)]
WIDE_PLACES = [b"%2d" % place for place in range(1, 100)]
_MOST = 4_000  # rows kept

Render = Callable[[Mapping[str, Any]], tuple[str, str]]  # a context to HTML and text


def slot(name: str) -> str:
    """A mark where a reader's own string goes."""
    return f"\x01{name}\x01"


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
    if not text or text.endswith("\n"):
        return encoded(text)
    # Encoded with a letter behind it, the last line keeps room for the mark of the soft break.
    open_ended = encoded(text + "x")[:-1]
    return open_ended if open_ended.endswith(b"=\r\n") else open_ended + b"=\r\n"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail before it has addresses: its subject and its two parts, with `\\n` line ends."""

    subject: str
    html: str
    text: str

    @property
    def encoded_html(self) -> bytes:
        """The HTML part as quoted-printable."""
        return encoded(self.html)

    @property
    def encoded_text(self) -> bytes:
        """The text part as quoted-printable."""
        return encoded(self.text)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A digest whose parts are encoded already."""

    subject: str
    encoded_html: bytes
    encoded_text: bytes

    @property
    def html(self) -> str:
        """The HTML part as it was before its encoding."""
        return _decoded(self.encoded_html)

    @property
    def text(self) -> str:
        """The text part as it was before its encoding."""
        return _decoded(self.encoded_text)


def _decoded(part: bytes) -> str:
    return binascii.a2b_qp(part.replace(b"\r\n", b"\n")).decode()


@dataclass(frozen=True, slots=True)
class Half:
    """One of the two parts of a shell: what comes before, between and after the rows; a `str` is a slot's name."""

    before: tuple[bytes | str, ...]
    between: bytes
    after: tuple[bytes | str, ...]
    raw_between: str
    between_size: int  # in bytes
    size: int  # in bytes, without its slots and rows


@dataclass(frozen=True, slots=True)
class Shell:
    """What all digests of an issue share."""

    html: Half
    text: Half


@dataclass(frozen=True, slots=True)
class Row:
    """A paper's row without its place; `size` is that of the HTML in bytes."""

    card: Card
    html: bytes
    text: bytes
    size: int


def shell_of(render: Render, context: Mapping[str, Any], probes: Sequence[Any]) -> Shell:
    """Cut what stands around the rows of two probe papers; raises TemplateFault where they cannot be told apart."""
    html, text = render({**context, "cut": CUT, "papers": probes})
    return Shell(_half(html), _half(text))


def _half(whole: str) -> Half:
    before, first, second = _cut(whole, 3)
    alike = next((at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    between, after = first[alike:], second[alike:]
    sizes = len(between.encode()), len(_SLOT.sub("", before + after).encode())
    return Half(_slots(before), piece(between), _slots(after), between, *sizes)


def _cut(whole: str, number: int) -> list[str]:
    parts = whole.split(CUT)
    if len(parts) != number or not all(part.startswith(_PLACE) for part in parts[1:]):
        raise TemplateFault("digest: {{ cut }} must stand once in each paper, just before its place")
    return parts


def _slots(text: str) -> tuple[bytes | str, ...]:
    pieces: list[bytes | str] = []
    for number, part in enumerate(_SLOT.split(text)):
        if number % 2:
            pieces.append(part)
        elif part:
            pieces.append(piece(part))
    return tuple(pieces)


@dataclass
class Rows:
    """The rows of papers, each rendered once by `make` for every reason why it is shown.

    A card is looked up by its identity first: hashing all that it holds takes longer than the rest of the join.
    """

    make: Callable[[Pick], Row]
    _known: dict[tuple[int, str], Row] = field(default_factory=dict)
    _equal: dict[tuple[Card, str], Row] = field(default_factory=dict)
    _kept: list[Card] = field(default_factory=list)  # so that no other card comes to have their identity

    def of(self, picks: Sequence[Pick]) -> list[Row]:
        """Return the rows of an edition."""
        known = self._known
        try:
            return [known[id(pick.card), pick.why] for pick in picks]
        except KeyError:
            return [self._row(pick) for pick in picks]

    def _row(self, pick: Pick) -> Row:
        found = self._known.get((id(pick.card), pick.why))
        if found is None:
            if len(self._kept) >= _MOST:
                self._known.clear()
                self._equal.clear()
                self._kept.clear()
            found = self._equal.get((pick.card, pick.why))
            if found is None:
                found = self._equal[pick.card, pick.why] = self.make(pick)
            self._known[id(pick.card), pick.why] = found
            self._kept.append(pick.card)
        return found


def row_of(render: Render, context: Mapping[str, Any], card: Card, entries: Sequence[Any], shell: Shell) -> Row:
    """Render a paper before a probe and cut its row; both entries must be at the place that stands for all."""
    html, text = render({**context, "cut": CUT, "papers": entries})
    own_html, own_text = _cut(html, 3)[1], _cut(text, 3)[1]
    if not own_html.endswith(shell.html.raw_between) or not own_text.endswith(shell.text.raw_between):
        raise TemplateFault("digest: what stands between two papers must not depend on them")
    own_html = own_html.removesuffix(shell.html.raw_between)
    own_text = own_text.removesuffix(shell.text.raw_between)
    # Encoded behind two digits, and kept without them: lines then have room for any place.
    return Row(card, piece(own_html)[2:], piece(own_text)[2:], len(own_html.encode()) - len(_PLACE))


def html_size(shell: Shell, rows: Sequence[Row], own: Mapping[str, str]) -> int:
    """Return how large the HTML of a digest is in bytes, before its encoding; `own` is escaped already."""
    half = shell.html
    slots = sum([len(own[part].encode()) for part in (*half.before, *half.after) if isinstance(part, str)])
    places = len(rows) + max(len(rows) - 9, 0)
    return half.size + slots + places + (len(rows) - 1) * half.between_size + sum([row.size for row in rows])


def joined(half: Half, rows: Sequence[bytes], own: Mapping[str, bytes], places: Sequence[bytes]) -> bytes:
    """Join a part: `rows` in order, each behind its place, with a reader's `own` strings."""
    pieces = [own[part] if isinstance(part, str) else part for part in half.before]
    for place, row in zip(places, rows, strict=False):
        pieces += (place, row, half.between)
    pieces.pop()
    pieces += [own[part] if isinstance(part, str) else part for part in half.after]
    return b"".join(pieces)
