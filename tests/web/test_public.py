"""The public pages as a visitor sees them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from digest.store.engine import writing
from digest.store.tables import Author, IssueRow, ListingRow, ObservationRow, Paper, PaperAlias, PaperText, Score
from tests.conftest import NOW
from tests.web.conftest import Place, card_of


def test_front_page_shows_the_newest_issue_under_the_subscribe_box(place: Place) -> None:
    place.add_small_issue()
    page = place.browser.get("/").text
    assert page.index('name="address"') < page.index("Probe paper 1") < page.index("Probe paper 2")
    for shown in ("cs.LG", "Code", "Cy Trial</a> et al.", "Probe Laboratory", "18 May 2026"):
        assert shown in page
    for shown in ("+38 upvotes in 6\u00a0h", "percentile 99.6", "A probe is made", "https://arxiv.org/pdf/2605.00001"):
        assert shown in page
    assert "simulated" not in page
    assert page.count("<h1") == 1


def test_front_page_before_any_issue_shows_the_latest_scores(place: Place) -> None:
    paper_id = place.add_paper(1)
    other = place.add_paper(2)
    with writing(place.services.engine) as session:
        session.add(Score(paper_id=other, as_of=NOW - timedelta(days=1), value=0.99))
        session.add(Score(paper_id=paper_id, as_of=NOW, value=0.5, percentile=50.0, evidence="seen", simulated=True))
    page = place.browser.get("/").text
    assert "Probe paper 1" in page
    assert "Probe paper 2" not in page
    assert "simulated" in page


def test_empty_site_says_why_and_weekends_have_their_own_reason(place: Place) -> None:
    assert "Nothing has been read yet" in place.browser.get("/").text
    place.clock.move(days=3)  # a Saturday
    assert (
        "arXiv lists nothing on weekends; the next issue comes on Monday, 25 May 2026." in place.browser.get("/").text
    )


@pytest.mark.parametrize(
    ("on", "words"),
    [
        (
            date(2026, 5, 23),
            "arXiv lists nothing on weekends: these are papers of the days before, and new ones come on Monday,",
        ),
        (
            date(2026, 9, 8),
            "arXiv lists nothing after Labor Day: these are papers of the days before, and new ones come on Wednesday,",
        ),
        (date(2026, 6, 20), "and new ones come on Tuesday, 23 June 2026."),  # the Monday after Juneteenth is quiet, too
        (date(2026, 12, 30), ""),  # often quiet, and nobody knows
        (date(2026, 5, 21), ""),
    ],
)
def test_a_quiet_day_is_explained_in_a_sentence_above_the_papers_of_the_days_before(
    place: Place, on: date, words: str
) -> None:
    place.add_small_issue()
    place.clock.now = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    page = place.browser.get("/").text
    assert words in page
    assert bool(words) == ("these are papers of the days before" in page)
    assert "these are papers" not in place.browser.get("/?window=week").text


def test_a_category_filters_the_list_and_goes_into_the_subscribe_form(place: Place) -> None:
    place.add_small_issue()
    page = place.browser.get("/?category=math.OC").text
    assert "Probe paper 2" in page
    assert "Probe paper 1" not in page
    assert '<input type="hidden" name="categories" value="math.OC">' in page
    assert "No paper of hep-th" in place.browser.get("/?category=hep-th").text


def test_long_lists_are_paged_and_a_page_beyond_the_end_is_not_found(place: Place) -> None:
    place.add_small_issue(papers=25)
    first, second = place.browser.get("/").text, place.browser.get("/?page=2").text
    assert first.count('class="paper"') == 20
    assert second.count('class="paper"') == 5
    assert 'href="?page=2"' in first
    assert 'name="address"' not in second
    assert place.browser.get("/?page=3").status_code == 404
    assert place.browser.get("/?page=0").status_code == 422
    assert place.browser.get("/?page=x").status_code == 422


def test_simulated_evidence_is_labelled_wherever_it_is_shown(place: Place) -> None:
    place.add_small_issue(papers=1, simulated=True)
    with writing(place.services.engine) as session:
        session.add(Score(paper_id=1, as_of=NOW, value=0.5, percentile=50.0, evidence="seen", simulated=True))
        session.add(ObservationRow(paper_id=1, signal="hf_upvotes", source="simulated", at=NOW, value=3))
    for path in ("/", f"/issues/{NOW.date()}", "/papers/2605.00001"):
        assert "simulated" in place.browser.get(path).text, path


def test_a_page_takes_the_same_number_of_queries_however_much_it_shows(place: Place) -> None:
    seen: list[str] = []
    event.listen(place.services.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    place.add_small_issue(papers=1)
    place.browser.get("/")
    seen.clear()
    place.browser.get("/")
    few = len(seen)
    cards = [card_of(place.add_paper(number), number) for number in range(101, 119)]
    place.add_issue([card_of(c.paper_id, n) for n, c in enumerate(cards, 1)], issued_on=date(2026, 5, 21))
    seen.clear()
    place.browser.get("/")
    assert len(seen) == few


def test_paper_page_shows_what_is_known_with_its_signals_drawn(place: Place) -> None:
    paper_id = place.add_paper(
        1, abstract="First thought.\n\nSecond thought.", labs=["Probe Laboratory"], doi="10.1000/x(1)", has_code=True
    )
    with writing(place.services.engine) as session:
        session.add(Author(name="Ada Probe", slug="ada-probe"))
        session.add(ListingRow(source="arxiv-rss", key="k", paper_id=paper_id, announce_type="new", version=1))
        for hours, value in ((0, 1.0), (6, 5.0), (12, 39.0)):
            at = NOW - timedelta(hours=12 - hours)
            session.add(ObservationRow(paper_id=paper_id, signal="hf_upvotes", source="hf", at=at, value=value))
        part = {"name": "upvotes", "share": 1.0, "words": "+38 upvotes in 12 h"}
        session.add(
            Score(paper_id=paper_id, as_of=NOW, value=0.9, percentile=99.96, evidence="Gaining fast", parts=[part])
        )
    page = place.browser.get("/papers/2605.00001").text
    for shown in ("First thought.", "Second thought.", "Gaining fast", "+38 upvotes in 12\u00a0h", "percentile 99.9"):
        assert shown in page
    assert '<a href="/authors/ada-probe">Ada Probe</a>, <a href="/authors/bo-sample">Bo Sample</a>' in page
    assert "Upvotes at Hugging Face: from 1 to 39 in 12 h." in page
    assert "arxiv-rss: new, version 1" in page
    read = ["Gaining fast", "First thought.", "Where it stands", "Signals", "Facts"]
    assert sorted(read, key=page.index) == read  # how it stands in a line, then what it says, then the rest
    assert "https://doi.org/10.1000/x%281%29" in page


def test_a_paper_has_one_address_and_its_other_names_redirect_to_it(place: Place) -> None:
    paper_id = place.add_paper(1)
    place.add_paper(2, arxiv_id="math/0309136")
    place.add_paper(3, arxiv_id=None)
    with writing(place.services.engine) as session:
        session.add(PaperAlias(slug="an-older-title", paper_id=paper_id))
    for name in ("2605.00001v2", "probe-paper-1", "an-older-title", "arXiv:2605.00001"):
        answer = place.browser.get(f"/papers/{name}")
        assert (answer.status_code, answer.headers["location"]) == (301, "/papers/2605.00001"), name
    assert place.browser.get("/papers/math/0309136").status_code == 200
    assert place.browser.get("/papers/math.GT/0309136v3").headers["location"] == "/papers/math/0309136"
    assert place.browser.get("/papers/probe-paper-3").status_code == 200


def test_unknown_and_malformed_addresses_get_a_page_with_a_way_out(place: Place) -> None:
    paths = [
        "/nothing",
        "/papers/none",
        "/papers/%00",
        "/papers/" + "x" * 5000,
        "/authors/nobody",
        "/issues/2026-05-20",
    ]
    paths += ["/issues/2026-13-40", "/issues/yesterday", "/issues/20260520", "/papers/", "/papers/..%2f..%2fetc"]
    for path in paths:
        answer = place.browser.get(path)
        assert answer.status_code == 404, path
        assert "Today's papers" in answer.text.replace("&#39;", "'"), path


def test_issues_are_listed_and_each_has_its_page(place: Place) -> None:
    assert "There is no issue yet" in place.browser.get("/issues").text
    place.add_small_issue()
    listed = place.browser.get("/issues").text
    assert "Wednesday, 20 May 2026" in listed
    assert "3 papers, first: Probe paper 1" in listed
    assert "Probe paper 3" in place.browser.get("/issues/2026-05-20").text


def test_a_held_issue_is_not_shown_until_it_is_let_go(place: Place) -> None:
    issue_id = place.add_small_issue()
    with writing(place.services.engine) as session:
        session.get_one(IssueRow, issue_id).state = "held"
    assert "Probe paper 1" not in place.browser.get("/").text
    assert "There is no issue yet" in place.browser.get("/issues").text
    assert place.browser.get("/issues/2026-05-20").status_code == 404


def test_hostile_text_is_escaped_and_only_web_addresses_become_links(place: Place) -> None:
    # checklist 26
    hostile = '<script>alert(1)</script>"><img src=x>'
    paper_id = place.add_paper(
        1,
        title=hostile,
        abstract=hostile,
        authors=[hostile],
        labs=[hostile],
        code_url="javascript:alert(1)",
        project_url="data:text/html,x",
        license_url="javascript:alert(2)",
        comment=hostile,
    )
    place.add_issue([card_of(paper_id, 1, title=hostile, code_url="javascript:alert(1)", evidence=hostile)])
    for path in ("/", "/papers/2605.00001", "/issues", f"/issues/{NOW.date()}"):
        page = place.browser.get(path).text
        assert "<script" not in page.replace('<script src="/static/zone.js', ""), path
        assert "<img" not in page, path
        assert "javascript:" not in page, path
        assert "data:text" not in page, path


def test_papers_without_titles_or_facts_still_have_a_page(place: Place) -> None:
    with writing(place.services.engine) as session:
        session.add(Paper(slug="bare", title="Bare", title_key="bare", first_seen_at=NOW))
    assert place.browser.get("/papers/bare").status_code == 200


def test_ranking_is_explained(place: Place) -> None:
    assert "How it decides" in place.browser.get("/about/ranking").text


@pytest.mark.parametrize(
    ("novelty", "said"),
    [
        (93.97, "Novelty 93 of 100: the words of its title and abstract are further from earlier papers"),
        (0.0, "Novelty 0 of 100: the words of its title and abstract are as close to an earlier paper as"),
    ],
)
def test_a_paper_page_says_how_new_it_is_and_how_that_is_measured(place: Place, novelty: float, said: str) -> None:
    paper_id = place.add_paper(1)
    assert "Novelty" not in place.browser.get("/papers/2605.00001").text
    with writing(place.services.engine) as session:
        session.add(PaperText(paper_id=paper_id, listed_on=NOW.date(), words=b"", counts=b"", novelty=novelty))
    page = place.browser.get("/papers/2605.00001").text
    assert said in page
    assert 'href="/about/figures#novelty"' in page
    explained = place.browser.get("/about/figures")
    assert explained.status_code == 200
    assert all(f'id="{name}"' in explained.text for name in ("percentile", "novelty", "similar", "ai-score"))
    assert place.browser.get("/api/v1/papers/2605.00001").json()["novelty"] == novelty


def test_only_a_paper_far_from_earlier_work_is_marked_in_a_list(place: Place) -> None:
    cards = [card_of(place.add_paper(number), number, novelty=value) for number, value in ((1, 89.9), (2, None))]
    place.add_issue(cards)
    assert "Unlike earlier abstracts" not in place.browser.get("/").text
    place.add_issue([card_of(place.add_paper(3), 1, novelty=90.0)], issued_on=NOW.date() + timedelta(days=1))
    assert place.browser.get("/").text.count("Unlike earlier abstracts") == 1
