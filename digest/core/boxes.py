"""The boxes in which a reader names one thing a line: every line is judged by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from digest.core.categories import CATEGORY_NAMES, is_category
from digest.core.interests import LONGEST_WORDS, Interest, InterestKind, interest_of
from digest.core.language import mark
from digest.core.paper import parse_arxiv_id
from digest.core.text import title_key

MOST: Mapping[InterestKind, int] = MappingProxyType(
    {
        InterestKind.KEYWORD: 60,
        InterestKind.EXCLUSION: 60,
        InterestKind.AUTHOR: 200,
        InterestKind.LAB: 60,
        InterestKind.SEARCH: 20,
        InterestKind.PAPER: 200,
    }
)
"""How many lines of each kind are kept."""

_ARCHIVES = {category.partition(".")[0] for category in CATEGORY_NAMES}
# Anywhere in a line: behind `arXiv:`, in a link or a DOI (10.48550/arXiv.2508.13426), before a title.
_ARXIV_ID = re.compile(
    r"(?<!\d)(?<!\d\.)\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}(?:v[1-9]\d{0,2})?(?!\d)(?!\.\d)"
    r"|(?<![\w-])[a-z]+(?:-[a-z]+)*(?:\.[a-z-]{2,8})?/\d{2}(?:0[1-9]|1[0-2])\d{3}(?:v[1-9]\d{0,2})?(?!\d)",
    re.IGNORECASE,
)
_OWN_ADDRESS = re.compile(r"(?:^|/)(?P<folder>authors|labs|papers)/(?P<name>[^?#\s\0]{1,200}?)/?(?:[?#].*)?$")
_SEPARATED = frozenset({InterestKind.KEYWORD, InterestKind.EXCLUSION})  # no phrase of theirs has a comma in it

_NOBODY = {
    InterestKind.AUTHOR: mark("no author is known here under this address"),
    InterestKind.LAB: mark("no lab is known here under this address"),
}


class Refused(NamedTuple):
    """A line that cannot be kept, and why, in words for a catalogue with a `number` to fill in."""

    line: str
    why: str
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What is kept of a box, in the order of its lines, and what is not."""

    interests: tuple[Interest, ...] = ()
    refused: tuple[Refused, ...] = ()


def read_box(kind: InterestKind, typed: str, found: Mapping[str, str] = MappingProxyType({})) -> Box:
    """Read a box line by line.

    `found` maps lines that are addresses of this site, or titles, to what was found under them: a name, or the arXiv
    id or slug of a paper.
    """
    kept: dict[str, Interest] = {}
    refused: list[Refused] = []
    for line in lines_of(kind, typed):
        for read in _read(kind, line, found):
            if isinstance(read, Refused):
                refused.append(read)
            elif read.key in kept or len(kept) < MOST[kind]:
                kept.setdefault(read.key, read)
            else:
                refused.append(
                    Refused(line, mark("there are %(number)s of them already, the most that are kept"), MOST[kind])
                )
    return Box(interests=tuple(kept.values()), refused=tuple(dict.fromkeys(refused)))


def lines_of(kind: InterestKind, typed: str) -> list[str]:
    """Split what was typed into lines without outer blanks; keywords and exclusions may stand between commas, too."""
    cut = r"[\r\n,;]+" if kind in _SEPARATED else r"[\r\n]+"
    return [" ".join(line.split()) for line in re.split(cut, typed.replace("\0", " ")) if line.strip()]


def to_find(kind: InterestKind, typed: str) -> list[str]:
    """List the lines that only the database can read: addresses of this site, and titles of papers."""
    lines = (line for line in lines_of(kind, typed) if len(line) <= LONGEST_WORDS * 2)
    if kind is InterestKind.PAPER:
        return [line for line in lines if not arxiv_ids(line)]
    if kind in (InterestKind.AUTHOR, InterestKind.LAB):
        return [line for line in lines if own_address(line)]
    return []


def own_address(line: str) -> tuple[str, str] | None:
    """Read a line as the address of an author, a lab or a paper on a site like this: the folder, and the name in it."""
    match = _OWN_ADDRESS.search(line)
    return (match["folder"], match["name"]) if match else None


def arxiv_ids(line: str) -> tuple[str, ...]:
    """Return the canonical arXiv ids in a line, however they are written around."""
    return tuple(dict.fromkeys(_ids(line)))


def _ids(line: str) -> Iterator[str]:
    for match in _ARXIV_ID.finditer(line):
        arxiv_id, _version = parse_arxiv_id(match[0])
        archive = arxiv_id.partition("/")[0]
        if archive == arxiv_id or archive in _ARCHIVES or is_category(archive):
            yield arxiv_id


def _read(kind: InterestKind, line: str, found: Mapping[str, str]) -> Iterable[Interest | Refused]:
    if kind is InterestKind.PAPER:
        names = arxiv_ids(line) or ((found[line],) if line in found else ())
        return [Interest(kind, name, name) for name in names] or [
            Refused(line, mark("it holds no arXiv id, and no paper known here has this address or title"))
        ]
    if own_address(line) and kind in _NOBODY:
        if line not in found:
            return [Refused(line, _NOBODY[kind])]
        line = found[line]
    if len(line) > LONGEST_WORDS:
        return [Refused(line, mark("it is longer than %(number)s characters"), LONGEST_WORDS)]
    read = interest_of(kind, _in_order(line) if kind is InterestKind.AUTHOR else line)
    if read is None:
        return [Refused(line, mark("it holds no letter and no digit"))]
    if kind in _SEPARATED and len(title_key(line)) == 1 and line.isascii():
        return [Refused(line, mark("a single letter is in almost every paper"))]
    return [read]


def _in_order(name: str) -> str:
    """Turn `Dauphin, Yann N.` into the order in which papers write a name."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and first.strip() and "," not in first else name
