"""The front page by window: today's issue, the papers of the week, those of the month."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import select

from digest.store.engine import writing
from digest.store.tables import IssueRow
from tests.web.conftest import TODAY, Place, card_of


@pytest.fixture
def month(place: Place) -> Place:
    """A site with papers 1 to 4: 1 and 2 today, 3 before 2 two days ago, 4 three weeks ago, 5 two months ago."""
    ids = {
        number: place.add_paper(number, primary_category="math.OC" if number == 3 else "cs.LG")
        for number in range(1, 6)
    }
    for days, ranked in ((60, (5,)), (20, (4,)), (2, (3, 2)), (0, (1, 2))):
        cards = [
            card_of(
                ids[number],
                rank,
                "math.OC" if number == 3 else "cs.LG",
                title=f"Probe paper {number}",
                path=f"/papers/2605.{number:05d}",
            )
            for rank, number in enumerate(ranked, 1)
        ]
        place.add_issue(cards, TODAY - timedelta(days=days))
    return place


def shown(place: Place, path: str) -> list[int]:
    page = place.browser.get(path)
    assert page.status_code == 200
    return [int(number) for number in re.findall(r'href="/papers/2605\.0000(\d)"', page.text)]


@pytest.mark.parametrize(
    ("path", "papers"),
    [
        ("/", [1, 2]),
        ("/?window=today", [1, 2]),
        ("/?window=week", [1, 3, 2]),
        ("/?window=month", [1, 3, 4, 2]),
        ("/?window=week&category=math.OC", [3]),
        ("/?window=month&category=stat.ML", []),
    ],
)
def test_a_window_shows_its_papers_by_their_best_place(month: Place, path: str, papers: list[int]) -> None:
    assert list(dict.fromkeys(shown(month, path))) == papers


def test_windows_and_categories_are_links_that_keep_each_other(month: Place) -> None:
    page = month.browser.get("/?window=week&category=math.OC").text
    found = dict(re.findall(r'<a href="(/[^"]*)"(?: aria-current="page")?>(Today|This week|This month|All)', page))
    assert {
        name: sorted(address.partition("?")[2].replace("&amp;", "&").split("&")) for address, name in found.items()
    } == {
        "Today": ["category=math.OC"],
        "This week": ["category=math.OC", "window=week"],
        "This month": ["category=math.OC", "window=month"],
        "All": ["window=week"],
    }
    assert "14 May 2026 to 20 May 2026 · best places in 2 issues" in page
    assert 'href="/feed.xml?category=math.OC"' in page


def test_an_empty_window_speaks(month: Place) -> None:
    assert "No paper of stat.ML in these issues." in month.browser.get("/?window=month&category=stat.ML").text


def test_a_window_before_the_first_issue_is_the_latest_scores(place: Place) -> None:
    assert place.browser.get("/?window=week").status_code == 200
    assert place.browser.get("/?window=year").status_code == 422


def test_a_held_issue_is_in_no_window(month: Place) -> None:
    with writing(month.services.engine) as session:
        issue = session.exec(select(IssueRow).where(IssueRow.issued_on == TODAY - timedelta(days=2))).one()
        issue.state = "held"
        session.add(issue)
    assert 3 not in shown(month, "/?window=month")


def test_a_wide_window_takes_as_many_queries_as_a_narrow_one(month: Place) -> None:
    counted: list[str] = []
    event.listen(month.services.engine, "before_cursor_execute", lambda *given: counted.append(given[2]))
    sizes = []
    for window in ("week", "month"):
        counted.clear()
        shown(month, f"/?window={window}")
        sizes.append(len(counted))
    assert sizes[0] == sizes[1] <= 6
