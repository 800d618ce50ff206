"""The JSON API as a program meets it; the examples of its document run here."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from digest.store.engine import writing
from digest.store.tables import Author, AuthorFigureRow, ObservationRow, Score
from tests.conftest import NOW
from tests.web.conftest import Place, card_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
API = "/api/v1"


def fill(place: Place) -> None:
    """Store an issue of three papers, one with signals, and an author with a figure."""
    place.add_small_issue()
    place.add_paper(88, title="Lamps", title_key="lamps", authors=["Di Test"], labs=["Probe Laboratory"])
    with writing(place.services.engine) as session:
        part = {"name": "upvotes", "share": 1.0, "words": "+38 upvotes in 12 h"}
        session.add(Score(paper_id=1, as_of=NOW, value=0.9, percentile=99.6, evidence="Gaining", parts=[part]))
        for value in (1.0, 39.0):
            at = NOW.replace(minute=int(value))
            session.add(ObservationRow(paper_id=1, signal="hf_upvotes", source="hf", at=at, value=value))
        author = Author(name="Ada Probe", slug="ada-probe")
        session.add(author)
        session.flush()
        session.add(
            AuthorFigureRow(author_id=author.id or 0, figure="h_index", value="12", source="pages", observed_at=NOW)
        )


def test_papers_are_listed_page_by_page_each_once(place: Place) -> None:
    for number in range(7):
        place.add_paper(number)
    cursor, seen = "", []
    for _ in range(4):
        answer = place.browser.get(f"{API}/papers", params={"limit": 3, "cursor": cursor}).json()
        seen += [paper["slug"] for paper in answer["papers"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
        place.add_paper(90 + len(seen))  # what comes in between moves nothing
    assert seen == [f"2605.{number:05d}" for number in reversed(range(7))]
    assert place.browser.get(f"{API}/papers?category=math.OC").json() == {"papers": [], "next_cursor": None}


def test_a_paper_comes_with_its_parts_and_newest_signals(place: Place) -> None:
    fill(place)
    paper = place.browser.get(f"{API}/papers/2605.00001v3").json()
    assert paper["url"] == "http://testserver/papers/2605.00001"
    assert paper["percentile"] == 99.6
    assert paper["parts"][0]["words"] == "+38 upvotes in 12 h"
    assert [(signal["signal"], signal["value"]) for signal in paper["signals"]] == [("hf_upvotes", 39.0)]
    place.add_paper(9, arxiv_id="math/0309136")
    assert place.browser.get(f"{API}/papers/math/0309136").json()["slug"] == "math/0309136"


def test_issues_and_their_papers_are_paged(place: Place) -> None:
    fill(place)
    place.add_issue([card_of(1, 1)], issued_on=date(2026, 5, 21))
    first = place.browser.get(f"{API}/issues?limit=1").json()
    assert first["issues"][0]["issued_on"] == "2026-05-21"
    second = place.browser.get(f"{API}/issues", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert (second["issues"][0]["issued_on"], second["next_cursor"]) == ("2026-05-20", None)
    page = place.browser.get(f"{API}/issues/2026-05-20?limit=2").json()
    rest = place.browser.get(f"{API}/issues/2026-05-20", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert [paper["rank"] for paper in page["papers"] + rest["papers"]] == [1, 2, 3]
    assert rest["next_cursor"] is None
    assert place.browser.get(f"{API}/issues/latest").json()["issued_on"] == "2026-05-21"


def test_search_says_what_it_searched_for(place: Place) -> None:
    fill(place)
    answer = place.browser.get(f"{API}/search?q=probbe+paper&limit=2").json()
    assert (answer["total"], answer["corrected"], answer["loose"]) == (3, "probe paper", False)
    rest = place.browser.get(f"{API}/search", params={"q": "probe", "limit": 2, "cursor": answer["next_cursor"]}).json()
    assert len(rest["papers"]) == 1


def test_an_author_comes_with_figures_and_papers(place: Place) -> None:
    fill(place)
    author = place.browser.get(f"{API}/authors/ada-probe").json()
    assert author["figures"][0] | {"observed_at": ""} == {
        "figure": "h_index",
        "value": "12",
        "source": "pages",
        "observed_at": "",
        "doubt": "",
    }
    assert len(author["papers"]) == author["total"] == author["computed"]["papers"] == 3


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/papers/none", 404),
        ("/papers/%00", 404),
        ("/nothing", 404),
        ("/issues/2026-13-40", 404),
        ("/issues/1999-01-01", 404),
        ("/authors/nobody", 404),
        ("/authors/%00", 404),
        ("/papers?cursor=%F0%9F%94%A5", 400),
        ("/papers?cursor=bm8", 400),
        ("/issues?cursor=x", 400),
        ("/papers?limit=0", 422),
        ("/papers?limit=1000", 422),
        ("/search?limit=x", 422),
    ],
)
def test_errors_are_problems(place: Place, path: str, status: int) -> None:
    answer = place.browser.get(API + path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["title"]


def test_nothing_can_be_written(place: Place) -> None:
    answer = place.browser.post(f"{API}/papers")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


def test_too_many_requests_are_told_to_wait(place: Place) -> None:
    codes = [place.browser.get(f"{API}/issues").status_code for _ in range(121)]
    assert codes[:120] == [200] * 120
    refused = place.browser.get(f"{API}/issues")
    assert (codes[120], refused.headers["retry-after"]) == (429, "60")
    place.clock.move(seconds=61)
    assert place.browser.get(f"{API}/issues").status_code == 200


@pytest.mark.parametrize("path", ["/issues", "/papers/none", "/papers?limit=0", "/issues?cursor=x"])
def test_every_answer_says_how_many_requests_are_left(place: Place, path: str) -> None:
    place.browser.get(f"{API}/issues")
    place.clock.move(seconds=20)
    answer = place.browser.get(f"{API}{path}")
    assert answer.headers["ratelimit-policy"] == '"minute";q=120;w=60'
    assert answer.headers["ratelimit"] == '"minute";r=118;t=40'


def test_the_openapi_document_names_every_address(place: Place) -> None:
    document = place.browser.get(f"{API}/openapi.json").json()
    assert set(document["paths"]) == {
        "/papers",
        "/papers/{slug}",
        "/issues",
        "/issues/{issued_on}",
        "/search",
        "/authors/{slug}",
        "/labs/{slug}",
    }
    assert document["servers"] == [{"url": API}]
    for operation in (one["get"] for one in document["paths"].values()):
        assert {"200", "404", "422", "429"} <= operation["responses"].keys()
        assert operation["summary"]
        assert operation["description"]
    assert document["components"]["schemas"]["PaperAnswer"]["properties"]["slug"]["examples"]
    assert place.browser.get("/openapi.json").status_code == 404


def test_no_answer_holds_what_belongs_to_readers(place: Place) -> None:
    words = json.dumps(place.browser.get(f"{API}/openapi.json").json()).lower()
    for personal in ("address", "subscriber", "e-mail", "token", '"ip"'):
        assert personal not in words, personal


def test_the_examples_of_the_document_run(place: Place) -> None:
    fill(place)
    words = DOCUMENT.read_text(encoding="utf-8")
    examples = re.findall(r"curl -s '?http://localhost:8000([^'\s]+)", words)
    assert len(examples) >= 6
    for path in examples:
        answer = place.browser.get(path)
        assert answer.status_code == 200, path
        assert answer.json() is not None


def test_an_address_with_a_line_break_gets_a_problem_too(place: Place) -> None:
    answer = place.browser.get(f"{API}/authors/ada%0Aprobe")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_link_that_is_no_web_address_does_not_reach_programs(place: Place) -> None:
    place.add_paper(1, code_url="javascript:alert(1)")
    place.add_paper(2, code_url="https://code.example/lamp")
    links = {paper["title"]: paper["code_url"] for paper in place.browser.get(f"{API}/papers").json()["papers"]}
    assert links == {"Probe paper 1": "", "Probe paper 2": "https://code.example/lamp"}
