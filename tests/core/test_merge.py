"""Facts from several listings become one paper, whatever the order."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.merge import Facts, facts_of, join, storable, visible
from digest.core.paper import AnnounceType, Listing

SEEN = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


def listing(**changes: Any) -> Listing:
    stated: dict[str, Any] = {"source": "arxiv-rss", "title": "Sorting lamps by shade", "arxiv_id": "2605.00001"}
    return Listing(**{**stated, **changes})


def merged(*listings: Listing) -> Facts:
    facts = facts_of(listings[0], SEEN)
    for other in listings[1:]:
        join(facts, facts_of(other, SEEN))
    return facts


def both_orders(one: Listing, other: Listing) -> Facts:
    facts = merged(one, other)
    assert facts == merged(other, one)
    return facts


def test_the_higher_version_gives_the_title_and_the_lower_one_fills_the_gaps() -> None:
    facts = both_orders(
        listing(version=1, title="An old title of lamps", abstract="First words."),
        listing(version=2, title="A new title"),
    )
    assert (facts.title, facts.abstract, facts.version) == ("A new title", "First words.", 2)


def test_an_abstract_of_a_lower_version_stays_replaceable_by_one_between() -> None:
    one, two, three = listing(version=1, abstract="one"), listing(version=3), listing(version=2, abstract="two")
    assert merged(one, two, three).abstract == merged(three, two, one).abstract == "two"


def test_another_sites_title_does_not_replace_arxivs() -> None:
    facts = both_orders(listing(version=1), listing(source="hf", title="Sorting lamps by shade (a copy, renamed)"))
    assert facts.title == "Sorting lamps by shade"


def test_cross_lists_unite_categories_with_the_primary_first() -> None:
    facts = both_orders(
        listing(version=1, categories=("stat.ML", "cs.LG")),
        listing(source="pages", categories=("cs.AI",)),
    )
    assert facts.primary_category == "stat.ML"
    assert facts.categories == ("stat.ML", "cs.AI", "cs.LG")


def test_a_short_author_list_never_replaces_a_complete_one() -> None:
    facts = both_orders(
        listing(source="hf", authors=("Ada Bell", "Bo Carr", "Cy Dunn", "Di Esk")),
        listing(version=3, authors=("Ada Bell", "Bo Carr", "Cy Dunn"), authors_complete=False),
    )
    assert facts.authors == ("Ada Bell", "Bo Carr", "Cy Dunn", "Di Esk")
    assert facts.authors_complete


def test_the_day_of_a_new_announcement_wins_over_a_mention_that_is_earlier() -> None:
    facts = both_orders(
        listing(announce_type=AnnounceType.NEW, listed_on=date(2026, 5, 20)),
        listing(announce_type=AnnounceType.FOUND, listed_on=date(2026, 5, 18)),
    )
    assert facts.listed_on == date(2026, 5, 20)


def test_of_two_new_announcements_the_earlier_day_counts() -> None:
    facts = both_orders(listing(listed_on=date(2026, 5, 20)), listing(listed_on=date(2026, 5, 19)))
    assert facts.listed_on == date(2026, 5, 19)


@pytest.mark.parametrize("kind", [AnnounceType.REPLACE, AnnounceType.REPLACE_CROSS])
def test_a_replacement_does_not_make_an_old_paper_look_new(kind: AnnounceType) -> None:
    facts = merged(listing(arxiv_id="1805.00001", announce_type=kind, listed_on=date(2026, 5, 20)))
    assert facts.listed_on is None


def test_a_late_cross_list_does_not_make_an_old_paper_look_new() -> None:
    old = listing(arxiv_id="math/0309136", announce_type=AnnounceType.CROSS, listed_on=date(2026, 5, 20))
    fresh = listing(arxiv_id="2604.00001", announce_type=AnnounceType.CROSS, listed_on=date(2026, 5, 20))
    assert merged(old).listed_on is None
    assert merged(fresh).listed_on == date(2026, 5, 20)


def test_known_code_wins_and_a_code_address_implies_code() -> None:
    assert both_orders(listing(has_code=False), listing(has_code=True)).has_code is True
    assert both_orders(listing(has_code=None), listing(has_code=False)).has_code is False
    assert merged(listing(has_code=False, code_url="https://code.example/lamps")).has_code is True


def test_an_address_that_no_browser_may_follow_is_dropped() -> None:
    facts = merged(listing(code_url="javascript:alert(1)", project_url="https://lamps.example/a?b=c#d"))
    assert (facts.code_url, facts.has_code, facts.project_url) == ("", None, "https://lamps.example/a?b=c#d")


def test_labs_spelled_twice_are_kept_once() -> None:
    facts = both_orders(listing(labs=("meta-ai", "uw")), listing(labs=("Meta AI",)))
    assert facts.labs == ("meta-ai", "uw")


def test_two_different_arxiv_ids_are_never_joined() -> None:
    with pytest.raises(ValueError, match="different papers"):
        merged(listing(), listing(arxiv_id="2605.00002"))


def test_what_a_database_refuses_is_dropped_from_text() -> None:
    assert storable("lam\0ps \ud800é") == "lamps é"


_texts = st.sampled_from(["", "Lamps", "Lamps and shades", "Größe \0 der Lampen", "\ud800broken"])
_days = st.none() | st.dates(date(2026, 5, 1), date(2026, 5, 9))
_instants = st.none() | st.integers(0, 9).map(lambda days: SEEN - timedelta(days=days))
_names = st.lists(st.sampled_from(["Ada Bell", "Bo Carr", "cs.LG", "cs-lg", "stat.ML"]), max_size=3).map(tuple)
_listings = st.builds(
    Listing,
    source=st.sampled_from(["arxiv-rss", "arxiv-api", "hf", "pages"]),
    title=_texts,
    arxiv_id=st.sampled_from([None, "2605.00001"]),
    version=st.none() | st.integers(-1, 2_000),
    authors=_names,
    authors_complete=st.booleans(),
    abstract=_texts,
    summary=_texts,
    categories=_names,
    announce_type=st.sampled_from(AnnounceType),
    listed_on=_days,
    published_at=_instants,
    updated_at=_instants,
    labs=_names,
    has_code=st.sampled_from([None, True, False]),
    code_url=st.sampled_from(["", "https://a.example/x", "http://a.example/y", "data:,x"]),
    keywords=_names,
)


@given(st.lists(_listings, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_and_the_number_of_readings_do_not_matter(stated: list[Listing], random: Any) -> None:
    shuffled = [*stated, *stated]
    random.shuffle(shuffled)
    assert merged(*stated) == merged(*shuffled)


@given(_listings, _listings)
def test_nothing_known_becomes_unknown(one: Listing, other: Listing) -> None:
    facts = merged(one)
    before = copy.deepcopy(facts)
    join(facts, facts_of(other, SEEN))
    for was, became in zip(visible(before), visible(facts), strict=True):
        assert became not in (None, "", ()) or was in (None, "", ())
