"""How what several sources say of one work becomes one set of facts, whatever the order they say it in.

Every rule is the larger of two statements under a total order, or the union of two sets, so joining is
commutative, associative and idempotent: a day that is read late, twice or backwards ends as the same paper.

A statement's **standing** is its version, then whether arXiv itself made it: a higher version wins, a lower one
(or one of unknown version, such as another site's copy of a title) only fills what is not known. Among statements
of the same standing the longer wins, then the one that sorts last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from digest.core.links import web_url
from digest.core.paper import AnnounceType, Listing, author_key
from digest.core.text import title_key

MAX_TITLE = 600  # characters; the longest title at arXiv is far below, and PostgreSQL cannot index much more
_MAX_ABSTRACT = 50_000
_MAX_VERSION = 999
_MOST = {"categories": 40, "labs": 40, "keywords": 60}

_When = TypeVar("_When", date, datetime)
_TEXTS = ("title", "abstract", "summary", "comment", "doi", "journal_ref")
_URLS = ("code_url", "project_url", "discussion_url", "license_url")
_ANNOUNCED = {AnnounceType.NEW: 2, AnnounceType.CROSS: 1, AnnounceType.FOUND: 0}


@dataclass(slots=True, eq=True)
class Facts:
    """What is known of a work. `standings` holds the standing of each statement that is known, by its field."""

    first_seen_at: datetime
    arxiv_id: str | None = None
    title: str = ""
    abstract: str = ""
    summary: str = ""
    authors: tuple[str, ...] = ()
    authors_complete: bool = True
    labs: tuple[str, ...] = ()
    primary_category: str = ""
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    version: int | None = None
    listed_on: date | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    has_code: bool | None = None
    code_url: str = ""
    project_url: str = ""
    discussion_url: str = ""
    comment: str = ""
    doi: str = ""
    journal_ref: str = ""
    license_url: str = ""
    standings: dict[str, int] = field(default_factory=dict)

    @property
    def title_key(self) -> str:
        """The normalised title."""
        return title_key(self.title)

    @property
    def first_author_key(self) -> str:
        """The key of the first author, or an empty string."""
        return author_key(self.authors[0]) if self.authors else ""


VISIBLE = tuple(name for name in Facts.__dataclass_fields__ if name not in ("standings", "first_seen_at"))


def visible(facts: Facts) -> tuple[Any, ...]:
    """Return the facts that a reader could see; a paper counts as updated when these change."""
    return tuple(getattr(facts, name) for name in VISIBLE)


def facts_of(listing: Listing, seen_at: datetime) -> Facts:
    """Turn one listing into facts, cleaned so that any database takes them; `seen_at` is when it was read.

    The announcement's day is kept with its rank: a `new` announcement before a cross-list before a list that only
    mentions the paper. A replacement's day says nothing of when the paper was listed, nor does that of a
    cross-list long after the month in the paper's arXiv id.
    """
    version = listing.version if listing.version and 0 < listing.version <= _MAX_VERSION else None
    standing = 2 * (version or 0) + listing.source.startswith("arxiv")
    categories = tuple(name for name in map(storable, listing.categories) if name)
    facts = Facts(
        first_seen_at=seen_at,
        arxiv_id=listing.arxiv_id,
        authors=tuple(name for name in map(storable, listing.authors) if name),
        labs=_united((), listing.labs, "labs"),
        primary_category=categories[0] if categories else "",
        keywords=_united((), listing.keywords, "keywords"),
        version=version,
        published_at=_plausible(listing.published_at),
        updated_at=_plausible(listing.updated_at),
        has_code=listing.has_code,
    )
    facts.categories = _ordered(categories, facts.primary_category)
    facts.authors_complete = listing.authors_complete or not facts.authors
    for name in _TEXTS:
        setattr(facts, name, storable(getattr(listing, name)).strip()[:_MAX_ABSTRACT])
    for name in _URLS:
        setattr(facts, name, web_url(getattr(listing, name)))
    for name in (*_TEXTS, *_URLS, "authors", "primary_category"):
        if getattr(facts, name):
            facts.standings[name] = standing
    rank = _ANNOUNCED.get(listing.announce_type)
    day = _plausible(listing.listed_on)
    if rank is not None and day is not None and not _listed_long_ago(listing):
        facts.listed_on = day
        facts.standings["listed_on"] = rank
    if facts.code_url:
        facts.has_code = True
    return facts


def join(into: Facts, other: Facts) -> None:
    """Add to `into` what `other` knows. Raises ValueError for two different arXiv ids: those are two works."""
    if into.arxiv_id and other.arxiv_id and into.arxiv_id != other.arxiv_id:
        raise ValueError(f"{into.arxiv_id} and {other.arxiv_id} are different papers")
    into.arxiv_id = into.arxiv_id or other.arxiv_id
    into.first_seen_at = min(into.first_seen_at, other.first_seen_at)
    for name in (*_TEXTS, *_URLS, "primary_category"):
        if _strength(other, name) > _strength(into, name):
            _take(into, other, name)
    if _author_strength(other) > _author_strength(into):
        _take(into, other, "authors")
        into.authors_complete = other.authors_complete
    into.categories = _ordered({*into.categories, *other.categories}, into.primary_category)
    for name in ("labs", "keywords"):
        if getattr(other, name) != getattr(into, name):
            setattr(into, name, _united(getattr(into, name), getattr(other, name), name))
    if _listing_strength(other) > _listing_strength(into):
        _take(into, other, "listed_on")
    into.version = _larger(into.version, other.version)
    into.updated_at = max((at for at in (into.updated_at, other.updated_at) if at), default=None)
    into.published_at = min((at for at in (into.published_at, other.published_at) if at), default=None)
    if other.has_code is not None:
        into.has_code = bool(into.has_code or other.has_code)


def storable(text: str) -> str:
    """Drop what a database refuses in a text: NUL and lone surrogates."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.encode("utf-8", "ignore").decode().replace("\0", "")


def _plausible(when: _When | None) -> _When | None:
    # No instant without its zone, and no year that only a broken or hostile source would state.
    if when is None or not 1900 <= when.year <= 2200:
        return None
    return None if getattr(when, "tzinfo", UTC) is None else when


def _take(into: Facts, other: Facts, name: str) -> None:
    setattr(into, name, getattr(other, name))
    into.standings[name] = other.standings.get(name, 0)


def _strength(facts: Facts, name: str) -> tuple[int, int, str]:
    value = getattr(facts, name)
    return (facts.standings.get(name, 0), len(value), value) if value else (-1, 0, "")


def _author_strength(facts: Facts) -> tuple[bool, int, int, tuple[str, ...]]:
    if not facts.authors:
        return (False, -1, 0, ())
    return (facts.authors_complete, facts.standings.get("authors", 0), len(facts.authors), facts.authors)


def _listing_strength(facts: Facts) -> tuple[int, int]:
    if facts.listed_on is None:
        return (-1, 0)
    return (facts.standings.get("listed_on", 0), -facts.listed_on.toordinal())  # the earliest of the best rank


def _listed_long_ago(listing: Listing) -> bool:
    if listing.announce_type is not AnnounceType.CROSS or not listing.arxiv_id or listing.listed_on is None:
        return False
    digits = listing.arxiv_id.split("/")[-1][:4]  # YYMM in both styles
    year = int(digits[:2]) + (2000 if int(digits[:2]) < 91 else 1900)  # arXiv began in 1991
    months = (listing.listed_on.year - year) * 12 + listing.listed_on.month - int(digits[2:])
    return months > 1


def _ordered(categories: tuple[str, ...] | set[str], primary: str) -> tuple[str, ...]:
    if not categories:
        return ()
    rest = sorted({*categories} - {primary})
    return (primary, *rest[: _MOST["categories"] - 1])


def _united(ours: tuple[str, ...], theirs: tuple[str, ...], name: str) -> tuple[str, ...]:
    spelled: dict[str, str] = {}
    for word in (*ours, *theirs):
        written = storable(word).strip()
        known_as = title_key(written)
        if known_as:
            spelled[known_as] = max(spelled.get(known_as, ""), written)
    return tuple(spelled[word] for word in sorted(spelled)[: _MOST[name]])


def _larger(one: int | None, other: int | None) -> int | None:
    return max((number for number in (one, other) if number is not None), default=None)
