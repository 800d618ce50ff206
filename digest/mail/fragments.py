"""Digests as joins of pieces that were rendered, escaped and encoded once: the shell of an issue, the row of a paper.

A template is rendered with marks in it and cut at them. What stands between two marks is encoded as quoted-printable
by itself, starting a line and ending one (with a soft break where the text does not), so that any of them may follow
any other. The whole template, rendered for a reader and encoded, says the same; `Renderer` holds the two together
when it starts, and the tests do for hostile input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from digest.core.issue import Card
from digest.errors import TemplateFault
from digest.mail.quoted import decoded, encoded, piece

# No text from outside holds these: every field goes through `one_line` or `web_url`, which drop control characters.
CUT = "\x00"
_SLOT = re.compile("\x01([a-z]+)\x01")
_PLACE = "10"  # stands for every place of one or two digits
PLACES = [b"%d" % place for place in range(1, 100)]
WIDE_PLACES = [b"%2d" % place for place in range(1, 100)]
_MOST = 4_000  # rows kept
OWN = b"\x01"  # in a row, where a reader's links go; no quoted-printable holds it

Render = Callable[[Mapping[str, Any]], tuple[str, str]]  # a context to HTML and text


def slot(name: str) -> str:
    """A mark where a reader's own string goes."""
    return f"\x01{name}\x01"


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
        return decoded(self.encoded_html)

    @property
    def text(self) -> str:
        """The text part as it was before its encoding."""
        return decoded(self.encoded_text)


@dataclass(frozen=True, slots=True)
class Half:
    """One of the two parts of a shell: what comes before, between and after the rows; a `str` is a slot's name."""

    before: tuple[bytes | str, ...]
    between: bytes
    after: tuple[bytes | str, ...]
    slots: tuple[str, ...]
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
    """A paper's row without its place: of each part what stands before and after the reader's reason.

    Where the reader's links go there is `OWN`, `links` times in the HTML. `size` is that of the HTML in bytes, without
    what is the reader's own.
    """

    card: Card
    html: tuple[bytes, bytes]
    text: tuple[bytes, bytes]
    size: int
    links: int = 0


class Reason(NamedTuple):
    """Why a paper is there for a reader: in words, and encoded for each part; `size` is that of the HTML in bytes."""

    words: str
    html: bytes
    text: bytes
    size: int


class Look(NamedTuple):
    """What a row shows beside its card: the reader's reason, their links, and whether the reason is its label."""

    why: bool
    links: bool
    label: bool


def shell_of(render: Render, context: Mapping[str, Any], probes: Sequence[Any]) -> Shell:
    """Cut what stands around the rows of two probe papers; raises TemplateFault where they cannot be told apart."""
    html, text = render({**context, "cut": CUT, "papers": probes})
    return Shell(_half(html), _half(text))


def _half(whole: str) -> Half:
    before, first, second = _cut(whole, 3)
    alike = next((at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    between, after = first[alike:], second[alike:]
    sizes = len(between.encode()), len(_SLOT.sub("", before + after).encode())
    slots = tuple(_SLOT.findall(before + after))
    return Half(_slots(before), piece(between), _slots(after), slots, between, *sizes)


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
    """The rows of papers, each rendered once by `make` for every look that it has.

    A card is looked up by its identity first: hashing all that it holds takes longer than the rest of the join.
    """

    make: Callable[[Card, Look], Row]
    _known: dict[tuple[int, Look], Row] = field(default_factory=dict)
    _equal: dict[tuple[Card, Look], Row] = field(default_factory=dict)
    _kept: list[Card] = field(default_factory=list)  # so that no other card comes to have their identity

    def of(self, cards: Sequence[Card], looks: Sequence[Look]) -> list[Row]:
        """Return the rows of an edition."""
        known = self._known
        try:
            return [known[id(card), look] for card, look in zip(cards, looks, strict=True)]
        except KeyError:
            return [self._row(card, look) for card, look in zip(cards, looks, strict=True)]

    def _row(self, card: Card, look: Look) -> Row:
        found = self._known.get((id(card), look))
        if found is None:
            if len(self._kept) >= _MOST:
                self._known.clear()
                self._equal.clear()
                self._kept.clear()
            found = self._equal.get((card, look))
            if found is None:
                found = self._equal[card, look] = self.make(card, look)
            self._known[id(card), look] = found
            self._kept.append(card)
        return found


def row_of(render: Render, context: Mapping[str, Any], card: Card, entries: Sequence[Any], shell: Shell) -> Row:
    """Render a paper before a probe and cut its row; both entries must be at the place that stands for all."""
    html, text = render({**context, "cut": CUT, "papers": entries})
    own_html, own_text = _cut(html, 3)[1], _cut(text, 3)[1]
    if not own_html.endswith(shell.html.raw_between) or not own_text.endswith(shell.text.raw_between):
        raise TemplateFault("digest: what stands between two papers must not depend on them")
    own_html = own_html.removesuffix(shell.html.raw_between)
    own_text = own_text.removesuffix(shell.text.raw_between)
    return Row(
        card,
        _around_reason(own_html),
        _around_reason(own_text),
        size=len(_SLOT.sub("", own_html).encode()) - len(_PLACE),
        links=len(_SLOT.findall(own_html)) - own_html.count(slot("why")),
    )


def _around_reason(text: str) -> tuple[bytes, bytes]:
    """Encode a row as what stands before and after the reason, with `OWN` for each link of the reader's own."""
    halves = [b"", b""]
    at = 0
    for number, part in enumerate(_SLOT.split(text)):
        if number % 2 == 0:
            halves[at] += piece(part)
        elif part == "why" and at == 0:
            at = 1
        elif part == "react":
            halves[at] += OWN
        else:
            raise TemplateFault("digest: a paper shows its reason once, and links by {{ paper.react }}")
    # Encoded behind two digits, and kept without them: lines then have room for any place.
    return halves[0][len(_PLACE) :], halves[1]


def html_size(half: Half, rows: Sequence[Row], reasons: Sequence[Reason], own: Mapping[str, str]) -> int:
    """Return how large the HTML of a digest is in bytes, before its encoding; `own` is escaped already."""
    slots = sum([len(own[name].encode()) for name in half.slots])
    places = len(rows) + max(len(rows) - 9, 0)
    links = sum([row.links for row in rows]) * len(own["react"].encode())
    papers = sum([row.size for row in rows]) + sum([reason.size for reason in reasons])
    return half.size + slots + places + links + papers + max(len(rows) - 1, 0) * half.between_size


def joined(
    half: Half,
    rows: Sequence[tuple[bytes, bytes]],
    reasons: Sequence[bytes],
    own: Mapping[str, bytes],
    places: Sequence[bytes],
) -> bytes:
    """Join a part: `rows` in order, each behind its place and around its reason, with a reader's `own` strings."""
    pieces = [own[part] if isinstance(part, str) else part for part in half.before]
    between = half.between
    for place, (before, after), reason in zip(places, rows, reasons, strict=False):
        pieces += (place, before, reason, after, between)
    if rows:
        pieces.pop()
    pieces += [own[part] if isinstance(part, str) else part for part in half.after]
    return b"".join(pieces).replace(OWN, own["react"])
