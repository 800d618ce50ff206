"""OAI-PMH: three record formats, resumption that survives a kill, and an answer that is whole or a failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import httpx
import pytest

from digest.core.capture import Cursor, Fetched, Reading, RunStatus
from digest.core.paper import AnnounceType, Listing
from digest.errors import RefusedInput, SourceUnavailable
from digest.sources.arxiv_oai import ArxivOai

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
READING = Reading(observed_at=NOW, origin="answer.xml")

ARXIV = """<arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>{id}</id><created>2026-05-11</created>
<updated>2026-05-18</updated><authors><author><keyname>Potter</keyname><forenames>Ada</forenames></author>
<author><keyname>Glaze</keyname><forenames>Cy</forenames><suffix>Jr</suffix><affiliation>X</affiliation></author>
<author><keyname>:</keyname></author><author><keyname>Kiln Collaboration</keyname></author></authors>
<title>On Small Kilns,
  Part One</title><categories>cs.LG math.OC stat.ML</categories><comments>9 pages</comments><doi>10.1000/kiln</doi>
<journal-ref>J. Kilns 1</journal-ref><license>http://creativecommons.org/licenses/by/4.0/</license>
<abstract>  We fire 5% of clay
at $45^\\circ$.
  And more.
</abstract></arXiv>"""

RAW = """<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{id}</id><submitter>A</submitter>
<version version="v1"><date>Mon, 11 May 2026 15:29:38 GMT</date><size>14kb</size></version>
<version version="v10"><date>Mon, 18 May 2026 10:00:00 GMT</date><size>14kb</size></version>
<version version="v2"><date>Tue, 12 May 2026 10:00:00 GMT</date><size>14kb</size></version>
<title>On Small Kilns</title><authors>Ada Potter (1), Cy Glaze, Jr. and Bo Clay ((1) A Place, (2) Another)</authors>
<categories>cs.LG math.OC</categories><comments>9 pages</comments><abstract>We fire clay.</abstract></arXivRaw>"""

DUBLIN = """<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>On Small Kilns</dc:title><dc:creator>Potter, Ada</dc:creator>
<dc:creator>de Clay, Bo</dc:creator><dc:creator>Kiln Collaboration</dc:creator>
<dc:subject>Statistics - Machine Learning</dc:subject><dc:subject>Computer Science - Machine Learning</dc:subject>
<dc:subject>Quantum Physics</dc:subject><dc:subject>68T05</dc:subject>
<dc:description>We fire clay.</dc:description><dc:description>Comment: 9 pages</dc:description>
<dc:date>2026-05-18</dc:date><dc:date>2026-05-11</dc:date><dc:identifier>http://arxiv.org/abs/{id}</dc:identifier>
<dc:identifier>doi:10.1000/kiln</dc:identifier></oai_dc:dc>"""


def record(arxiv_id: str = "2605.00001", content: str = ARXIV) -> str:
    return (
        f"<record><header><identifier>oai:arXiv.org:{arxiv_id}</identifier><datestamp>2026-05-18</datestamp>"
        f"<setSpec>cs:cs:LG</setSpec></header><metadata>{content.format(id=arxiv_id)}</metadata></record>"
    )


DELETED = '<record><header status="deleted"><identifier>oai:arXiv.org:2605.00009</identifier></header></record>'


def answer(inside: str, day: str = "2026-05-20") -> bytes:
    return (
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f"<responseDate>{day}T05:00:00Z</responseDate><request>x</request>{inside}</OAI-PMH>"
    ).encode()


def records(*inside: str, token: str | None = None) -> bytes:
    resumption = "" if token is None else f'<resumptionToken cursor="0">{token}</resumptionToken>'
    return answer(f"<ListRecords>{''.join(inside)}{resumption}</ListRecords>")


def error(code: str, words: str = "") -> bytes:
    return answer(f'<error code="{code}">{words}</error>')


def only(content: str) -> Listing:
    (listing,) = ArxivOai().read(records(record(content=content)), READING).listings
    return listing


def test_a_record_in_arxivs_format_becomes_a_listing() -> None:
    listing = only(ARXIV)
    assert (listing.arxiv_id, listing.version) == ("2605.00001", None)
    assert listing.title == "On Small Kilns, Part One"
    assert listing.authors == ("Ada Potter", "Cy Glaze Jr", "Kiln Collaboration")
    assert listing.categories == ("cs.LG", "math.OC", "stat.ML")
    assert listing.abstract == "We fire 5% of clay at 45°.\n\nAnd more."
    assert (listing.announce_type, listing.listed_on) == (AnnounceType.FOUND, date(2026, 5, 11))
    assert (listing.published_at, listing.updated_at) == (None, datetime(2026, 5, 18, tzinfo=UTC))
    assert (listing.comment, listing.doi, listing.journal_ref) == ("9 pages", "10.1000/kiln", "J. Kilns 1")
    assert listing.license_url == "http://creativecommons.org/licenses/by/4.0/"


def test_a_raw_record_tells_its_versions_in_whatever_order() -> None:
    listing = only(RAW)
    assert listing.version == 10
    assert listing.published_at == datetime(2026, 5, 11, 15, 29, 38, tzinfo=UTC)
    assert listing.updated_at == datetime(2026, 5, 18, 10, tzinfo=UTC)
    assert listing.listed_on == date(2026, 5, 11)
    assert listing.authors == ("Ada Potter", "Cy Glaze Jr.", "Bo Clay")


def test_a_dublin_core_record_has_its_categories_in_words() -> None:
    listing = only(DUBLIN)
    assert listing.authors == ("Ada Potter", "Bo de Clay", "Kiln Collaboration")
    assert listing.categories == ("stat.ML", "cs.LG", "quant-ph")
    assert (listing.abstract, listing.comment, listing.doi) == ("We fire clay.", "9 pages", "10.1000/kiln")
    assert (listing.listed_on, listing.updated_at) == (date(2026, 5, 11), datetime(2026, 5, 18, tzinfo=UTC))


def test_old_ids_single_records_and_answers_without_namespaces_are_read() -> None:
    body = answer(f"<GetRecord>{record('math/0309136')}</GetRecord>").replace(
        b' xmlns="http://www.openarchives.org/OAI/2.0/"', b""
    )
    assert ArxivOai().read(body, READING).listings[0].arxiv_id == "math/0309136"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (DELETED, "deleted"),
        ("<record/>", "identifier"),
        (record().replace("oai:arXiv.org:", "oai:example.org:"), "arXiv identifier"),
        (record(content=""), "metadata"),
        (record(content="<marc/>"), "<marc>"),
        (record(content="<arXiv/>"), "title"),
    ],
)
def test_one_bad_record_is_set_aside_and_the_rest_goes_on(bad: str, reason: str) -> None:
    capture = ArxivOai().read(records(record(), bad, record("2605.00003")), READING)
    assert [listing.arxiv_id for listing in capture.listings] == ["2605.00001", "2605.00003"]
    assert [(one.position, reason in one.reason) for one in capture.rejected] == [("record 2", True)]
    assert capture.status is RunStatus.OK


def test_records_of_which_none_can_be_read_are_refused() -> None:
    with pytest.raises(RefusedInput, match=r"answer\.xml holds 1 records and none can be read.*arXiv identifier"):
        ArxivOai().read(records(DELETED, record().replace("oai:arXiv.org:", "oai:example.org:")), READING)


def test_only_deleted_records_and_no_records_are_quiet() -> None:
    assert ArxivOai().read(records(DELETED), READING).status is RunStatus.QUIET
    assert ArxivOai().read(error("noRecordsMatch"), READING).status is RunStatus.QUIET
    assert ArxivOai().read(records(), READING).status is RunStatus.QUIET


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (error("badArgument", "until is no date"), "badArgument until is no date"),
        (error("badResumptionToken"), "badResumptionToken"),
        (error("undefinedError"), "undefinedError"),
        (answer("<Identify/>"), "answers Identify, which lists no papers"),
        (answer("<ListIdentifiers/>"), "answers ListIdentifiers"),
        (answer(""), "neither records nor an error"),
        (b"<rss/>", "no answer of OAI-PMH"),
        (records(record())[:-10], "cut short"),
        (b"", "empty"),
    ],
)
def test_errors_other_verbs_and_broken_answers_are_refused(body: bytes, reason: str) -> None:
    with pytest.raises(RefusedInput, match=r"^answer\.xml") as refusal:
        ArxivOai().read(body, READING)
    assert reason in str(refusal.value)


class Server(httpx.BaseTransport):
    """An OAI-PMH server that answers by what a function of the arguments says; keeps what it was asked."""

    def __init__(self, reply: Callable[[dict[str, str]], bytes]) -> None:
        self.reply = reply
        self.asked: list[dict[str, str]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        self.asked.append(asked)
        return httpx.Response(200, content=self.reply(asked))


def three_pages(asked: dict[str, str]) -> bytes:
    match asked.get("resumptionToken"):
        case None:
            return records(record("2605.00001"), token="t1")
        case "t1":
            return records(record("2605.00002"), token="t2")
        case "t2":
            return records(record("2605.00003"), token="")
    return error("badResumptionToken")


def fetch(server: Server, cursor: Cursor = Cursor("2026-05-01")) -> list[Fetched]:  # noqa: B008  # frozen
    with httpx.Client(transport=server) as client:
        return list(ArxivOai().fetch(client, "cs:cs:LG", cursor, NOW))


def ids(pages: list[Fetched]) -> list[str | None]:
    return [listing.arxiv_id for page in pages for listing in page.capture.listings]


def test_a_harvest_follows_its_tokens_and_ends_at_the_servers_day() -> None:
    server = Server(three_pages)
    pages = fetch(server)
    assert ids(pages) == ["2605.00001", "2605.00002", "2605.00003"]
    assert server.asked[0] == {
        "verb": "ListRecords",
        "metadataPrefix": "arXiv",
        "set": "cs:cs:LG",
        "from": "2026-05-01",
        "until": "2026-05-20",
    }
    assert server.asked[1] == {"verb": "ListRecords", "resumptionToken": "t1"}
    assert pages[-1].cursor == Cursor("2026-05-20")


def test_a_killed_harvest_resumes_after_the_last_page_it_committed() -> None:
    first = fetch(Server(three_pages))[0]
    again = Server(three_pages)
    pages = fetch(again, first.cursor)
    assert ids(pages) == ["2605.00002", "2605.00003"]
    assert again.asked[0] == {"verb": "ListRecords", "resumptionToken": "t1"}
    assert pages[-1].cursor == Cursor("2026-05-20")


def test_a_token_that_ran_out_begins_the_harvest_anew_from_its_first_day() -> None:
    first = fetch(Server(three_pages))[0]
    expired = Cursor(first.cursor.position.replace("t1", "gone"))
    server = Server(three_pages)
    assert ids(fetch(server, expired)) == ["2605.00001", "2605.00002", "2605.00003"]
    assert [asked.get("resumptionToken", asked.get("from")) for asked in server.asked] == [
        "gone",
        "2026-05-01",
        "t1",
        "t2",
    ]


def test_tokens_that_run_out_again_and_again_or_repeat_are_a_failure() -> None:
    def never(asked: dict[str, str]) -> bytes:
        return error("badResumptionToken") if "resumptionToken" in asked else records(record(), token="t1")

    with pytest.raises(SourceUnavailable, match="badResumptionToken"):
        fetch(Server(never))
    with pytest.raises(SourceUnavailable, match="same resumption token"):
        fetch(Server(lambda asked: records(record(), token="t1")))


def test_no_records_since_the_cursor_is_quiet_and_moves_it() -> None:
    (page,) = fetch(Server(lambda asked: error("noRecordsMatch")))
    assert (page.capture.status, page.cursor) == (RunStatus.QUIET, Cursor("2026-05-20"))


def test_a_refused_request_and_an_answer_that_is_cut_are_failures() -> None:
    with pytest.raises(RefusedInput, match="badArgument no such set"):
        fetch(Server(lambda asked: error("badArgument", "no such set")))
    with pytest.raises(RefusedInput, match="cut short"):
        fetch(Server(lambda asked: records(record())[:-30]))


@pytest.mark.parametrize(
    "position", ["", "yesterday", "{", '{"since": 1}', '{"since":"2026-05-01","following":"","token":"t"}']
)
def test_without_a_cursor_that_can_be_read_the_last_week_is_asked_for(position: str) -> None:
    server = Server(three_pages)
    fetch(server, Cursor(position))
    assert server.asked[0]["from"] == "2026-05-13"


def test_a_cursor_in_the_future_asks_for_no_impossible_range() -> None:
    server = Server(lambda asked: error("noRecordsMatch"))
    fetch(server, Cursor("2026-06-01"))
    assert (server.asked[0]["from"], server.asked[0]["until"]) == ("2026-06-01", "2026-06-01")
