"""arXiv's query API: Atom, newest submissions first, page by page. Source: arXiv API User's Manual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import httpx
from lxml import etree

from digest.core.capture import Capture, Cursor, Fetched, Reading, Rejection, RunStatus
from digest.core.errands import Reach, pages_of
from digest.core.paper import AnnounceType, Listing, parse_arxiv_id
from digest.core.text import readable
from digest.errors import ConfigError, DeedRefused, RefusedInput, SourceUnavailable
from digest.sources import arxiv_fields as fields
from digest.sources.http import get
from digest.sources.strict_xml import local_name, parse_xml, text_of

ADDRESS = "https://export.arxiv.org/api/query"
PAGE = 200  # results in a request
FIRST_LOOK_BACK = timedelta(days=7)  # how far the first run goes
_MOST_RESULTS = 30_000  # arXiv serves no more of one query
_EMPTY_PAGES = 3  # how often an empty page is asked for again

_SCOPE = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z-]{2,20})?")  # nothing else gets into the query
_ATOM = "{http://www.w3.org/2005/Atom}"
_SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
_ARXIV = "{http://arxiv.org/schemas/atom}"


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of results; `total` is of the whole query, `start` counts from zero."""

    listings: list[Listing]
    rejected: list[Rejection]
    total: int | None
    start: int
    entries: int

    @property
    def is_missing(self) -> bool:
        """Whether arXiv counts results here and lists none, as it does now and then."""
        return not self.entries and (self.total or 0) > self.start


class ArxivApi:
    """The source `arxiv-api`; a scope is a category such as `cs.LG`.

    Its listings are `found`: the API tells when a paper was submitted, not when it was announced. A paper that
    moderators held back appears with its old date, behind the cursor; `arxiv-rss` and `arxiv-oai` list those.
    """

    name = "arxiv-api"

    def read(self, body: bytes, reading: Reading) -> Capture:
        """Read a recorded page of results; no results at all is a quiet answer.

        Raises RefusedInput for arXiv's error feed, in arXiv's words, and for what is no answer of the API.
        """
        page = _read_page(body, reading.origin)
        if page.is_missing:
            raise RefusedInput(f"{reading.origin} {_missing(page)}; record it again.")
        return _capture(page, reading.origin)

    def reach_back(self, since: date, today: date, a_day: float) -> Reach:
        """Say how to read from a day on; raises DeedRefused for more results than arXiv serves of one query."""
        days = (today - since).days + 1
        if days * a_day > _MOST_RESULTS:
            raise DeedRefused(
                f"arxiv-api serves {_MOST_RESULTS:,} results of a query, and since {since} there are more: "
                "use arxiv-oai, or begin later"
            )
        return Reach(datetime.combine(since, time(), UTC).isoformat(), pages_of(days, a_day, PAGE))

    def fetch(self, client: httpx.Client, scope: str, cursor: Cursor, now: datetime) -> Iterator[Fetched]:
        """Ask for pages, newest first, until the instant of the cursor; the last page brings the new cursor.

        The position is the newest instant of submission that was read. Raises SourceUnavailable and RefusedInput.
        """
        if not _SCOPE.fullmatch(scope):
            raise ConfigError(f"arxiv-api has no scope {scope[:40]!r}; a scope is a category such as cs.LG")
        since = fields.instant_of(cursor.position) or now.astimezone(UTC) - FIRST_LOOK_BACK
        newest = since
        start = 0
        while start < _MOST_RESULTS:
            page = _ask(client, scope, start)
            instants = [listing.published_at for listing in page.listings if listing.published_at]
            newest = max([newest, *instants])
            start += page.entries
            capture = _capture(page, f"{ADDRESS} {scope}")
            read_all = start >= (page.total or 0) or not page.entries
            if read_all or (instants and min(instants) <= since):
                if newest == since and cursor.position:
                    capture.status, capture.reason = (
                        RunStatus.QUIET,
                        f"nothing was submitted after {since:%Y-%m-%d %H:%M} UTC",
                    )
                yield Fetched(capture, Cursor(newest.isoformat()))
                return
            yield Fetched(capture, cursor)  # pages go backwards in time: a run that is cut short begins anew
        raise SourceUnavailable(
            f"{ADDRESS} holds more than {_MOST_RESULTS} results for {scope} since {since:%Y-%m-%d}; "
            f"use arxiv-oai for so long a gap"
        )


def _ask(client: httpx.Client, scope: str, start: int) -> _Page:
    params: dict[str, str | int] = {
        "search_query": f"cat:{scope}",
        "sortBy": "submittedDate",
        "sortOrder": "descending",
        "start": start,
        "max_results": PAGE,
    }
    page: _Page | None = None
    for _ in range(_EMPTY_PAGES):
        answer = get(client, ADDRESS, params=params, accept=(200, 400))
        if answer.body[:40].lstrip().lower().startswith(b"rate exceeded"):
            raise SourceUnavailable(f"{ADDRESS} says the rate is exceeded; ask again later")
        page = _read_page(answer.body, f"{ADDRESS} {scope} from {start}")
        if not page.is_missing:
            return page
    assert page is not None  # noqa: S101  # for mypy: the loop runs at least once
    raise SourceUnavailable(f"{ADDRESS} {scope} {_missing(page)}; ask again later")


def _missing(page: _Page) -> str:
    return f"counts {page.total} results and lists none of them from {page.start} on, a passing failure of arXiv's"


def _capture(page: _Page, origin: str) -> Capture:
    if page.rejected and not page.listings:
        first = page.rejected[0]
        raise RefusedInput(
            f"{origin} holds {page.entries} entries and none can be read ({first.position}: {first.reason}). "
            f"Daily feeds are read by arxiv-rss."
        )
    if page.entries:
        return Capture(listings=page.listings, rejected=page.rejected)
    return Capture(status=RunStatus.QUIET, reason="arXiv has no results for this query")


def _read_page(body: bytes, origin: str) -> _Page:
    root = parse_xml(body, origin)
    if root.tag != f"{_ATOM}feed":
        raise RefusedInput(
            f"{origin} is no answer of arXiv's API: its root is <{local_name(root)}>, not Atom's <feed>."
        )
    entries = root.findall(f"{_ATOM}entry")
    for entry in entries:
        if "/api/errors" in entry.findtext(f"{_ATOM}id", ""):
            words = readable(entry.findtext(f"{_ATOM}summary", ""))[:300]
            raise RefusedInput(
                f"{origin}: arXiv refused the query: {words or 'without saying why'}. Correct the query."
            )
    total = _count(root, "totalResults")
    if total is None and not entries:
        raise RefusedInput(f"{origin} is an Atom feed without entries or a count of results; arXiv's API gives both.")
    listings: list[Listing] = []
    rejected: list[Rejection] = []
    for number, entry in enumerate(entries, start=1):
        try:
            listings.append(_listing(entry))
        except ValueError as fault:
            rejected.append(fields.set_aside(f"entry {number}", fault, text_of(entry.find(f"{_ATOM}title"))))
    return _Page(listings, rejected, total, _count(root, "startIndex") or 0, len(entries))


def _count(root: etree._Element, name: str) -> int | None:
    text = root.findtext(f"{_SEARCH}{name}", "").strip()
    return int(text) if text.isdecimal() and len(text) <= 9 else None


def _listing(entry: etree._Element) -> Listing:
    title = readable(text_of(entry.find(f"{_ATOM}title")))
    if not title:
        raise ValueError("it has no title")
    arxiv_id, version = parse_arxiv_id(entry.findtext(f"{_ATOM}id", ""))
    published_at = fields.instant_of(entry.findtext(f"{_ATOM}published", ""))
    if published_at is None:
        raise ValueError("it does not say when it was submitted")
    primary = entry.find(f"{_ARXIV}primary_category")
    names = (readable(text_of(name)) for name in entry.findall(f"{_ATOM}author/{_ATOM}name"))
    return Listing(
        source=ArxivApi.name,
        title=title,
        arxiv_id=arxiv_id,
        version=version,
        authors=tuple(name for name in names if fields.is_name(name)),
        abstract=fields.abstract_of(text_of(entry.find(f"{_ATOM}summary"))),
        categories=fields.categories_of(
            (category.get("term", "") for category in entry.findall(f"{_ATOM}category")),
            primary="" if primary is None else primary.get("term", ""),
        ),
        announce_type=AnnounceType.FOUND,
        listed_on=published_at.date(),
        published_at=published_at,
        updated_at=fields.instant_of(entry.findtext(f"{_ATOM}updated", "")),
        comment=readable(entry.findtext(f"{_ARXIV}comment", "")),
        doi=readable(entry.findtext(f"{_ARXIV}doi", "")),
        journal_ref=readable(entry.findtext(f"{_ARXIV}journal_ref", "")),
    )
