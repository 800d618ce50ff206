"""The daily feed: what was announced, what was set aside, and whether the day is the one that was due."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest

from digest.core.arxiv_calendar import ArxivCalendar
from digest.core.capture import Cursor, Fetched, Reading, RunStatus
from digest.core.paper import AnnounceType
from digest.errors import RefusedInput, SourceUnavailable
from digest.sources.arxiv_rss import ArxivRss, due_day

MONDAY = "Mon, 18 May 2026 00:00:00 -0400"
FRIDAY = "Fri, 15 May 2026 00:00:00 -0400"
SUNDAY = "Sun, 17 May 2026 00:00:00 -0400"
NOON_MONDAY = datetime(2026, 5, 18, 12, tzinfo=UTC)


def item(number: int = 1, kind: str = "new", **changed: str) -> str:
    parts = {
        "title": f"<title>On Small Kilns,\n  Part {number}</title>",
        "link": f"<link>https://arxiv.org/abs/2605.{number:05}</link>",
        "description": f"<description>arXiv:2605.{number:05}v1 Announce Type: {kind} \nAbstract: We fire 5% of clay.\n"
        "At $\\alpha$ heat.</description>",
        "guid": f'<guid isPermaLink="false">oai:arXiv.org:2605.{number:05}v1</guid>',
        "categories": "<category>cs.LG</category><category>stat.ML</category><category>68T05</category>",
        "date": f"<pubDate>{MONDAY}</pubDate>",
        "type": f"<arxiv:announce_type>{kind}</arxiv:announce_type>",
        "rights": "<dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>",
        "creator": '<dc:creator>Ada Potter,  Bo K\\"olner, Cy Glaze Jr.</dc:creator>',
    }
    return f"<item>{''.join((parts | changed).values())}</item>"


def feed(*items: str, day: str = MONDAY) -> bytes:
    return (
        '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0">'
        f"<channel><title>cs.LG updates on arXiv.org</title><pubDate>{day}</pubDate>"
        f"<skipDays><day>Saturday</day><day>Sunday</day></skipDays>{''.join(items)}</channel></rss>"
    ).encode()


def reading(captured_on: date | None = None) -> Reading:
    return Reading(observed_at=NOON_MONDAY, origin="feed.xml", captured_on=captured_on)


def fetch(
    answer: httpx.Response,
    cursor: Cursor = Cursor(),  # noqa: B008  # frozen
    now: datetime = NOON_MONDAY,
    calendar: ArxivCalendar = ArxivCalendar(),  # noqa: B008  # frozen
) -> list[Fetched]:
    transport = httpx.MockTransport(lambda request: answer)
    with httpx.Client(transport=transport) as client:
        return list(ArxivRss(calendar).fetch(client, "cs.LG", cursor, now))


def test_an_item_becomes_a_listing() -> None:
    extra = "<arxiv:DOI>10.1000/kiln</arxiv:DOI><arxiv:journal_reference>J. Kilns 1 (2026)</arxiv:journal_reference>"
    capture = ArxivRss().read(feed(item(7, extra=extra)), reading())
    (listing,) = capture.listings
    assert capture.status is RunStatus.OK
    assert (listing.arxiv_id, listing.version) == ("2605.00007", 1)
    assert listing.title == "On Small Kilns, Part 7"
    assert listing.authors == ("Ada Potter", "Bo Kölner", "Cy Glaze Jr.")
    assert listing.abstract == "We fire 5% of clay. At α heat."
    assert listing.categories == ("cs.LG", "stat.ML")
    assert listing.announce_type is AnnounceType.NEW
    assert listing.listed_on == date(2026, 5, 18)
    assert listing.license_url == "http://creativecommons.org/licenses/by/4.0/"
    assert (listing.doi, listing.journal_ref) == ("10.1000/kiln", "J. Kilns 1 (2026)")


@pytest.mark.parametrize("kind", ["new", "cross", "replace", "replace-cross"])
def test_each_announce_type_is_kept(kind: str) -> None:
    (listing,) = ArxivRss().read(feed(item(kind=kind)), reading()).listings
    assert listing.announce_type.value == kind


def test_the_announce_type_is_taken_from_the_description_where_it_stands_alone() -> None:
    (listing,) = ArxivRss().read(feed(item(kind="cross", type="")), reading()).listings
    assert listing.announce_type is AnnounceType.CROSS


def test_the_atom_form_reads_the_same() -> None:
    body = b"""<feed xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
      xmlns="http://www.w3.org/2005/Atom"><updated>2026-05-18T04:00:19+00:00</updated><entry>
      <id>oai:arXiv.org:2605.00007v2</id><title>On Small Kilns</title>
      <link href="https://arxiv.org/abs/2605.00007" rel="alternate"/>
      <summary>arXiv:2605.00007v2 Announce Type: replace-cross \nAbstract: We fire clay.</summary>
      <category term="cs.LG"/><category term="math.OC"/><published>2026-05-18T00:00:00-04:00</published>
      <arxiv:announce_type>replace-cross</arxiv:announce_type><dc:creator>Ada Potter</dc:creator></entry></feed>"""
    (listing,) = ArxivRss().read(body, reading()).listings
    assert (listing.arxiv_id, listing.version, listing.title) == ("2605.00007", 2, "On Small Kilns")
    assert (listing.abstract, listing.authors) == ("We fire clay.", ("Ada Potter",))
    assert listing.categories == ("cs.LG", "math.OC")
    assert (listing.announce_type, listing.listed_on) == (AnnounceType.REPLACE_CROSS, date(2026, 5, 18))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"title": ""}, "title"),
        ({"guid": "<guid>oai:example.org:1</guid>", "link": ""}, "identifier"),
        ({"guid": "", "link": ""}, "identifier"),
        ({"type": "<arxiv:announce_type>retracted</arxiv:announce_type>"}, "announce type"),
    ],
)
def test_one_bad_item_is_set_aside_and_the_rest_goes_on(changed: dict[str, str], reason: str) -> None:
    capture = ArxivRss().read(feed(item(1), item(2, **changed), item(3)), reading())
    assert [listing.arxiv_id for listing in capture.listings] == ["2605.00001", "2605.00003"]
    (rejection,) = capture.rejected
    assert rejection.position == "item 2"
    assert reason in rejection.reason


def test_a_feed_of_which_nothing_can_be_read_is_refused() -> None:
    with pytest.raises(RefusedInput, match=r"feed\.xml holds 2 items and none"):
        ArxivRss().read(feed(item(title=""), item(title="")), reading())


@pytest.mark.parametrize("body", [b"<html/>", b"<rss/>", b"<OAI-PMH/>", feed(item())[:-20], b""])
def test_what_is_no_whole_feed_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedInput, match=r"^feed\.xml "):
        ArxivRss().read(body, reading())


def test_an_empty_weekend_feed_is_quiet_and_an_empty_weekday_is_late() -> None:
    weekend = ArxivRss().read(feed(day=SUNDAY), reading())
    weekday = ArxivRss().read(feed(day=MONDAY), reading())
    undated = ArxivRss().read(feed(day=""), reading())
    assert (weekend.status, weekday.status, undated.status) == (RunStatus.QUIET, RunStatus.LATE, RunStatus.LATE)
    assert "2026-05-17" in weekend.reason
    assert "2026-05-18" in weekday.reason


def test_a_recorded_feed_is_late_only_against_the_day_it_was_captured() -> None:
    body = feed(item(), day=FRIDAY)
    assert ArxivRss().read(body, reading()).status is RunStatus.OK
    assert ArxivRss().read(body, reading(date(2026, 5, 17))).status is RunStatus.OK
    assert ArxivRss().read(body, reading(date(2026, 5, 18))).status is RunStatus.LATE


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 5, 18, 5, 59, tzinfo=UTC), date(2026, 5, 15)),
        (datetime(2026, 5, 18, 6, 0, tzinfo=UTC), date(2026, 5, 18)),
        (datetime(2026, 5, 16, 12, 0, tzinfo=UTC), date(2026, 5, 15)),
        (datetime(2026, 5, 17, 23, 0, tzinfo=UTC), date(2026, 5, 15)),
        (datetime(2026, 5, 20, 12, 0, tzinfo=UTC), date(2026, 5, 20)),
    ],
)
def test_the_day_that_is_due_follows_the_week(now: datetime, due: date) -> None:
    assert due_day(now) == due


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 26, 12, tzinfo=UTC), date(2026, 11, 26)),  # Thanksgiving: announced the evening before
        (datetime(2026, 11, 27, 12, tzinfo=UTC), date(2026, 11, 26)),
        (datetime(2026, 6, 22, 12, tzinfo=UTC), date(2026, 6, 19)),  # a holiday on a Friday takes Sunday's announcement
        (datetime(2026, 9, 9, 5, 59, tzinfo=UTC), date(2026, 9, 7)),
        (datetime(2026, 9, 9, 6, 0, tzinfo=UTC), date(2026, 9, 9)),
    ],
)
def test_a_holiday_makes_no_day_due(now: datetime, due: date) -> None:
    assert due_day(now) == due


def test_after_a_holiday_an_empty_or_an_older_feed_is_quiet_and_a_day_later_it_is_late() -> None:
    tuesday, wednesday = datetime(2026, 9, 8, 12, tzinfo=UTC), datetime(2026, 9, 9, 12, tzinfo=UTC)
    labor_day, after = "Mon, 07 Sep 2026 00:00:00 -0400", "Tue, 08 Sep 2026 00:00:00 -0400"
    for answer, cursor in (
        (httpx.Response(200, content=feed(day=after)), Cursor()),
        (httpx.Response(304), Cursor("2026-09-07", etag='"m"')),
    ):
        (quiet,), (late,) = fetch(answer, cursor, tuesday), fetch(answer, cursor, wednesday)
        assert (quiet.capture.status, late.capture.status) == (RunStatus.QUIET, RunStatus.LATE)
        assert "DIGEST_ARXIV_HOLIDAYS" in late.capture.reason
    (quiet,) = fetch(httpx.Response(200, content=feed(day=after)), now=tuesday)
    assert "arXiv lists nothing after Labor Day" in quiet.capture.reason
    (still,) = fetch(httpx.Response(200, content=feed(item(), day=labor_day)), now=tuesday)
    assert still.capture.status is RunStatus.OK


def test_a_holiday_that_an_operator_names_is_quiet_and_one_they_take_away_is_late() -> None:
    unchanged = httpx.Response(304)
    named, taken = ArxivCalendar.of(["2026-05-15"]), ArxivCalendar.of(["-2026-09-07"])
    (quiet,) = fetch(unchanged, Cursor("2026-05-15", etag='"f"'), NOON_MONDAY, named)
    assert quiet.capture.status is RunStatus.QUIET
    (late,) = fetch(unchanged, Cursor("2026-09-07", etag='"m"'), datetime(2026, 9, 8, 12, tzinfo=UTC), taken)
    assert late.capture.status is RunStatus.LATE


def test_todays_feed_is_ok_and_its_cursor_makes_the_next_request_conditional() -> None:
    (page,) = fetch(httpx.Response(200, headers={"ETag": '"m"'}, content=feed(item())))
    assert page.capture.status is RunStatus.OK
    assert page.cursor == Cursor("2026-05-18", etag='"m"')


def test_a_stale_feed_is_late_keeps_its_listings_and_moves_no_cursor() -> None:
    before = Cursor("2026-05-15", etag='"f"')
    (page,) = fetch(httpx.Response(200, headers={"ETag": '"g"'}, content=feed(item(), day=FRIDAY)), before)
    assert (page.capture.status, len(page.capture.listings)) == (RunStatus.LATE, 1)
    assert "2026-05-15" in page.capture.reason
    assert "2026-05-18" in page.capture.reason
    assert page.cursor == before


def test_an_empty_sunday_feed_is_quiet_on_sunday_and_late_on_monday() -> None:
    answer = httpx.Response(200, content=feed(day=SUNDAY))
    (on_sunday,) = fetch(answer, now=datetime(2026, 5, 17, 12, tzinfo=UTC))
    (on_monday,) = fetch(answer)
    assert (on_sunday.capture.status, on_monday.capture.status) == (RunStatus.QUIET, RunStatus.LATE)


@pytest.mark.parametrize(
    ("position", "status"), [("2026-05-18", RunStatus.QUIET), ("2026-05-15", RunStatus.LATE), ("", RunStatus.LATE)]
)
def test_an_unchanged_feed_is_quiet_or_late_by_its_age(position: str, status: RunStatus) -> None:
    cursor = Cursor(position, etag='"m"')
    (page,) = fetch(httpx.Response(304), cursor)
    assert page.capture.status is status
    assert page.capture.reason
    assert page.cursor == cursor


def test_a_service_that_is_down_is_a_failure_and_no_quiet_day() -> None:
    with pytest.raises(SourceUnavailable, match=r"rss\.arxiv\.org/rss/cs\.LG"):
        fetch(httpx.Response(404))
