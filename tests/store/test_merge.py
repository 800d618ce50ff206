"""Listings become papers in the database: identity, counting, slugs, and rows that turn out to be one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from digest.core.paper import AnnounceType, Listing, Observation
from digest.store.engine import reading, writing
from digest.store.former_titles import MOST
from digest.store.merge import Tally, listing_key, merge_batch
from digest.store.papers import current_ids, other_ids
from digest.store.site import find_paper
from digest.store.tables import FormerTitle, IssueCard, IssueRow, ListingRow, ObservationRow, Paper, PaperAlias, Score

SEEN = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


def listing(**changes: Any) -> Listing:
    stated: dict[str, Any] = {"source": "arxiv-rss", "title": "Sorting lamps by shade", "authors": ("Ada Bell",)}
    return Listing(**{**stated, **changes})


def votes(value: float, at: datetime = SEEN, source: str = "hf") -> Observation:
    return Observation("hf_upvotes", at, value, source)


def merge(engine: Engine, *listings: Listing, source: str = "arxiv-rss", scope: str = "cs.LG") -> Tally:
    tally = Tally()
    with writing(engine) as session:
        merge_batch(session, listings, source=source, scope=scope, run_id=None, seen_at=SEEN, tally=tally)
    return tally


def stored(engine: Engine, model: Any) -> list[Any]:
    with reading(engine) as session:
        return list(session.exec(select(model)))


def papers(engine: Engine) -> list[Paper]:
    return sorted(stored(engine, Paper), key=lambda paper: paper.id or 0)


def counts(tally: Tally) -> tuple[int, int, int]:
    return len(tally.new), len(tally.updated), tally.observations


def test_the_same_listings_twice_add_nothing(engine: Engine) -> None:
    read = [
        listing(arxiv_id="2605.00001", version=1, observations=(votes(3),)),
        listing(title="Counting the lamps of a town", authors=("Bo Carr",), observations=(votes(4),)),
    ]
    assert counts(merge(engine, *read)) == (2, 0, 2)
    assert counts(merge(engine, *read)) == (0, 0, 0)
    assert len(stored(engine, ListingRow)) == len(stored(engine, ObservationRow)) == 2


def test_a_version_and_a_cross_list_in_one_batch_are_one_new_paper(engine: Engine) -> None:
    tally = merge(
        engine,
        listing(arxiv_id="2605.00001v2", title="Sorting lamps by hue", categories=("cs.LG",)),
        listing(arxiv_id="2605.00001", version=1, categories=("cs.LG", "stat.ML"), announce_type=AnnounceType.CROSS),
    )
    assert counts(tally) == (1, 0, 0)
    (paper,) = papers(engine)
    assert (paper.slug, paper.title, paper.version) == ("2605.00001", "Sorting lamps by hue", 2)
    assert paper.categories == ["cs.LG", "stat.ML"]


def test_a_paper_counts_as_updated_only_when_something_visible_changed(engine: Engine) -> None:
    merge(engine, listing(arxiv_id="2605.00001", version=1))
    assert counts(merge(engine, listing(arxiv_id="2605.00001", version=1, source="arxiv-api"))) == (0, 0, 0)
    assert counts(merge(engine, listing(arxiv_id="2605.00001", abstract="Lamps are sorted."))) == (0, 1, 0)


def test_a_paper_known_by_title_is_promoted_once_its_id_is_learnt(engine: Engine) -> None:
    merge(engine, listing(source="pages", labs=("uw",)), source="pages")
    (before,) = papers(engine)
    assert before.slug == "sorting-lamps-by-shade"
    assert counts(merge(engine, listing(arxiv_id="2605.00001", authors=("A. Bell", "Bo Carr")))) == (0, 1, 0)
    (after,) = papers(engine)
    assert (after.id, after.arxiv_id, after.slug, after.labs) == (before.id, "2605.00001", "2605.00001", ["uw"])
    with reading(engine) as session:
        found = find_paper(session, "sorting-lamps-by-shade")
        assert found is not None
        assert found.slug == "2605.00001"


def test_a_listing_without_id_joins_the_paper_with_its_title_and_author(engine: Engine) -> None:
    merge(engine, listing(arxiv_id="2605.00001"))
    assert counts(merge(engine, listing(source="pages", has_code=True), source="pages")) == (0, 1, 0)
    assert [(paper.arxiv_id, paper.has_code) for paper in papers(engine)] == [("2605.00001", True)]


def test_one_title_by_two_authors_is_two_papers_with_two_slugs(engine: Engine) -> None:
    merge(engine, listing(), listing(authors=("Cy Dunn",)))
    merge(engine, listing(authors=("Di Esk",)))
    slugs = [paper.slug for paper in papers(engine)]
    assert slugs == ["sorting-lamps-by-shade", "sorting-lamps-by-shade-2", "sorting-lamps-by-shade-3"]


def test_a_title_used_by_many_authors_still_gives_every_paper_a_slug(engine: Engine) -> None:
    crowd = [listing(title="Lamps", authors=(f"A{chr(97 + n)} Bell{chr(97 + n)}",)) for n in range(20)]
    assert counts(merge(engine, *crowd)) == (20, 0, 0)
    assert len({paper.slug for paper in papers(engine)}) == 20


def test_two_arxiv_ids_are_two_papers_whatever_their_titles(engine: Engine) -> None:
    merge(engine, listing(arxiv_id="2605.00001"), listing(arxiv_id="2605.00002"))
    assert len(papers(engine)) == 2


@pytest.mark.parametrize(
    ("title", "authors"), [("灯的分类", ("王伟",)), ("تصنيف المصابيح حسب اللون", ()), ("Лампы", ("Иван Петров",))]
)
def test_a_title_in_another_script_gets_a_short_slug(engine: Engine, title: str, authors: tuple[str, ...]) -> None:
    merge(engine, listing(title=title, authors=authors))
    merge(engine, listing(title=title, authors=authors))
    (paper,) = papers(engine)
    assert paper.slug.startswith("paper-")
    assert len(paper.slug) == len("paper-") + 8


def test_an_old_style_id_keeps_its_slash_in_the_slug(engine: Engine) -> None:
    merge(engine, listing(arxiv_id="math.GT/0309136v1"))
    assert [(paper.arxiv_id, paper.slug, paper.version) for paper in papers(engine)] == [
        ("math/0309136", "math/0309136", 1)
    ]


def two_rows_of_one_work(engine: Engine) -> tuple[int, int]:
    """Store a paper by an early title and the same one by id; return the ids, the older first."""
    merge(engine, listing(title="Sorting lamps by hue", source="pages", observations=(votes(1), votes(2, source="x"))))
    later = SEEN + timedelta(hours=1)
    merge(engine, listing(arxiv_id="2605.00001", version=1, observations=(votes(1), votes(5, later))))
    older, younger = (paper.id or 0 for paper in papers(engine))
    issue = IssueRow(issued_on=date(2026, 5, 20), state="frozen", cut_off=SEEN, frozen_at=SEEN, content_hash="0" * 64)
    with writing(engine) as session:
        session.add(issue)
        session.flush()
        for rank, paper_id in enumerate((younger, older), start=1):
            session.add(IssueCard(issue_id=issue.id or 0, rank=rank, paper_id=paper_id, card={"paper_id": paper_id}))
            session.add(Score(paper_id=paper_id, as_of=SEEN, value=0.5))
        session.add(Score(paper_id=younger, as_of=later, value=0.5))
    return older, younger


def test_two_rows_that_turn_out_to_be_one_work_become_the_older_row(engine: Engine) -> None:
    older, younger = two_rows_of_one_work(engine)
    tally = merge(engine, listing(arxiv_id="2605.00001", version=2, title="Sorting lamps by hue"))
    assert counts(tally) == (0, 1, 0)
    (paper,) = papers(engine)
    assert (paper.id, paper.arxiv_id, paper.slug) == (older, "2605.00001", "2605.00001")
    assert {row.paper_id for row in stored(engine, ListingRow)} == {older}
    assert len(stored(engine, ListingRow)) == 3
    seen = {(row.source, row.value) for row in stored(engine, ObservationRow)}
    assert seen == {("hf", 1.0), ("x", 2.0), ("hf", 5.0)}
    assert len(stored(engine, Score)) == 2
    with reading(engine) as session:
        assert current_ids(session, [older, younger, 999]) == {older: older, younger: older}
        for address in ("2605.00001", "sorting-lamps-by-hue", f"id/{younger}"):
            found = find_paper(session, address)
            assert found is not None, address
            assert found.id == older


def test_a_frozen_card_keeps_its_content_when_its_paper_is_merged(engine: Engine) -> None:
    older, younger = two_rows_of_one_work(engine)
    merge(engine, listing(arxiv_id="2605.00001", version=2, title="Sorting lamps by hue"))
    cards = sorted(stored(engine, IssueCard), key=lambda card: card.rank)
    assert [card.paper_id for card in cards] == [older, older]
    assert [card.card["paper_id"] for card in cards] == [younger, older]


def test_the_id_of_a_merged_paper_is_never_given_again(engine: Engine) -> None:
    _older, younger = two_rows_of_one_work(engine)
    merge(engine, listing(arxiv_id="2605.00001", version=2, title="Sorting lamps by hue"))
    merge(engine, listing(arxiv_id="2605.00009", title="Another work about lamps"))
    assert younger not in [paper.id for paper in papers(engine)]


def test_listings_that_unite_two_works_in_one_batch_are_counted_exactly(engine: Engine) -> None:
    tally = merge(
        engine,
        listing(title="Sorting lamps by hue", source="pages"),
        listing(arxiv_id="2605.00001", version=1),
        listing(arxiv_id="2605.00001", version=2, title="Sorting lamps by hue", observations=(votes(1),)),
    )
    assert counts(tally) == (1, 0, 1)
    assert len(papers(engine)) == 1


def test_an_id_without_authors_does_not_unite_two_authors_works(engine: Engine) -> None:
    merge(engine, listing(authors=("Ada Bell",)), listing(authors=("Cy Dunn",)))
    merge(engine, listing(arxiv_id="2605.00001", authors=()))
    assert len(papers(engine)) == 3


def test_a_short_title_alone_is_a_paper_of_its_own(engine: Engine) -> None:
    alone = listing(title="Pointer Lamps", authors=())
    merge(engine, alone)
    assert counts(merge(engine, alone)) == (0, 0, 0)
    merge(engine, listing(title="Pointer Lamps", authors=("Ada Bell",)))
    assert len(papers(engine)) == 2  # two words do not say whether it is hers


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 1e12, 10**400])
def test_an_absurd_observation_is_set_aside_with_its_reason(engine: Engine, value: float) -> None:
    tally = merge(engine, listing(arxiv_id="2605.00001", observations=(votes(value), votes(7))))
    assert counts(tally) == (1, 0, 1)
    assert [(one.position, "not believable" in one.reason) for one in tally.rejected] == [("2605.00001", True)]


@pytest.mark.parametrize(
    "broken",
    [
        {"title": ""},
        {"title": "?!"},
        {"title": "lamp " * 500},
        {"arxiv_id": "not an id"},
    ],
)
def test_what_names_no_paper_is_set_aside_and_the_rest_goes_on(engine: Engine, broken: dict[str, Any]) -> None:
    tally = merge(engine, listing(**broken), listing(title="Another work about lamps"))
    assert counts(tally) == (1, 0, 0)
    assert len(tally.rejected) == 1


def test_text_that_a_database_refuses_is_stored_without_it(engine: Engine) -> None:
    hostile = "Sorting\0 lamps \ud800 by '; DROP TABLE paper; -- <script>"
    merge(engine, listing(arxiv_id="2605.00001", title=hostile, abstract=hostile, authors=(hostile,), labs=(hostile,)))
    (paper,) = papers(engine)
    assert "\0" not in paper.title
    assert paper.title.endswith("<script>")


def test_a_listings_key_tells_announcements_apart() -> None:
    base = listing(arxiv_id="2605.00001", version=1, listed_on=date(2026, 5, 20))
    others: Iterable[tuple[dict[str, Any], str]] = [
        ({"version": 2}, "cs.LG"),
        ({"listed_on": date(2026, 5, 21)}, "cs.LG"),
        ({"announce_type": AnnounceType.CROSS}, "cs.LG"),
        ({"arxiv_id": "2605.00002"}, "cs.LG"),
        ({}, "cs.AI"),
    ]
    keys = {listing_key(base, "cs.LG")}
    for changes, scope in others:
        stated = {"arxiv_id": "2605.00001", "version": 1, "listed_on": date(2026, 5, 20), **changes}
        keys.add(listing_key(listing(**stated), scope))
    assert len(keys) == 6


def test_no_alias_is_left_for_a_paper_that_was_never_stored_under_it(engine: Engine) -> None:
    merge(engine, listing(), listing(arxiv_id="2605.00001"))
    assert stored(engine, PaperAlias) == []
    with reading(engine) as session:
        assert session.exec(select(Paper).where(col(Paper.slug) == "2605.00001")).one()


def test_a_paper_that_went_by_several_ids_is_known_by_all_of_them(engine: Engine) -> None:
    merge(engine, listing(arxiv_id="2605.00001"))
    merge(engine, listing(title="Another title altogether now", authors=("Ada Bell",)))
    first, second = (paper.id for paper in papers(engine))
    merge(engine, listing(arxiv_id="2605.00001", version=2, title="Another title altogether now"))
    assert len(papers(engine)) == 1
    with reading(engine) as session:
        assert other_ids(session, [first]) == {first: {first, second}}
        assert other_ids(session, [second, 999]) == {second: {first, second}}


RETITLED = "Lamps, by their shade"


@pytest.mark.parametrize("order", ["an older title after", "an older title before", "in one batch"])
def test_a_listing_without_id_finds_the_paper_by_a_title_it_once_had(engine: Engine, order: str) -> None:
    first = listing(arxiv_id="2605.00001", version=1)
    second = listing(arxiv_id="2605.00001", version=2, title=RETITLED)
    stranger = listing(source="pages", labs=("uw",))
    read = {
        "an older title after": [[first], [second], [stranger]],
        "an older title before": [[second], [first], [stranger]],
        "in one batch": [[first, second, stranger]],
    }[order]
    for batch in read:
        merge(engine, *batch)
    (paper,) = papers(engine)
    assert (paper.title, paper.labs, paper.arxiv_id) == (RETITLED, ["uw"], "2605.00001")
    assert [row.title_key for row in stored(engine, FormerTitle)] == ["sorting lamps by shade"]


def test_a_former_title_is_not_enough_where_another_paper_has_it_now_or_the_author_is_another(engine: Engine) -> None:
    merge(engine, listing(arxiv_id="2605.00001", version=1))
    merge(engine, listing(arxiv_id="2605.00001", version=2, title=RETITLED))
    merge(engine, listing(source="pages", authors=("Cy Dorn",)))
    merge(engine, listing(arxiv_id="2605.00002", labs=("uw",)))
    merge(engine, listing(source="pages", labs=("mit",)))
    assert [(paper.arxiv_id, paper.first_author_key, paper.labs) for paper in papers(engine)] == [
        ("2605.00001", "bell a", []),
        (None, "dorn c", []),
        ("2605.00002", "bell a", ["mit", "uw"]),
    ]


def test_former_titles_of_a_paper_are_bounded_and_the_first_ones_stay(engine: Engine) -> None:
    for version in range(1, 2 * MOST):
        merge(engine, listing(arxiv_id="2605.00001", version=version, title=f"Sorting lamps, part {version}"))
    kept = sorted(row.title_key for row in stored(engine, FormerTitle))
    assert kept == [f"sorting lamps part {number}" for number in range(1, MOST + 1)]


def test_former_titles_go_with_a_paper_that_is_merged_into_another(engine: Engine) -> None:
    merge(engine, listing(source="pages", title=RETITLED))
    merge(engine, listing(arxiv_id="2605.00001", version=1))
    merge(engine, listing(arxiv_id="2605.00001", version=2, title=RETITLED))
    (paper,) = papers(engine)
    merge(engine, listing(source="pages", labs=("uw",)))
    assert [one.labs for one in papers(engine)] == [["uw"]]
    assert [(row.title_key, row.paper_id) for row in stored(engine, FormerTitle)] == [
        ("sorting lamps by shade", paper.id)
    ]
