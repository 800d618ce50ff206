"""Today's list as RSS 2.0 and as JSON Feed 1.1, whole or of one category."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Response
from lxml import etree

from digest.core.issue import Card
from digest.store.engine import reading
from digest.store.site import Front, issue_front, score_front
from digest.web.pages import percent
from digest.web.site import Site, TheSite

router = APIRouter()

MOST = 50
_ATOM = "http://www.w3.org/2005/Atom"
_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SHARED = {"Cache-Control": "public, max-age=900", "Access-Control-Allow-Origin": "*"}
Category = Annotated[str, Query(max_length=32)]


@router.get("/feed.xml")
def rss(site: TheSite, category: Category = "") -> Response:
    """Give the list as RSS 2.0."""
    front, cards = _list(site, category)
    root = etree.Element("rss", {"version": "2.0"}, nsmap={"atom": _ATOM, "dc": _DUBLIN_CORE})
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", _title(site, category))
    _add(channel, "link", _address(site, "/", category))
    _add(channel, "description", _description(category))
    _add(channel, "language", "en")
    own = _address(site, "/feed.xml", category)
    etree.SubElement(channel, f"{{{_ATOM}}}link", {"href": own, "rel": "self", "type": "application/rss+xml"})
    published = _published(front)
    if published:
        _add(channel, "lastBuildDate", format_datetime(published))
    for card in cards:
        entry = etree.SubElement(channel, "item")
        _add(entry, "title", card.title)
        _add(entry, "link", _link(site, card))
        _add(entry, "guid", _guid(site, front, card), isPermaLink="false")
        # Readers take a description for HTML: what looks like markup must reach them as text.
        _add(entry, "description", "".join(f"<p>{html.escape(line)}</p>" for line in _lines(card)))
        for name in card.authors[:3]:
            _add(entry, f"{{{_DUBLIN_CORE}}}creator", name)
        for name in card.categories:
            _add(entry, "category", name)
        if published:
            _add(entry, "pubDate", format_datetime(published))
    body = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return Response(body, media_type="application/rss+xml", headers=_SHARED)


@router.get("/feed.json")
def json_feed(site: TheSite, category: Category = "") -> Response:
    """Give the list as JSON Feed 1.1."""
    front, cards = _list(site, category)
    published = _published(front)
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _title(site, category),
        "home_page_url": _address(site, "/", category),
        "feed_url": _address(site, "/feed.json", category),
        "description": _description(category),
        "language": "en",
        "items": [_entry(site, front, card, published) for card in cards],
    }
    return Response(json.dumps(feed, ensure_ascii=False), media_type="application/feed+json", headers=_SHARED)


def _entry(site: Site, front: Front | None, card: Card, published: datetime | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": _guid(site, front, card),
        "url": _link(site, card),
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
    if published:
        entry["date_published"] = published.isoformat()
    return entry


def _list(site: Site, category: str) -> tuple[Front | None, Sequence[Card]]:
    with reading(site.services.engine) as session:
        front = issue_front(session) or score_front(session)
    cards = front.cards if front else ()
    return front, [card for card in cards if not category or category in (card.primary_category, *card.categories)][
        :MOST
    ]


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


def _title(site: Site, category: str) -> str:
    return f"{site.services.settings.site_name}: {category or 'papers gaining attention'}"


def _description(category: str) -> str:
    return f"The papers{' of ' + category if category else ''} that are gaining attention, once a day."


def _address(site: Site, path: str, category: str) -> str:
    query = f"?{urlencode({'category': category})}" if category else ""
    return f"{site.services.settings.base_url.rstrip('/')}{path}{query}"


def _link(site: Site, card: Card) -> str:
    return f"{site.services.settings.base_url.rstrip('/')}{quote(card.path)}"


def _guid(site: Site, front: Front | None, card: Card) -> str:
    # A paper that leads again on a later day is news again.
    day = front.issued_on.isoformat() if front and front.issued_on else "now"
    return f"{_link(site, card)}#{day}"


def _published(front: Front | None) -> datetime | None:
    return front.as_of.astimezone(UTC) if front and front.as_of else None


def _add(parent: etree._Element, name: str, words: str, **attributes: str) -> None:
    etree.SubElement(parent, name, attributes).text = _NOT_XML.sub("", words)
