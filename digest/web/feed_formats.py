"""A list of papers as RSS 2.0 and as JSON Feed 1.1, whichever list it is."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Response
from lxml import etree

from digest.core.issue import Card
from digest.web.pages import percent

_ATOM = "http://www.w3.org/2005/Atom"
_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SHARED = {"Cache-Control": "public, max-age=900", "Access-Control-Allow-Origin": "*"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One paper in a feed: its card, its address, the name that stays its own, and when it was published (UTC)."""

    card: Card
    link: str
    guid: str
    published: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed: what it is of, the page it belongs to, its own address, and its entries.

    `built` is the instant (UTC) its list was made, where there is one.
    """

    title: str
    description: str
    page: str
    address: str
    entries: Sequence[Entry]
    built: datetime | None = None


def as_rss(feed: Feed) -> Response:
    """Give a feed as RSS 2.0."""
    root = etree.Element("rss", {"version": "2.0"}, nsmap={"atom": _ATOM, "dc": _DUBLIN_CORE})
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", feed.title)
    _add(channel, "link", feed.page)
    _add(channel, "description", feed.description)
    _add(channel, "language", "en")
    own = {"href": feed.address, "rel": "self", "type": "application/rss+xml"}
    etree.SubElement(channel, f"{{{_ATOM}}}link", own)
    if feed.built:
        _add(channel, "lastBuildDate", format_datetime(feed.built))
    for one in feed.entries:
        entry = etree.SubElement(channel, "item")
        _add(entry, "title", one.card.title)
        _add(entry, "link", one.link)
        _add(entry, "guid", one.guid, isPermaLink="false")
        # Readers take a description for HTML: what looks like markup must reach them as text.
        _add(entry, "description", "".join(f"<p>{html.escape(line)}</p>" for line in _lines(one.card)))
        for name in one.card.authors[:3]:
            _add(entry, f"{{{_DUBLIN_CORE}}}creator", name)
        for name in one.card.categories:
            _add(entry, "category", name)
        if one.published:
            _add(entry, "pubDate", format_datetime(one.published))
    body = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return Response(body, media_type="application/rss+xml", headers=_SHARED)


def as_json(feed: Feed) -> Response:
    """Give a feed as JSON Feed 1.1."""
    plain = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.address,
        "description": feed.description,
        "language": "en",
        "items": [_plain(one) for one in feed.entries],
    }
    return Response(json.dumps(plain, ensure_ascii=False), media_type="application/feed+json", headers=_SHARED)


def _plain(one: Entry) -> dict[str, Any]:
    card = one.card
    entry: dict[str, Any] = {
        "id": one.guid,
        "url": one.link,
        "title": card.title,
        "content_text": "\n\n".join(_lines(card)),
        "authors": [{"name": name} for name in card.authors],
        "tags": list(card.categories),
        "_firstlight": {
            "rank": card.rank,
            "percentile": card.percentile,
            "evidence": card.evidence,
            "simulated": card.simulated,
        },
    }
    if card.abs_url:
        entry["external_url"] = card.abs_url
    if one.published:
        entry["date_published"] = one.published.isoformat()
    return entry


def _lines(card: Card) -> list[str]:
    """Say of a paper what its card says: evidence first, marked where it is made up."""
    evidence = card.evidence
    if card.percentile is not None and "%" not in evidence:  # else the evidence has said it
        standing = f"percentile {percent(card.percentile)} in {card.primary_category or 'all papers'}"
        evidence = f"{evidence} · {standing}" if evidence else standing
    if card.simulated and "simulated" not in evidence:
        evidence = f"Simulated: {evidence}" if evidence else "Simulated."
    labs = ", ".join(card.labs[:3])
    return [line for line in (evidence, card.summary, labs) if line] or [card.title]


def _add(parent: etree._Element, name: str, words: str, **attributes: str) -> None:
    etree.SubElement(parent, name, attributes).text = _NOT_XML.sub("", words)
