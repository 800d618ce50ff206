"""One OAI-PMH record of arXiv, in any of its three formats, as a Listing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from lxml import etree

from digest.core.categories import CATEGORY_NAMES
from digest.core.paper import AnnounceType, Listing, parse_arxiv_id
from digest.core.text import readable
from digest.sources import arxiv_fields as fields
from digest.sources.strict_xml import local_name, text_of

SOURCE = "arxiv-oai"

_ARCHIVE_WORDS = {
    "computer science": "cs",
    "mathematics": "math",
    "statistics": "stat",
    "electrical engineering and systems science": "eess",
    "quantitative biology": "q-bio",
    "quantitative finance": "q-fin",
    "economics": "econ",
    "astrophysics": "astro-ph",
    "nonlinear sciences": "nlin",
    "condensed matter": "cond-mat",
    "physics": "physics",
}
_OWN_WORDS = {  # where arXiv's words for a class are not the ones shown to readers here
    "statistics - machine learning": "stat.ML",
    "nonlinear sciences - exactly solvable and integrable systems": "nlin.SI",
    "economics - general economics": "econ.GN",
    "economics - theoretical economics": "econ.TH",
    "computer science - numerical analysis": "cs.NA",
    "high energy physics - experiment": "hep-ex",
    "high energy physics - lattice": "hep-lat",
    "high energy physics - phenomenology": "hep-ph",
    "high energy physics - theory": "hep-th",
}


def is_deleted(record: etree._Element) -> bool:
    """Tell whether a record only says that it was withdrawn from the repository."""
    header = record.find("{*}header")
    return header is not None and header.get("status") == "deleted"


def identifier(record: etree._Element) -> str:
    """Return the identifier in a record's header, or an empty string."""
    return record.findtext("{*}header/{*}identifier", "").strip()


def listing_of(record: etree._Element) -> Listing:
    """Turn a record into a listing; raises ValueError, saying what is wrong, where it cannot."""
    written = identifier(record)
    if not written:
        raise ValueError("its header has no identifier")
    arxiv_id, _ = parse_arxiv_id(written)
    metadata = record.find("{*}metadata")
    content = metadata[0] if metadata is not None and len(metadata) else None
    if content is None:
        raise ValueError("it has no metadata")
    read = {"arXiv": _arxiv, "arXivRaw": _arxiv_raw, "dc": _dublin_core}.get(local_name(content))
    if read is None:
        raise ValueError(f"its metadata is <{local_name(content)[:40]}>; arXiv, arXivRaw and oai_dc are read")
    listing = read(content, arxiv_id)
    if not listing.title:
        raise ValueError("it has no title")
    return listing


def _arxiv(content: etree._Element, arxiv_id: str) -> Listing:
    said = _by_name(content)
    names = [_name_of(author) for author in said.get("authors", ()) if local_name(author) == "author"]
    return Listing(
        source=SOURCE,
        title=readable(text_of(said.get("title"))),
        arxiv_id=arxiv_id,
        authors=tuple(name for name in names if fields.is_name(name)),
        abstract=fields.abstract_of(text_of(said.get("abstract"))),
        categories=fields.categories_of(text_of(said.get("categories")).split()),
        announce_type=AnnounceType.FOUND,
        listed_on=fields.day_of(text_of(said.get("created"))),
        updated_at=_midnight(fields.day_of(text_of(said.get("updated")))),
        comment=readable(text_of(said.get("comments"))),
        doi=readable(text_of(said.get("doi"))),
        journal_ref=readable(text_of(said.get("journal-ref"))),
        license_url=fields.web_address(text_of(said.get("license"))),
    )


def _by_name(parent: etree._Element) -> dict[str, etree._Element]:
    """The children by their names, the first of each: looking for each by a path of its own takes far longer."""
    found: dict[str, etree._Element] = {}
    for child in parent.iterchildren("*"):
        found.setdefault(local_name(child), child)
    return found


def _name_of(author: etree._Element) -> str:
    parts = _by_name(author)
    written = (parts[part].text or "" for part in ("forenames", "keyname", "suffix") if part in parts)
    return " ".join(filter(None, map(readable, written)))


def _arxiv_raw(content: etree._Element, arxiv_id: str) -> Listing:
    versions: dict[int, datetime | None] = {}
    for version in content.iterfind("{*}version"):  # they may come as v1, v10, v2
        if match := re.fullmatch(r"v([1-9]\d{0,2})", version.get("version", "")):
            versions[int(match[1])] = fields.instant_of(version.findtext("{*}date", ""))
    newest = max(versions, default=None)
    first_at = versions.get(1)
    return Listing(
        source=SOURCE,
        title=readable(_text(content, "title")),
        arxiv_id=arxiv_id,
        version=newest,
        authors=fields.authors_of_line(_text(content, "authors")),
        abstract=fields.abstract_of(_text(content, "abstract")),
        categories=fields.categories_of(_text(content, "categories").split()),
        announce_type=AnnounceType.FOUND,
        listed_on=first_at.date() if first_at else None,
        published_at=first_at,
        updated_at=versions.get(newest) if newest else None,
        comment=readable(_text(content, "comments")),
        doi=readable(_text(content, "doi")),
        journal_ref=readable(_text(content, "journal-ref")),
        license_url=fields.web_address(_text(content, "license")),
    )


def _dublin_core(content: etree._Element, arxiv_id: str) -> Listing:
    texts: dict[str, list[str]] = {}
    for child in content:
        texts.setdefault(local_name(child), []).append(text_of(child))
    descriptions = texts.get("description", [])
    comments = [text for text in descriptions if text.startswith("Comment:")]
    abstracts = [text for text in descriptions if not text.startswith("Comment:")]
    dates = sorted(day for day in map(fields.day_of, texts.get("date", [])) if day)
    dois = [text[4:] for text in texts.get("identifier", []) if text.lower().startswith("doi:")]
    names = (_turned(readable(name)) for name in texts.get("creator", []))
    return Listing(
        source=SOURCE,
        title=readable(" ".join(texts.get("title", [])[:1])),
        arxiv_id=arxiv_id,
        authors=tuple(name for name in names if fields.is_name(name)),
        abstract=fields.abstract_of(abstracts[0]) if abstracts else "",
        categories=fields.categories_of(map(_category_in_words, texts.get("subject", []))),
        announce_type=AnnounceType.FOUND,
        listed_on=dates[0] if dates else None,
        updated_at=_midnight(dates[-1]) if len(dates) > 1 else None,
        comment=readable(comments[0].removeprefix("Comment:")) if comments else "",
        doi=readable(dois[0]) if dois else "",
        license_url=fields.web_address((texts.get("rights") or [""])[0]),
    )


def _text(content: etree._Element, name: str) -> str:
    return text_of(content.find(f"{{*}}{name}"))


def _midnight(day: date | None) -> datetime | None:
    """The record tells a day only; its first instant never claims to be later than the truth."""
    return datetime.combine(day, time(), UTC) if day else None


def _turned(name: str) -> str:
    """Write `Last, First, Suffix` as `First Last Suffix`."""
    last, *others = (part.strip() for part in name.split(","))
    return " ".join([*others[:1], last, *others[1:]])


def _category_in_words(subject: str) -> str:
    """Find the category that Dublin Core names in words; an empty string for MSC and ACM classes."""
    words = " ".join(subject.split())
    if (own := _OWN_WORDS.get(words.casefold())) is not None:
        return own
    group, _, name = words.partition(" - ")
    archive = _ARCHIVE_WORDS.get(group.casefold())
    for category, known_as in CATEGORY_NAMES.items():
        if known_as.casefold() == (name or group).casefold() and (not name or category.startswith(f"{archive}.")):
            return category
    return ""
