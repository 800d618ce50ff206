"""The query API: pages newest first, a cursor that moves only when all was read, refusals in arXiv's words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from digest.core.capture import Cursor, Fetched, Reading, RunStatus
from digest.core.paper import AnnounceType
from digest.errors import RefusedInput, SourceUnavailable
from digest.sources.arxiv_api import PAGE, ArxivApi

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
READING = Reading(observed_at=NOW, origin="page.xml")


def entry(number: int = 1, at: datetime = NOW, **changed: str) -> str:
    parts = {
        "id": f"<id>http://arxiv.org/abs/2605.{number:05}v2</id>",
        "title": f"<title>On Small Kilns,\n  Part {number}</title>",
        "updated": "<updated>2026-05-20T05:00:00Z</updated>",
        "published": f"<published>{at:%Y-%m-%dT%H:%M:%SZ}</published>",
        "summary": "<summary>We fire 5\\% of clay.</summary>",
        "categories": '<category term="cs.LG"/><category term="cs.AI"/><category term="I.2.7"/>',
        "primary": '<arxiv:primary_category term="cs.AI"/>',
        "authors": '<author><name>Ada Potter</name></author><author><name>Bo K\\"olner</name></author>',
        "comment": "<arxiv:comment>9 pages</arxiv:comment>",
        "doi": "<arxiv:doi>10.1000/kiln</arxiv:doi>",
        "ref": "<arxiv:journal_ref>J. Kilns 1</arxiv:journal_ref>",
    }
    return f"<entry>{''.join((parts | changed).values())}</entry>"


def page(*entries: str, total: int | None = None, start: int = 0) -> bytes:
    counted = len(entries) if total is None else total
    return (
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns="http://www.w3.org/2005/Atom"><id>https://arxiv.org/api/x</id>'
        f"<opensearch:totalResults>{counted}</opensearch:totalResults>"
        f"<opensearch:startIndex>{start}</opensearch:startIndex>{''.join(entries)}</feed>"
    ).encode()


ERROR = page(
    "<entry><id>https://arxiv.org/api/errors#incorrect_id_format_for_abc</id><title>Error</title>"
    "<summary>incorrect id format for abc</summary></entry>"
)


class Api(httpx.BaseTransport):
    """arXiv's API over results that are numbered downwards in time; some pages come out empty first."""

    def __init__(self, total: int, *, flaky: int = 0, cut_at: int | None = None) -> None:
        self.total, self.flaky, self.cut_at = total, flaky, cut_at
        self.asked: list[httpx.QueryParams] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        params = request.url.params
        self.asked.append(params)
        start, most = int(params["start"]), int(params["max_results"])
        if self.cut_at is not None and start >= self.cut_at:
            return httpx.Response(200, content=page(total=self.total, start=start)[:-9])
        numbers = range(start, min(self.total, start + most))
        if start and self.flaky:
            self.flaky -= 1
            numbers = range(0)
        entries = (entry(number + 1, NOW - timedelta(minutes=10 * number)) for number in numbers)
        return httpx.Response(200, content=page(*entries, total=self.total, start=start))


def fetch(transport: httpx.BaseTransport, cursor: Cursor = Cursor()) -> list[Fetched]:  # noqa: B008  # frozen
    with httpx.Client(transport=transport) as client:
        return list(ArxivApi().fetch(client, "cs.LG", cursor, NOW))


def test_an_entry_becomes_a_listing() -> None:
    (listing,) = ArxivApi().read(page(entry(7)), READING).listings
    assert (listing.arxiv_id, listing.version) == ("2605.00007", 2)
    assert listing.title == "On Small Kilns, Part 7"
    assert listing.authors == ("Ada Potter", "Bo Kölner")
    assert listing.abstract == "We fire 5% of clay."
    assert listing.categories == ("cs.AI", "cs.LG")
    assert (listing.announce_type, listing.listed_on) == (AnnounceType.FOUND, date(2026, 5, 20))
    assert listing.published_at == NOW
    assert listing.updated_at == datetime(2026, 5, 20, 5, tzinfo=UTC)
    assert (listing.comment, listing.doi, listing.journal_ref) == ("9 pages", "10.1000/kiln", "J. Kilns 1")


def test_old_style_ids_are_read() -> None:
    body = page(entry(id="<id>http://arxiv.org/abs/quant-ph/0201082v1</id>"))
    assert ArxivApi().read(body, READING).listings[0].arxiv_id == "quant-ph/0201082"


def test_no_results_are_a_quiet_answer() -> None:
    assert ArxivApi().read(page(), READING).status is RunStatus.QUIET
    assert ArxivApi().read(page(total=5, start=5), READING).status is RunStatus.QUIET


def test_results_that_are_counted_and_not_listed_are_refused() -> None:
    with pytest.raises(RefusedInput, match=r"page\.xml counts 5 results and lists none"):
        ArxivApi().read(page(total=5), READING)


def test_arxivs_refusal_is_passed_on_in_its_words() -> None:
    with pytest.raises(RefusedInput, match=r"page\.xml.*incorrect id format for abc"):
        ArxivApi().read(ERROR, READING)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"title": ""}, "title"),
        ({"id": "<id>http://example.org/1</id>"}, "identifier"),
        ({"published": "<published>long ago</published>"}, "submitted"),
    ],
)
def test_one_bad_entry_is_set_aside_and_the_rest_goes_on(changed: dict[str, str], reason: str) -> None:
    capture = ArxivApi().read(page(entry(1), entry(2, **changed), entry(3)), READING)
    assert len(capture.listings) == 2
    assert [(one.position, reason in one.reason) for one in capture.rejected] == [("entry 2", True)]


@pytest.mark.parametrize(
    "body", [b"<rss/>", b'<feed xmlns="http://www.w3.org/2005/Atom"/>', page(entry(title="")), b""]
)
def test_what_is_no_answer_of_the_api_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedInput, match=r"^page\.xml "):
        ArxivApi().read(body, READING)


def test_pages_are_read_until_the_cursor_and_the_last_one_moves_it() -> None:
    api = Api(5000)
    before = Cursor((NOW - timedelta(days=2)).isoformat())  # 288 results back
    pages = fetch(api, before)
    assert [int(params["start"]) for params in api.asked] == [0, PAGE]
    assert api.asked[0]["search_query"] == "cat:cs.LG"
    assert (api.asked[0]["sortBy"], api.asked[0]["sortOrder"]) == ("submittedDate", "descending")
    assert [fetched.cursor for fetched in pages] == [before, Cursor(NOW.isoformat())]
    assert {fetched.capture.status for fetched in pages} == {RunStatus.OK}


def test_a_run_that_breaks_off_leaves_the_cursor_where_it_was() -> None:
    before = Cursor((NOW - timedelta(days=3)).isoformat())
    api = Api(5000, cut_at=PAGE)
    with httpx.Client(transport=api) as client:
        pages = ArxivApi().fetch(client, "cs.LG", before, NOW)
        assert next(pages).cursor == before
        with pytest.raises(RefusedInput, match="cut short"):
            next(pages)


def test_the_first_run_looks_back_a_week_and_a_short_list_ends_it() -> None:
    assert len(fetch(Api(5000))) == 6  # 1008 ten-minute steps
    (only,) = fetch(Api(3))
    assert len(only.capture.listings) == 3


def test_nothing_since_the_cursor_is_quiet() -> None:
    (only,) = fetch(Api(3), Cursor(NOW.isoformat()))
    assert only.capture.status is RunStatus.QUIET
    assert only.cursor == Cursor(NOW.isoformat())


def test_an_empty_page_in_the_middle_is_asked_for_again() -> None:
    pages = fetch(Api(300, flaky=2))
    assert sum(len(fetched.capture.listings) for fetched in pages) == 300


def test_a_page_that_stays_empty_is_a_failure() -> None:
    with pytest.raises(SourceUnavailable, match="lists none of them from 200"):
        fetch(Api(300, flaky=9))


def test_a_refused_query_and_a_refused_rate_are_told_apart() -> None:
    with pytest.raises(RefusedInput, match="incorrect id format"):
        fetch(httpx.MockTransport(lambda request: httpx.Response(400, content=ERROR)))
    with pytest.raises(SourceUnavailable, match="rate"):
        fetch(httpx.MockTransport(lambda request: httpx.Response(200, text="Rate exceeded.")))


def test_a_gap_that_is_too_long_for_the_api_points_to_the_one_that_can() -> None:
    with pytest.raises(SourceUnavailable, match="arxiv-oai"):
        fetch(Api(31_000), Cursor("2020-01-01T00:00:00+00:00"))
