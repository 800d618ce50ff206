"""One entry of Hugging Face's daily papers, in any of the shapes the API has had since May 2024."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from digest.core.paper import AnnounceType, Listing, Observation, parse_arxiv_id
from digest.core.text import readable, readable_paragraphs
from digest.sources.strict_json import text_of, whole_number

SOURCE = "hf"
_MAX_TITLE = 500
_MAX_ABSTRACT = 20_000
_MAX_SUMMARY = 2_000
_MAX_NAME = 120
_MAX_AUTHORS = 5_000
_MAX_KEYWORDS = 40
_MOST_UPVOTES = 1_000_000
_MOST_STARS = 10_000_000

_REPOSITORY = re.compile(r"https://(?:www\.)?github\.com/([A-Za-z0-9-]{1,40})/([A-Za-z0-9._-]{1,100})(?:[/?#].*)?")
_PAPER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}(?:/[0-9]{7})?")


def read_record(entry: object, observed_at: datetime, *, rank: int, of: int) -> Listing:
    """Turn one entry into a Listing; raises ValueError saying why it cannot be one.

    `rank` is its place on the page among `of`. A count that is not a plausible whole number is left out. Names that
    the site hides on request of their owners are kept: a paper's authors are a matter of record.
    """
    if not isinstance(entry, dict):
        raise ValueError("the entry is not an object")
    paper = entry.get("paper", entry)
    if not isinstance(paper, dict):
        raise ValueError("its `paper` is not an object")
    title = readable(text_of(paper.get("title"), limit=_MAX_TITLE) or text_of(entry.get("title"), limit=_MAX_TITLE))
    if not any(mark.isalnum() for mark in title):
        raise ValueError("it has no title, or one that is too long")
    identifier = text_of(paper.get("id"), limit=64)
    arxiv_id, version = _arxiv_id(identifier)
    authors, authors_complete = _authors(paper.get("authors"))
    code_url = _repository(paper.get("githubRepo"))
    abstract = text_of(paper.get("summary"), limit=_MAX_ABSTRACT) or text_of(entry.get("summary"), limit=_MAX_ABSTRACT)
    return Listing(
        source=SOURCE,
        title=title,
        arxiv_id=arxiv_id,
        version=version,
        authors=authors,
        authors_complete=authors_complete,
        abstract=readable_paragraphs(abstract),
        summary=readable(text_of(paper.get("ai_summary"), limit=_MAX_SUMMARY)),
        announce_type=AnnounceType.FOUND,
        listed_on=_listed_on(entry, paper),
        published_at=_instant(paper.get("publishedAt")),
        labs=_organisation(entry, paper),
        has_code=True if code_url else None,
        code_url=code_url,
        project_url=_web_address(paper.get("projectPage")),
        discussion_url=_discussion(arxiv_id or identifier),
        keywords=_keywords(paper.get("ai_keywords")),
        observations=_observations(entry, paper, observed_at, rank=rank, of=of),
    )


def _observations(
    entry: Mapping[str, Any], paper: Mapping[str, Any], at: datetime, *, rank: int, of: int
) -> tuple[Observation, ...]:
    counts = {
        "hf_upvotes": whole_number(paper.get("upvotes"), limit=_MOST_UPVOTES),
        "hf_comments": whole_number(entry.get("numComments"), limit=_MOST_UPVOTES),
        "github_stars": whole_number(paper.get("githubStars"), limit=_MOST_STARS),
    }
    kept = [
        Observation(signal=signal, at=at, value=count, source=SOURCE)
        for signal, count in counts.items()
        if count is not None
    ]
    return (*kept, Observation(signal="hf_page_rank", at=at, value=rank, source=SOURCE, of=of))


def _arxiv_id(identifier: str) -> tuple[str | None, int | None]:
    try:
        return parse_arxiv_id(identifier)
    except ValueError:
        return None, None  # the site also shows papers from elsewhere; such a one is known by its title


def _authors(entries: object) -> tuple[tuple[str, ...], bool]:
    if not isinstance(entries, list):
        return (), False
    names = [
        readable(text_of(entry.get("name") if isinstance(entry, dict) else entry, limit=_MAX_NAME))
        for entry in entries[:_MAX_AUTHORS]
    ]
    known = tuple(name for name in names if any(mark.isalpha() for mark in name))
    return known, bool(known) and len(known) == len(entries)


def _listed_on(entry: Mapping[str, Any], paper: Mapping[str, Any]) -> date | None:
    """Return the day on whose page the paper stood.

    Until January 2025 only the entry's `publishedAt` tells it: the instant of submission to the page. Since then that
    field is the paper's own instant some hours off, which is never later.
    """
    submitted = _instant(paper.get("submittedOnDailyAt"))
    if submitted is None:
        submitted, published = _instant(entry.get("publishedAt")), _instant(paper.get("publishedAt"))
        if submitted is None or paper is entry or published is None or submitted <= published:
            return None
    return submitted.date()


def _instant(value: object) -> datetime | None:
    text = text_of(value, limit=40)
    try:
        instant = datetime.fromisoformat(text)
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant if 1990 <= instant.year <= 2200 else None


def _organisation(entry: Mapping[str, Any], paper: Mapping[str, Any]) -> tuple[str, ...]:
    for holder in (entry, paper):
        organisation = holder.get("organization")
        if isinstance(organisation, dict):
            for field in ("fullname", "name"):
                name = readable(text_of(organisation.get(field), limit=_MAX_NAME))
                if name:
                    return (name,)
    return ()


def _keywords(entries: object) -> tuple[str, ...]:
    if not isinstance(entries, list):
        return ()
    words = (readable(text_of(entry, limit=_MAX_NAME)) for entry in entries[:_MAX_KEYWORDS])
    return tuple(dict.fromkeys(word for word in words if word))


def _repository(value: object) -> str:
    """Return the address of a GitHub repository's front page, or nothing for any other address."""
    match = _REPOSITORY.fullmatch(text_of(value, limit=500))
    if match is None:
        return ""
    name = match[2].removesuffix(".git")
    return f"https://github.com/{match[1]}/{name}" if name.strip(".") else ""


def _web_address(value: object) -> str:
    address = text_of(value, limit=2_000)
    if not address.isprintable() or any(mark in address for mark in " \"'<>\\`{}|^"):
        return ""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return ""
    return address if usable else ""


def _discussion(identifier: str) -> str:
    return f"https://huggingface.co/papers/{identifier}" if _PAPER_ID.fullmatch(identifier) else ""
