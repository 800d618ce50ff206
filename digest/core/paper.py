"""What a paper is: its identity, one announcement of it, and how announcements merge into one work."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from digest.core.text import title_key

_NEW_STYLE = r"(?P<new>\d{2}(?:0[1-9]|1[0-2])\.\d{4,5})"
_OLD_STYLE = r"(?P<old>[a-z]+(?:-[a-z]+)*(?:\.[a-z-]{2,8})?/\d{2}(?:0[1-9]|1[0-2])\d{3})"
_ARXIV_ID = re.compile(
    rf"(?:arxiv:|oai:arxiv\.org:|https?://(?:[a-z]+\.)?arxiv\.org/(?:abs|pdf|html)/)?"
    rf"(?:{_NEW_STYLE}|{_OLD_STYLE})(?:v(?P<version>[1-9]\d{{0,2}}))?(?:\.pdf)?/?",
    re.IGNORECASE,
)


def parse_arxiv_id(text: str) -> tuple[str, int | None]:
    """Split an arXiv identifier, in any of its written forms, into canonical id and version.

    Takes new style (`2508.13426v2`), old style (`math.GT/0309136`, whose subject class is dropped:
    `math/0309136`), `arXiv:`, `oai:arXiv.org:` and abs, pdf or html URLs. Raises ValueError for
    anything else. Source: arXiv's "Understanding the arXiv identifier".
    """
    match = _ARXIV_ID.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an arXiv identifier: {text[:80]!r}")
    version = int(match["version"]) if match["version"] else None
    if match["new"]:
        return match["new"], version
    archive, number = match["old"].lower().split("/")
    return f"{archive.split('.')[0]}/{number}", version


class AnnounceType(StrEnum):
    """How a source announced a paper; arXiv's own words, and `found` for a list that only mentions it."""

    NEW = "new"
    CROSS = "cross"
    REPLACE = "replace"
    REPLACE_CROSS = "replace-cross"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Observation:
    """A signal's value at an instant (UTC).

    `of` is the number of papers the value was ranked among, for page places. `coverage` is `top`
    where the source listed only its leaders. `source` names who observed it; `simulated` marks
    values that the demo made up.
    """

    signal: str
    at: datetime
    value: float
    source: str
    of: int | None = None
    coverage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One announcement of a paper by a source, already cleaned to readable Unicode.

    Empty strings, empty tuples and None mean "the source does not say"; a merge never lets them
    replace something known. `categories` are full arXiv names, the primary one first. `authors` are
    in order; `authors_complete` is False where the source shows only the first few. `credited` names authors under
    whom the source lists the paper, wherever they stand among its authors, and whether or not it shows them.
    """

    source: str
    title: str
    arxiv_id: str | None = None
    version: int | None = None
    authors: tuple[str, ...] = ()
    authors_complete: bool = True
    credited: tuple[str, ...] = ()
    abstract: str = ""
    summary: str = ""
    categories: tuple[str, ...] = ()
    announce_type: AnnounceType = AnnounceType.NEW
    listed_on: date | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    labs: tuple[str, ...] = ()
    has_code: bool | None = None
    code_url: str = ""
    project_url: str = ""
    discussion_url: str = ""
    keywords: tuple[str, ...] = ()
    comment: str = ""
    doi: str = ""
    journal_ref: str = ""
    license_url: str = ""
    percentile: float | None = None
    observations: tuple[Observation, ...] = field(default=())

    @property
    def title_key(self) -> str:
        """The normalised title under which a paper without an arXiv id is known."""
        return title_key(self.title)

    @property
    def first_author_key(self) -> str:
        """Surname and first initial of the first author, or an empty string."""
        return author_key(self.authors[0]) if self.authors else ""


def author_key(name: str) -> str:
    """Reduce an author's name to surname and first initial, in ASCII where there is one.

    `Yann N. Dauphin` and `Y. Dauphin` give the same key; so may two people, so a key alone never
    proves identity.
    """
    words = title_key(name).split()
    if len(words) < 2:
        return "".join(words)
    return f"{words[-1]} {words[0][0]}"


def same_work(title: str, first_author: str, other_title: str, other_first_author: str) -> bool:
    """Decide whether two listings without a shared arXiv id are the same work.

    All four are keys. Titles must be equal, and the first authors must agree where both are known or neither is.
    A title of fewer than three words is not enough to match a known author with an unknown one.
    """
    if not title or title != other_title:
        return False
    if bool(first_author) == bool(other_first_author):
        return first_author == other_first_author
    return len(title.split()) >= 3
