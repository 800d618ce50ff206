"""arXiv's daily announcements, one feed per category: RSS 2.0, and the same as Atom.

arXiv announces Sunday to Thursday evening (US Eastern); the feed is dated the following day, Monday to Friday, and is
empty at weekends and after holidays (core/arxiv_calendar.py). Its feeds have gone stale one by one: a stale feed looks
like a quiet day, so the day is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import httpx
from lxml import etree

from digest.core.arxiv_calendar import ArxivCalendar
from digest.core.capture import Capture, Cursor, Fetched, Reading, RunStatus
from digest.core.errands import Reach
from digest.core.paper import AnnounceType, Listing, parse_arxiv_id
from digest.core.text import readable
from digest.errors import ConfigError, DeedRefused, RefusedInput
from digest.sources import arxiv_fields as fields
from digest.sources.http import get
from digest.sources.strict_xml import local_name, parse_xml, text_of

ADDRESS = "https://rss.arxiv.org/rss/"
_DUE = time(6)  # UTC; the feed of a day is made at its first minute in US Eastern time, 04:00 or 05:00 UTC

_SCOPE = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z-]{2,20})?")
_DESCRIPTION = re.compile(r"arXiv:\S+\s+Announce Type:\s*(?P<type>\S+)\s*(?:Abstract:(?P<abstract>.*))?", re.DOTALL)
_ATOM = "{http://www.w3.org/2005/Atom}"
_RULES = ArxivCalendar()
_UNLESS = " (unless arXiv has a holiday that DIGEST_ARXIV_HOLIDAYS does not name)"


@dataclass(frozen=True, slots=True)
class _Feed:
    day: date | None
    items: list[etree._Element]


class ArxivRss:
    """The source `arxiv-rss`; a scope is a category such as `cs.LG`, or an archive such as `cs`."""

    name = "arxiv-rss"

    def __init__(self, calendar: ArxivCalendar = _RULES) -> None:
        self._calendar = calendar

    def read(self, body: bytes, reading: Reading) -> Capture:
        """Read a recorded feed. With `captured_on` its day is compared with the day that was due.

        Raises RefusedInput for what is no such feed, and where not one item can be read.
        """
        due = None if reading.captured_on is None else self._calendar.newest_due(reading.captured_on)
        return _capture(_open_feed(body, reading.origin), reading.origin, due, self._calendar)

    def reach_back(self, since: date, today: date, a_day: float) -> Reach:
        """Raise DeedRefused: a feed holds its newest day and no other."""
        raise DeedRefused("arxiv-rss holds its newest day only; fill in earlier ones with arxiv-api or arxiv-oai")

    def fetch(self, client: httpx.Client, scope: str, cursor: Cursor, now: datetime) -> Iterator[Fetched]:
        """Ask for one category's feed, if it changed; the cursor's position is the day of the last one.

        Raises SourceUnavailable and RefusedInput, and ConfigError for what cannot be a scope.
        """
        if not _SCOPE.fullmatch(scope):
            raise ConfigError(f"arxiv-rss has no scope {scope[:40]!r}; a scope is a category such as cs.LG")
        address = ADDRESS + scope
        answer = get(client, address, cursor=cursor)
        due = due_day(now, self._calendar)
        if answer.status == 304:
            yield Fetched(_unchanged(cursor.position, due), cursor)
            return
        feed = _open_feed(answer.body, address)
        capture = _capture(feed, address, due, self._calendar)
        # A late feed is asked for again in full: the next day's "not changed" must not pass for a quiet day.
        late = capture.status is RunStatus.LATE or feed.day is None
        yield Fetched(capture, cursor if late else answer.cursor(str(feed.day)))


def due_day(now: datetime, calendar: ArxivCalendar = _RULES) -> date:
    """Return the newest day whose feed must be there at an instant; weekends and holidays have none."""
    at = now.astimezone(UTC)
    return calendar.newest_due(at.date() if at.time() >= _DUE else at.date() - timedelta(days=1))


def _open_feed(body: bytes, origin: str) -> _Feed:
    root = parse_xml(body, origin)
    channel = root.find("channel")
    if root.tag == "rss" and channel is not None:
        dates = [channel.findtext("pubDate", ""), channel.findtext("lastBuildDate", "")]
        return _Feed(_first_day(dates), channel.findall("item"))
    if root.tag == f"{_ATOM}feed":
        entries = root.findall(f"{_ATOM}entry")
        dates = [entry.findtext(f"{_ATOM}published", "") for entry in entries[:1]]
        return _Feed(_first_day([*dates, root.findtext(f"{_ATOM}updated", "")]), entries)
    raise RefusedInput(
        f"{origin} is no arXiv feed: its root is <{local_name(root)}>, not <rss> with a <channel> or Atom's <feed>."
    )


def _first_day(dates: list[str]) -> date | None:
    return next((day for day in map(fields.day_of, dates) if day), None)


def _capture(feed: _Feed, origin: str, due: date | None, calendar: ArxivCalendar) -> Capture:
    capture = Capture()
    for number, element in enumerate(feed.items, start=1):
        parts = _parts(element)
        try:
            capture.listings.append(_listing(parts, feed.day))
        except ValueError as fault:
            capture.rejected.append(fields.set_aside(f"item {number}", fault, parts.get("title", "")))
    if feed.items and not capture.listings:
        first = capture.rejected[0]
        raise RefusedInput(
            f"{origin} holds {len(feed.items)} items and none can be read as an announcement "
            f"({first.position}: {first.reason}). Answers of arXiv's query API are read by arxiv-api."
        )
    capture.status, capture.reason = _standing(feed, due, calendar)
    return capture


def _standing(feed: _Feed, due: date | None, calendar: ArxivCalendar) -> tuple[RunStatus, str]:
    if feed.day is None:
        # Live, or with nothing in it, a feed that does not tell its day cannot vouch for that day.
        vouched = bool(feed.items) and due is None
        return (RunStatus.OK, "") if vouched else (RunStatus.LATE, "the feed does not say which day it is of")
    if due is not None and feed.day < due:
        return RunStatus.LATE, f"the feed is of {feed.day}, and that of {due} is due{_UNLESS}"
    if feed.items:
        return RunStatus.OK, ""
    quiet = calendar.quiet(feed.day)
    if quiet is not None:
        return RunStatus.QUIET, f"the feed of {feed.day}, a {feed.day:%A}, is empty: {quiet.sentence}"
    return RunStatus.LATE, f"the feed of {feed.day}, a {feed.day:%A}, is empty{_UNLESS}"


def _unchanged(position: str, due: date) -> Capture:
    day = fields.day_of(position)
    if day is not None and day >= due:
        return Capture(status=RunStatus.QUIET, reason=f"not changed since the feed of {day}")
    known = f"the feed of {day}" if day else "a feed of an unknown day"
    return Capture(status=RunStatus.LATE, reason=f"not changed since {known}, and that of {due} is due{_UNLESS}")


def _parts(element: etree._Element) -> dict[str, str]:
    """Gather an item's texts by their bare names, in lower case; the first of each counts."""
    parts: dict[str, str] = {}
    categories: list[str] = []
    for child in element:
        name = local_name(child).lower()
        if name == "category":
            categories.append(child.get("term") or text_of(child))
        elif name == "link":
            parts.setdefault(name, child.get("href") or text_of(child))
        else:
            parts.setdefault(name, text_of(child))
    return parts | {"categories": "\n".join(categories)}


def _listing(parts: dict[str, str], feed_day: date | None) -> Listing:
    title = readable(parts.get("title", ""))
    if not title:
        raise ValueError("it has no title")
    arxiv_id, version = _identifier(parts)
    told = _DESCRIPTION.match(parts.get("description") or parts.get("summary") or "")
    announced = parts.get("announce_type") or (told["type"] if told else "")
    try:
        announce_type = AnnounceType(announced.strip().lower())
    except ValueError:
        raise ValueError(f"announce type {announced[:40]!r} is none that arXiv uses") from None
    abstract = told["abstract"] or "" if told else parts.get("description") or parts.get("summary") or ""
    return Listing(
        source=ArxivRss.name,
        title=title,
        arxiv_id=arxiv_id,
        version=version,
        authors=fields.authors_of_line(parts.get("creator", "")),
        abstract=fields.abstract_of(abstract),
        categories=fields.categories_of(parts["categories"].split("\n")),
        announce_type=announce_type,
        listed_on=fields.day_of(parts.get("pubdate") or parts.get("published") or "") or feed_day,
        doi=readable(parts.get("doi", "")),
        journal_ref=readable(parts.get("journal_reference") or parts.get("journal_ref") or ""),
        license_url=fields.web_address(parts.get("rights", "")),
    )


def _identifier(parts: dict[str, str]) -> tuple[str, int | None]:
    written = [parts[name] for name in ("guid", "id", "link") if parts.get(name)]
    for text in written:
        try:
            return parse_arxiv_id(text)
        except ValueError:
            continue
    raise ValueError(f"no arXiv identifier in {written[0][:60]!r}" if written else "it has no identifier")
