"""The feeds: today's list, whole or of one category, the newest papers of an author or a lab, and of a search."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Response

from digest.core.issue import Card
from digest.errors import NotFound
from digest.store.bylines import cards_of
from digest.store.engine import reading
from digest.store.portfolios import Kind, listed, portfolio
from digest.store.search import parse, search
from digest.store.site import Front, issue_front, score_front
from digest.web.feed_formats import Entry, Feed, as_json, as_rss
from digest.web.site import Site, TheSite

router = APIRouter()

MOST = 50
_SEARCHED = 200  # the best of a search, of which the latest are given
Category = Annotated[str, Query(max_length=32)]


@router.get("/feed.xml")
def rss(site: TheSite, category: Category = "") -> Response:
    """Give the list as RSS 2.0."""
    return as_rss(_todays(site, "/feed.xml", category))


@router.get("/feed.json")
def json_feed(site: TheSite, category: Category = "") -> Response:
    """Give the list as JSON Feed 1.1."""
    return as_json(_todays(site, "/feed.json", category))


@router.get("/authors/{slug}/feed.xml")
def author_rss(site: TheSite, slug: str) -> Response:
    """Give the newest papers of an author as RSS 2.0."""
    return as_rss(_newest(site, Kind.AUTHOR, slug, "feed.xml"))


@router.get("/authors/{slug}/feed.json")
def author_json(site: TheSite, slug: str) -> Response:
    """Give the newest papers of an author as JSON Feed 1.1."""
    return as_json(_newest(site, Kind.AUTHOR, slug, "feed.json"))


@router.get("/labs/{slug}/feed.xml")
def lab_rss(site: TheSite, slug: str) -> Response:
    """Give the newest papers of a lab as RSS 2.0."""
    return as_rss(_newest(site, Kind.LAB, slug, "feed.xml"))


@router.get("/labs/{slug}/feed.json")
def lab_json(site: TheSite, slug: str) -> Response:
    """Give the newest papers of a lab as JSON Feed 1.1."""
    return as_json(_newest(site, Kind.LAB, slug, "feed.json"))


@router.get("/search/feed.xml")
def search_rss(site: TheSite, q: str = "", category: Category = "") -> Response:
    """Give the newest papers that have the words as RSS 2.0."""
    return as_rss(_found(site, "/search/feed.xml", q, category))


@router.get("/search/feed.json")
def search_json(site: TheSite, q: str = "", category: Category = "") -> Response:
    """Give the newest papers that have the words as JSON Feed 1.1."""
    return as_json(_found(site, "/search/feed.json", q, category))


def _todays(site: Site, path: str, category: str) -> Feed:
    front, cards = _list(site, category)
    published = front.as_of.astimezone(UTC) if front and front.as_of else None
    # A paper that leads again on a later day is news again.
    day = front.issued_on.isoformat() if front and front.issued_on else "now"
    return Feed(
        title=f"{site.services.settings.site_name}: {category or 'papers gaining attention'}",
        description=f"The papers{' of ' + category if category else ''} that are gaining attention, once a day.",
        page=_address(site, "/", category),
        address=_address(site, path, category),
        entries=[Entry(card, _link(site, card), f"{_link(site, card)}#{day}", published) for card in cards],
        built=published,
    )


def _list(site: Site, category: str) -> tuple[Front | None, Sequence[Card]]:
    with reading(site.services.engine) as session:
        front = issue_front(session) or score_front(session)
    cards = front.cards if front else ()
    return front, [card for card in cards if not category or category in (card.primary_category, *card.categories)][
        :MOST
    ]


def _newest(site: Site, kind: Kind, slug: str, file: str) -> Feed:
    with reading(site.services.engine) as session:
        found = portfolio(session, kind, slug) if len(slug) <= 200 and "\0" not in slug else None
        if found is None:
            raise NotFound(f"no {kind} is known here under this name")
        cards = [one.card for one in listed(session, found, found.works[:MOST])]
    page = f"/{kind}s/{quote(slug)}"
    return Feed(
        title=f"{site.services.settings.site_name}: {found.name}",
        description=f"The newest papers known here under the name {found.name}.",
        page=_address(site, page, ""),
        address=_address(site, f"{page}/{file}", ""),
        entries=[Entry(card, _link(site, card), _link(site, card), _listed_at(card)) for card in cards],
    )


def _found(site: Site, path: str, typed: str, category: str) -> Feed:
    """Follow a search: only papers that have all its words as they were typed, the latest of the best first."""
    asked = parse(typed, category)
    with reading(site.services.engine) as session:
        results = search(session, asked, limit=_SEARCHED)
        exact = asked and not (results.loose or results.corrected)
        cards = cards_of(session, results.ids) if exact else []
    cards.sort(key=lambda card: card.listed_on or date.min, reverse=True)
    query = {name: words for name, words in (("q", " ".join(asked.words)), ("category", asked.category)) if words}
    words = " ".join(query.values())
    base = site.services.settings.base_url.rstrip("/")
    return Feed(
        title=f"{site.services.settings.site_name}: {words or 'search'}",
        description=f"The newest papers known here that have the words: {words}.",
        page=f"{base}/search?{urlencode(query)}",
        address=f"{base}{path}?{urlencode(query)}",
        entries=[Entry(card, _link(site, card), _link(site, card), _listed_at(card)) for card in cards[:MOST]],
    )


def _listed_at(card: Card) -> datetime | None:
    return datetime.combine(card.listed_on, time(), UTC) if card.listed_on else None


def _address(site: Site, path: str, category: str) -> str:
    query = f"?{urlencode({'category': category})}" if category else ""
    return f"{site.services.settings.base_url.rstrip('/')}{path}{query}"


def _link(site: Site, card: Card) -> str:
    return f"{site.services.settings.base_url.rstrip('/')}{quote(card.path)}"
