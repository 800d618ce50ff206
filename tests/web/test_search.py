"""The search page, the pages of labs and authors, and similar papers, as a visitor sees them."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from digest.store.engine import writing
from digest.store.percentiles import keep_standings
from digest.store.tables import PaperNeighbour, Score
from tests.conftest import NOW
from tests.web.conftest import Place

HOSTILE = ["%00", "%22", "%27%3B--", "a%00b", "NEAR(", "title:", "(" * 50, "x" * 10_000, "%F0%9F%94%A5", "%ED%A0%80"]


def counting(place: Place, path: str) -> int:
    """Count the queries of a page."""
    seen: list[str] = []

    def note(*given: object) -> None:
        seen.append(str(given[2]))

    event.listen(place.services.engine, "before_cursor_execute", note)
    assert place.browser.get(path).status_code == 200
    event.remove(place.services.engine, "before_cursor_execute", note)
    return len(seen)


def test_the_search_page_asks_for_words_before_it_shows_anything(place: Place) -> None:
    page = place.browser.get("/search").text
    assert '<label for="q">' in page
    assert "No paper known here" not in page
    assert '<a href="/search">Search</a>' in place.browser.get("/").text


def test_papers_are_found_with_their_evidence(place: Place) -> None:
    found = place.add_paper(1, title="Sorting lamps", labs=["Probe Laboratory"])
    place.add_paper(2)
    with writing(place.services.engine) as session:
        session.add(Score(paper_id=found, as_of=NOW, value=0.5, percentile=71.0, evidence="seen", simulated=True))
    page = place.browser.get("/search?q=lamp").text
    for shown in ("1 paper", "Sorting lamps", "percentile 71", "simulated", 'href="/labs/probe-laboratory"'):
        assert shown in page
    assert "Probe paper 2" not in page


def test_a_misspelt_word_is_said_to_be_read_as_another(place: Place) -> None:
    place.add_paper(1, title="Sorting lamps with transformers")
    page = place.browser.get("/search?q=tranformers").text
    assert "Nothing for “tranformers”" in page
    assert '<a href="?q=transformers">transformers</a>' in page


def test_nothing_found_gives_something_to_go_on_with(place: Place) -> None:
    place.add_small_issue()
    page = place.browser.get("/search?q=qqqzzz&category=cs.LG").text
    assert "No paper known here has “qqqzzz” in cs.LG." in page
    assert "Probe paper 1" in page
    assert 'href="/search?category=math.OC"' in page
    assert 'href="?q=qqqzzz"' in page


def test_results_are_paged_and_keep_the_words(place: Place) -> None:
    for number in range(25):
        place.add_paper(number, title=f"Lamp number {number}")
    first, second = place.browser.get("/search?q=lamp").text, place.browser.get("/search?q=lamp&page=2").text
    assert first.count('class="paper"') == 20
    assert second.count('class="paper"') == 5
    assert 'href="?q=lamp&amp;page=2"' in first
    assert place.browser.get("/search?q=lamp&page=3").status_code == 404


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_get_a_page(place: Place, typed: str) -> None:
    place.add_paper(1)
    for path in (f"/search?q={typed}", f"/search?category={typed}", f"/api/v1/search?q={typed}"):
        assert place.browser.get(path).status_code == 200, path


def test_what_was_typed_is_escaped(place: Place) -> None:
    assert "<script" not in place.browser.get('/search?q=<script>alert(1)</script>&category="><script>').text


def test_a_lab_has_a_page_with_papers_percentiles_and_authors(place: Place) -> None:
    paper_id = place.add_paper(1, labs=["Institut für Lampen"])
    place.add_paper(2, labs=["Institute of Tests"])
    with writing(place.services.engine) as session:
        session.add(Score(paper_id=paper_id, as_of=NOW, value=0.5, percentile=71.0))
        session.flush()
        keep_standings(session, NOW)
    assert 'href="/labs/institut-fur-lampen"' in place.browser.get("/papers/2605.00001").text
    page = place.browser.get("/labs/institut-fur-lampen").text
    for shown in (
        "Institut für Lampen",
        "Probe paper 1",
        "percentile 71",
        '<a href="/authors/bo-sample">Bo Sample</a>, 1',
    ):
        assert shown in page
    assert "Probe paper 2" not in page
    for nobody in ("nobody", "%00", "x" * 500):
        assert place.browser.get(f"/labs/{nobody}").status_code == 404


def test_every_author_of_a_paper_has_a_page(place: Place) -> None:
    place.add_paper(1, authors=["Zoë Élan", "李 明"])
    for slug, name in (("zoe-elan", "Zoë Élan"),):
        page = place.browser.get(f"/authors/{slug}").text
        assert f"<h1>{name}</h1>" in page
        assert "Probe paper 1" in page
    linked = place.browser.get("/papers/2605.00001").text.split('href="/authors/author-')[1].split('"')[0]
    assert "李 明" in place.browser.get(f"/authors/author-{linked}").text


def test_similar_papers_are_listed_and_labelled(place: Place) -> None:
    place.add_paper(1, title="Sorting lamps by shade")
    place.add_paper(2, title="Lamps in the shade")
    place.add_paper(3, title="Bridges")
    page = place.browser.get("/papers/2605.00001").text
    assert "Nearest by the words of their titles" in page
    assert "Lamps in the shade" in page
    assert "Bridges" not in page
    assert "Similar papers" not in place.browser.get("/papers/2605.00003").text


def test_papers_near_by_their_words_are_listed_both_ways_and_labelled(place: Place) -> None:
    ids = [place.add_paper(number, title=f"Study {number}") for number in range(1, 6)]
    with writing(place.services.engine) as session:
        for other, cosine in zip((1, 2, 4), (0.9, 0.3, 0.5), strict=True):
            session.add(PaperNeighbour(paper_id=ids[max(other, 3)], other_id=ids[min(other, 3)], cosine=cosine))
    page = place.browser.get("/papers/2605.00004").text
    assert "Nearest by the words of their titles and abstracts" in page
    places = [page.index(f"Study {number}</a>") for number in (2, 5, 3)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "path",
    [
        "/search?q=lamps",
        "/search?category=cs.LG",
        "/labs/probe-laboratory",
        "/authors/ada-probe",
        "/labs/probe-laboratory/feed.xml",
        "/authors/ada-probe/feed.json",
        "/papers/2605.00001",
        "/feed.xml",
        "/feed.json",
        "/api/v1/papers",
        "/api/v1/papers/2605.00001",
        "/api/v1/search?q=lamps",
        "/api/v1/authors/ada-probe",
        "/api/v1/labs/probe-laboratory",
        "/api/v1/issues",
        "/api/v1/issues/latest",
    ],
)
def test_no_page_runs_a_query_for_each_row(place: Place, path: str) -> None:
    place.add_small_issue(papers=1)
    for number in range(101, 106):  # fewer make a search look for other spellings too
        place.add_paper(number, title=f"Lamps of kind {number}", labs=["Probe Laboratory"])
    place.browser.get(path)
    few = counting(place, path)
    for number in range(106, 123):
        place.add_paper(number, title=f"Lamps of kind {number}", labs=["Probe Laboratory", "Another"])
    assert counting(place, path) == few <= 10
