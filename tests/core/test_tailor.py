"""An issue cut to one reader: by the index of its categories, as by looking at every card."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from digest.core.issue import Card, Issue
from digest.core.tailor import Preferences, tailor

CATEGORIES = st.sampled_from(["cs.LG", "cs.CL", "stat.ML", "math.CO", "hep-th"])
CARDS = st.lists(st.lists(CATEGORIES, max_size=4), max_size=25)


@given(CARDS, st.lists(CATEGORIES, max_size=4), st.integers(0, 12), st.sets(st.integers(0, 24)))
def test_the_papers_are_the_first_that_match_in_rank_order(
    categories: list[list[str]], wanted: list[str], count: int, sent: set[int]
) -> None:
    cards = tuple(
        Card(paper_id=n, rank=n + 1, title=str(n), path="/", categories=tuple(its)) for n, its in enumerate(categories)
    )
    issue = Issue(issued_on=date(2026, 5, 20), cut_off=datetime(2026, 5, 20, tzinfo=UTC), cards=cards)
    edition = tailor(issue, Preferences(categories=tuple(wanted), paper_count=count), sent)
    fitting = [
        card
        for card in cards
        if card.paper_id not in sent and (not wanted or any(category in wanted for category in card.categories))
    ][:count]
    assert [pick.card for pick in edition.picks] == fitting
    assert [pick.place for pick in edition.picks] == list(range(1, len(fitting) + 1))
    for pick in edition.picks:
        first = next((category for category in pick.card.categories if category in wanted), None)
        assert pick.why == (f"You follow {first}" if wanted else "")
