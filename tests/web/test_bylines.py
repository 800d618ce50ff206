"""The pages of authors and labs, what the API says of them, and their feeds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from lxml import etree
from sqlmodel import select

from digest.core.language import ENGLISH
from digest.core.trend import TrendScore
from digest.store.engine import writing
from digest.store.scores import store_scores
from digest.store.tables import Author, AuthorFigureRow, ListingRow, ObservationRow, PaperText
from digest.web.histogram import histogram
from tests.conftest import NOW
from tests.web.conftest import Place

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=y>'


def state(place: Place, name: str, slug: str, source: str, at: datetime, **figures: str) -> None:
    """Store what a source states of an author."""
    with writing(place.services.engine) as session:
        author = session.exec(select(Author).where(Author.slug == slug)).first() or Author(name=name, slug=slug)
        session.add(author)
        session.flush()
        for figure, value in figures.items():
            session.add(
                AuthorFigureRow(author_id=author.id or 0, figure=figure, value=value, source=source, observed_at=at)
            )


def fill(place: Place, papers: int = 3) -> list[int]:
    """Store papers of Ada Probe: cited, ranked and appraised, each less than the one before."""
    ids = []
    for number in range(1, papers + 1):
        paper_id = place.add_paper(number, labs=["Probe Laboratory"], listed_on=date(2026, 1, 1) + timedelta(number))
        ids.append(paper_id)
    with writing(place.services.engine) as session:
        for place_in, paper_id in enumerate(ids):
            at = NOW - timedelta(days=2)
            session.add(
                ObservationRow(
                    paper_id=paper_id, signal="citations", source="semantic-scholar", at=at, value=90 - place_in
                )
            )
            session.add(PaperText(paper_id=paper_id, listed_on=date(2026, 1, 2), words=b"", counts=b"", novelty=62.0))
        for at, chosen in ((NOW - timedelta(days=20), ids), (NOW, ids[:1])):
            scores = [TrendScore(paper_id, 0.5, 90.0 - paper_id, (), "Gaining") for paper_id in chosen]
            store_scores(session, at, scores)
    return ids


def text_of(page: str) -> str:
    """Return a page's words, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_computed_figures_stand_beside_stated_ones_each_with_its_source(place: Place) -> None:
    fill(place)
    state(place, "Ada Probe", "ada-probe", "semantic-scholar", NOW - timedelta(days=3), h_index="41", papers="120")
    state(place, "Ada Probe", "ada-probe", "pages", NOW, novelty="61", ai_score="7.5", field="cs.LG")
    page = place.browser.get("/authors/ada-probe").text
    words = text_of(page)
    for shown in (
        "h-index 3 over the 3 papers of 3 whose citations are known 41 – Semantic Scholar, read 3 days ago",
        "Papers 3 known here under this name 120 – Semantic Scholar, read 3 days ago",
        "Citations 267 over the 3 papers of 3 whose citations are known; Semantic Scholar, the newest read 2 days ago",
        "Novelty 62 % mean over 3 papers 61 % – a captured page, read today",
        "7.5 – a captured page, read today",
        "Field cs.LG of 3 of 3 papers cs.LG – a captured page",
    ):
        assert shown in words
    assert '<a href="/about/figures#ai-score">AI score</a>' in page
    assert 'id="ai-score"' in place.browser.get("/about/figures").text


def test_an_h_index_above_the_papers_it_was_computed_from_is_not_shown_as_one(place: Place) -> None:
    state(place, "Ada Probe", "ada-probe", "pages", NOW, h_index="117", papers="25", citations="11105")
    words = text_of(place.browser.get("/authors/ada-probe").text)
    assert "117 – a captured page" not in words
    assert "25 – a captured page" not in words
    assert "11,105 – a captured page" in words
    assert "states h-index 117 and Papers 25. Left out: an h-index of 117 cannot come from 25 papers." in words
    figures = {one["figure"]: one for one in place.browser.get("/api/v1/authors/ada-probe").json()["figures"]}
    assert figures["h_index"]["doubt"] == "an h-index of 117 cannot come from 25 papers"
    assert figures["papers"]["doubt"]
    assert figures["citations"]["doubt"] == ""


def test_what_is_not_known_is_said_and_not_shown_as_zero(place: Place) -> None:
    place.add_paper(1, primary_category="", categories=[])
    words = text_of(place.browser.get("/authors/ada-probe").text)
    for shown in ("h-index – no citation count is known yet", "Novelty – no paper has one yet", "AI score – no paper"):
        assert shown in words


def test_a_paper_that_left_the_ranking_shows_its_best(place: Place) -> None:
    fill(place, papers=2)
    page = place.browser.get("/authors/ada-probe").text
    assert "percentile 89 novelty" in text_of(page)
    assert "percentile 88 at its best, 30 April 2026" in text_of(page)
    assert page.count('class="said-of"') == 1


def test_papers_are_arranged_by_links_and_paged(place: Place) -> None:
    fill(place, papers=45)

    def titles(query: str) -> list[str]:
        page = place.browser.get(f"/authors/ada-probe{query}")
        assert page.status_code == 200
        return re.findall(r"<h3><a[^>]*>([^<]+)</a>", page.text)

    newest = titles("") + titles("?page=2") + titles("?page=3")
    assert newest == [f"Probe paper {number}" for number in range(45, 0, -1)]
    assert titles("?sort=citations")[:2] == ["Probe paper 1", "Probe paper 2"]
    assert titles("?sort=percentile&page=3")[-1] == "Probe paper 45"
    page = place.browser.get("/authors/ada-probe?sort=citations&page=2").text
    assert 'href="?sort=percentile#papers"' in page
    assert 'rel="next" href="?sort=citations&amp;page=3"' in page
    assert place.browser.get("/authors/ada-probe?page=4").status_code == 404
    assert place.browser.get("/authors/ada-probe?sort=luck").status_code == 422


def test_a_lab_has_figures_papers_and_links(place: Place) -> None:
    fill(place)
    place.add_paper(9, labs=["Probe Laboratory", "Another Lab"], authors=["Bo Sample"])
    page = place.browser.get("/labs/probe-laboratory").text
    words = text_of(page)
    assert "Papers 4 known here under this name" in words
    assert "h-index 3 over the 3 papers of 4" in words
    assert '<a href="/authors/bo-sample">Bo Sample</a>, 4' in page
    assert '<a href="/labs/another-lab">Another Lab</a>, 1' in page


def test_hostile_names_and_figures_are_escaped(place: Place) -> None:
    place.add_paper(1, authors=[HOSTILE, "Bo Sample"], labs=[HOSTILE], title=HOSTILE, abstract=HOSTILE)
    state(place, "Bo Sample", "bo-sample", HOSTILE, NOW, h_index=HOSTILE, field=HOSTILE, papers="9" * 200)
    for path in ("/authors/bo-sample", "/labs/script-alert-1-script-img-src-x-onerror-y"):
        answer = place.browser.get(path)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "<img" not in answer.text


def test_the_api_gives_figures_with_what_they_rest_on(place: Place) -> None:
    fill(place)
    for path in ("/api/v1/authors/ada-probe", "/api/v1/labs/probe-laboratory"):
        answer = place.browser.get(f"{path}?sort=citations&limit=2").json()
        computed = answer["computed"]
        assert computed["fields"] == [{"category": "cs.LG", "papers": 3}]
        assert (computed["h_index"], computed["citations"], computed["citations_papers"]) == (3, 267, 3)
        assert computed["citations_sources"] == ["semantic-scholar"]
        assert (computed["novelty"], computed["ai_score_papers"]) == (62.0, 3)
        assert 50 < computed["ai_score"] < 62
        assert datetime.fromisoformat(computed["ranked_at"]) == NOW
        first = answer["papers"][0]
        assert (first["slug"], first["percentile"], first["best_percentile"]) == ("2605.00001", 89.0, 89.0)
        assert answer["papers"][1]["percentile"] is None
        assert answer["papers"][1]["best_on"] == "2026-04-30"
        rest = place.browser.get(f"{path}?sort=citations&cursor={answer['next_cursor']}").json()
        assert [one["rank"] for one in rest["papers"]] == [3]
        assert rest["next_cursor"] is None
        assert {one["name"] for one in answer["authors"]} <= {"Ada Probe", "Bo Sample"}
    place.add_paper(77, authors=["Cy Trial"])
    other = place.browser.get("/api/v1/authors/ada-probe?limit=1").json()["next_cursor"]
    assert place.browser.get(f"/api/v1/authors/cy-trial?cursor={other}").status_code == 400
    assert place.browser.get("/api/v1/labs/nobody").status_code == 404


@pytest.mark.parametrize("path", ["/authors/ada-probe", "/labs/probe-laboratory"])
def test_authors_and_labs_have_feeds_of_their_newest_papers(place: Place, path: str) -> None:
    fill(place)
    root = etree.fromstring(place.browser.get(f"{path}/feed.xml").content)
    channel = root.find("channel")
    assert channel is not None
    assert channel.findtext("link") == f"http://testserver{path}"
    own = channel.find("{http://www.w3.org/2005/Atom}link")
    assert own is not None
    assert own.get("href") == f"http://testserver{path}/feed.xml"
    entries = channel.findall("item")
    assert [entry.findtext("title") for entry in entries] == ["Probe paper 3", "Probe paper 2", "Probe paper 1"]
    assert entries[0].findtext("guid") == entries[0].findtext("link") == "http://testserver/papers/2605.00003"
    feed = place.browser.get(f"{path}/feed.json").json()
    assert feed["home_page_url"] == f"http://testserver{path}"
    assert feed["items"][0]["date_published"] == "2026-01-04T00:00:00+00:00"
    assert f'title="{feed["title"].split(": ")[1]}" href="{path}/feed.json"' in place.browser.get(path).text


def test_feeds_of_nobody_are_not_found(place: Place) -> None:
    for path in ("/authors/nobody/feed.xml", "/labs/nobody/feed.json", "/authors/%00/feed.json", "/labs/x/feed.atom"):
        assert place.browser.get(path).status_code == 404


def test_a_paper_lists_its_versions(place: Place) -> None:
    paper_id = place.add_paper(1, version=3)
    with writing(place.services.engine) as session:
        for key, version, day in (("a", 1, date(2026, 5, 11)), ("b", 2, date(2026, 5, 18))):
            session.add(
                ListingRow(
                    source="arxiv-rss",
                    key=key,
                    paper_id=paper_id,
                    announce_type="new",
                    version=version,
                    listed_on=day,
                )
            )
    words = text_of(place.browser.get("/papers/2605.00001").text)
    assert "Versions v3 , known without its announcement v2 , 18 May 2026 v1 , 11 May 2026" in words
    place.add_paper(2)
    assert "Versions" not in place.browser.get("/papers/2605.00002").text


def test_papers_are_drawn_by_month_and_over_many_years_by_year() -> None:
    by_month = histogram([date(2026, 5, 1), date(2026, 5, 30), None, date(2026, 3, 2), date(2026, 5, 3)], ENGLISH)
    assert by_month is not None
    assert (by_month.first, by_month.last) == ("March 2026", "May 2026")
    assert by_month.words == "4 papers by month, most in May 2026: 3"
    assert [bar.height for bar in by_month.bars] == [18.7, 56.0]
    assert [bar.x for bar in by_month.bars] == [92.7, 519.3]
    by_year = histogram([date(1991, 5, 1), date(2026, 5, 30), date(2026, 3, 2), date(2026, 5, 3)], ENGLISH)
    assert by_year is not None
    assert by_year.words == "4 papers by year, most in 2026: 3"
    assert all(bar.x >= 0 and bar.x + bar.width <= 640 for bar in by_year.bars)
    assert histogram([date(2026, 5, 1)] * 9, ENGLISH) is None
    assert histogram([], ENGLISH) is None


def test_what_was_read_late_last_night_was_read_yesterday(place: Place) -> None:
    late = datetime(2026, 5, 19, 23, 30, tzinfo=UTC)
    state(place, "Ada Probe", "ada-probe", "openalex", late, citations="80")
    assert "80 – OpenAlex, read yesterday" in text_of(place.browser.get("/authors/ada-probe").text)
