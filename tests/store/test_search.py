"""Search on both databases: what is found, in which order, what a misspelt or hostile query gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text
from sqlmodel import Session, col, select

from digest.core.paper import Listing
from digest.flows.words import read_words
from digest.store.engine import open_engine, reading, writing
from digest.store.merge import Tally, merge_batch
from digest.store.schema import upgrade
from digest.store.search import Query, parse, search
from digest.store.similar import alike_titles, similar
from digest.store.tables import FormerTitle, ListingRow, Paper, PaperAuthor, PaperLab
from tests.conftest import NOW

PAPERS: list[dict[str, object]] = [
    {
        "arxiv_id": "2605.00001",
        "title": "Sorting lamps by shade with transformers",
        "authors": ("Zoë Élan", "Bo Carr"),
        "abstract": "A lantern is a lamp. We sort them.",
        "categories": ("cs.LG", "stat.ML"),
        "labs": ("Institute of Lamps",),
    },
    {
        "arxiv_id": "2605.00002",
        "title": "A census of bridges",
        "authors": ("Cy Trial",),
        "abstract": "Under the lamps of each bridge, lamps upon lamps, we count lamps.",
        "categories": ("math.NA",),
    },
    {
        "arxiv_id": "2605.00003",
        "title": "Transformers for counting bridges",
        "authors": ("Bo Carr",),
        "abstract": "Bridges are counted.",
        "categories": ("cs.NA",),
    },
    {"arxiv_id": "2605.00004", "title": "Schrödinger operators", "authors": ("李 明",), "categories": ("math-ph",)},
]


def merge(engine: Engine, *stated: dict[str, object]) -> None:
    listings = [Listing(source="arxiv-rss", **paper) for paper in stated]  # type: ignore[arg-type]  # as they come
    with writing(engine) as session:
        merge_batch(session, listings, source="arxiv-rss", scope="", run_id=None, seen_at=NOW, tally=Tally())


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    upgrade(opened)
    merge(opened, *PAPERS)
    yield opened
    opened.dispose()


def found(engine: Engine, typed: str, category: str = "") -> list[str]:
    with reading(engine) as session:
        return names(session, search(session, parse(typed, category)).ids)


def names(session: Session, ids: tuple[int, ...]) -> list[str]:
    known = {paper.id: paper.slug[-1] for paper in session.exec(select(Paper).where(col(Paper.id).in_(ids)))}
    return [known[paper_id] for paper_id in ids]


def test_titles_come_before_abstracts_and_authors_are_found(engine: Engine) -> None:
    assert found(engine, "lamps") == ["1", "2"]
    assert found(engine, "Carr bridges") == ["3"]
    assert found(engine, "zoe elan") == found(engine, "ZOË ÉLAN") == ["1"]
    assert found(engine, "schrodinger") == found(engine, "Schrödinger's operator") == ["4"]
    assert found(engine, "李") == ["4"]


def test_a_word_is_found_in_its_other_forms(engine: Engine) -> None:
    assert found(engine, "lamp bridge") == ["2"]
    assert found(engine, "sorted") == ["1"]
    assert found(engine, "under the") == ["2"]


@pytest.mark.parametrize(
    ("typed", "meant"), [("tranformers", "transformers"), ("rtansformers", "transformers"), ("brigdes", "bridges")]
)
def test_a_misspelt_word_is_taken_for_the_nearest_known_one(engine: Engine, typed: str, meant: str) -> None:
    with reading(engine) as session:
        results = search(session, parse(typed))
        assert results.corrected == meant
        assert results.ids == search(session, parse(meant)).ids
        assert not search(session, parse("qqqqzzzz")).ids


def test_misspelt_authors_are_found(engine: Engine) -> None:
    assert found(engine, "Tria1 census") == ["2"]
    assert found(engine, "Eln lamps") == ["1", "2"]  # too short to correct: papers with some of the words


def test_papers_with_some_of_the_words_are_better_than_none_and_are_told_apart(engine: Engine) -> None:
    with reading(engine) as session:
        results = search(session, parse("schrodinger bridges"))
        assert results.loose
        assert set(names(session, results.ids)) == {"2", "3", "4"}
        assert not search(session, parse("bridges")).loose


def test_a_category_or_an_archive_filters(engine: Engine) -> None:
    assert found(engine, "transformers category:cs.LG") == ["1"]
    assert found(engine, "transformers", "cs.NA") == ["3"]
    assert found(engine, "category:math.NA") == ["2"]
    assert found(engine, "category:cs") == ["3", "1"]
    assert found(engine, "category:math-ph") == ["4"]
    assert found(engine, "cs") == []


def test_pages_follow_each_other(engine: Engine) -> None:
    with reading(engine) as session:
        whole = search(session, parse("bridges lamps"), limit=10)
        both = search(session, parse("transformers"), limit=10)
        pages = [search(session, parse("transformers"), offset=offset, limit=1) for offset in (0, 1, 2)]
    assert whole.total == 1
    assert both.total == 2
    assert [page.ids for page in pages] == [both.ids[:1], both.ids[1:], ()]
    assert {page.total for page in pages} == {2}


def test_the_index_follows_what_becomes_of_a_paper(engine: Engine) -> None:
    merge(engine, {**PAPERS[1], "title": "A census of tunnels", "version": 2})
    assert found(engine, "census bridges") == ["2"]  # the abstract still has them
    assert found(engine, "tunnels") == ["2"]
    with writing(engine) as session:
        paper = session.exec(select(Paper).where(Paper.slug == "2605.00002")).one()
        for listing in session.exec(select(ListingRow).where(ListingRow.paper_id == paper.id)):
            session.delete(listing)
        for former in session.exec(select(FormerTitle).where(FormerTitle.paper_id == paper.id)):
            session.delete(former)
        session.flush()
        session.delete(paper)
    assert found(engine, "tunnels") == []
    assert found(engine, "lamps") == ["1"]


def test_links_follow_a_paper_through_a_change_of_authors_and_a_union(engine: Engine) -> None:
    merge(engine, {"title": "Two names for one work", "authors": ("Ada Bell",), "labs": ("Élan Laboratory",)})
    merge(engine, {"arxiv_id": "2605.00009", "title": "Another title", "authors": ("Ada Bell", "Bo Carr")})
    merge(engine, {"arxiv_id": "2605.00009", "title": "Two names for one work", "authors": ("Ada Bell", "Bo Carr")})
    with reading(engine) as session:
        paper = session.exec(select(Paper).where(Paper.arxiv_id == "2605.00009")).one()
        writers = session.exec(
            select(PaperAuthor.slug).where(PaperAuthor.paper_id == paper.id).order_by(col(PaperAuthor.position))
        ).all()
        assert list(writers) == ["ada-bell", "bo-carr"]
        assert session.exec(select(PaperLab.slug).where(PaperLab.paper_id == paper.id)).all() == ["elan-laboratory"]


def test_papers_with_alike_titles_are_similar(engine: Engine) -> None:
    merge(engine, {"arxiv_id": "2605.00010", "title": "Shade and lamps in towns"})
    with reading(engine) as session:
        paper_id = session.exec(select(Paper.id).where(Paper.slug == "2605.00001")).one()
        alike = similar(session, paper_id or 0, "Sorting lamps by shade with transformers")
        assert (names(session, alike.ids), alike.by_words) == (["0", "3"], False)
        assert alike_titles(session, 0, "the of and") == ()


def test_papers_whose_words_were_read_have_their_nearest_by_words(engine: Engine) -> None:
    told = "lantern wick glass shade oil flame street harbour night watch keeper stair"
    for n in range(5):
        day = NOW.date() + timedelta(days=1 + n)
        merge(engine, {"arxiv_id": f"2605.0003{n}", "title": f"Note {n}", "abstract": told, "listed_on": day})
    read_words(engine)
    with reading(engine) as session:
        paper_id = session.exec(select(Paper.id).where(Paper.slug == "2605.00032")).one()
        alike = similar(session, paper_id or 0, "Note 2")
    assert alike.by_words
    with reading(engine) as session:
        assert set(names(session, alike.ids)) >= {"0", "1", "3", "4"}  # listed earlier and later


def test_what_was_read_of_a_paper_decides_where_the_engine_is_of_two_minds(engine: Engine) -> None:
    filling = [
        " ".join(f"{word}{n}" for word in ("town", "road", "river", "field", "stone", "mill")) for n in range(60)
    ]
    merge(
        engine,
        *({"arxiv_id": f"2605.1{n:04d}", "title": f"Of {n}", "abstract": f"{filling[n]} dial"} for n in range(60)),
    )
    merge(
        engine,
        {"arxiv_id": "2605.20001", "title": "One", "abstract": f"dial gnomon {' '.join(filling[:20])}"},
        {"arxiv_id": "2605.20002", "title": "Two", "abstract": "dial gnomon gnomon gnomon sun"},
    )
    read_words(engine)
    assert found(engine, "gnomon dial") == ["2", "1"]


def test_of_very_many_with_the_words_in_their_title_the_latest_are_ranked_and_all_are_listed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("MOST_FOUND", 20), ("_ENOUGH_IN_TITLE", 5), ("_BROAD", 6)):
        monkeypatch.setattr(f"digest.store.search.{name}", value)
    merge(engine, *({"arxiv_id": f"2605.1{n:04d}", "title": f"Kites of kind {n}"} for n in range(30)))
    with reading(engine) as session:
        newest = session.exec(select(Paper.id).order_by(col(Paper.id).desc()).limit(20)).all()
        whole = search(session, parse("kites"), limit=20)
        assert (whole.in_title, whole.more, whole.total) == (True, True, 20)
        assert set(whole.ids[:6]) == set(newest[:6])
        assert whole.ids[6:] == tuple(newest[6:])
        pages = [search(session, parse("kites"), offset=offset, limit=5).ids for offset in (0, 5, 10, 15, 20)]
        assert sum(pages, ()) == whole.ids


HOSTILE = [
    "",
    " ",
    "\0",
    '"',
    "'",
    "a\0b",
    '" OR "',
    "lamps AND",
    "NOT",
    "NEAR(",
    "title:",
    "*",
    "a*",
    "{x}:",
    "^a",
    "(",
    ")",
]
HOSTILE += [
    "lamps' | ! & <-> :*",
    "\\",
    "%",
    "_",
    "-lamps",
    "x" * 10_000,
    "lamps " * 2_000,
    "category:",
    "\ud800",
    "🔥",
]
HOSTILE += [
    "category:'; DROP TABLE paper; --",
    "category:cs.LG category:x",
    ":words :match",
    "$1 %s ? %(x)s",
    "½ ² ⅷ ﬁ",
]


def test_a_hostile_query_is_only_words(engine: Engine) -> None:
    with reading(engine) as session:
        for typed in HOSTILE:
            for query in (parse(typed), parse("lamps", typed)):
                search(session, query)
            similar(session, 1, typed)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=60))
def test_no_query_fails(engine: Engine, typed: str) -> None:
    with reading(engine) as session:
        search(session, parse(typed))


def test_a_search_takes_as_many_queries_for_many_papers_as_for_one(engine: Engine) -> None:
    merge(engine, *({"arxiv_id": f"2605.1{n:04d}", "title": f"Kites of kind {n}"} for n in range(30)))
    merge(engine, *({"arxiv_id": f"2605.2{n:04d}", "title": f"Clocks of kind {n}"} for n in range(5)))
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    counted = []
    for typed in ("clocks", "kites"):
        seen.clear()
        found(engine, typed)
        counted.append(len(seen))
    assert counted[0] == counted[1] <= 6


def test_papers_from_before_the_index_are_in_it_after_the_migration(engine: Engine) -> None:
    old = engine
    with old.begin() as connection:
        before = connection.execute(text("SELECT slug FROM paper_author ORDER BY paper_id, position")).all()
    _downgrade(old)
    upgrade(old)
    assert found(old, "tranformers lamp") == ["1"]
    assert found(old, "category:math.NA") == ["2"]
    with old.begin() as connection:
        assert connection.execute(text("SELECT slug FROM paper_author ORDER BY paper_id, position")).all() == before
        assert connection.execute(text("SELECT slug FROM paper_lab")).scalars().all() == ["institute-of-lamps"]


def _downgrade(engine: Engine) -> None:
    from alembic import command

    from digest.store.schema import _config

    config = _config()
    with engine.connect().execution_options(writes=True) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")
        connection.commit()


def test_what_is_typed_becomes_words_and_a_category() -> None:
    assert parse("  Deep LAMPS, deep category:cs.LG ") == Query(("deep", "lamps"), "cs.LG")
    assert parse("x", "math.NA") == Query(("x",), "math.NA")
    assert parse("category:") == Query(("category",), "")
    assert not parse("\0 ... ")


@pytest.mark.parametrize("name", ['Ada "Dee" Lamp', "Back\\slash Lamp", "Tab\tLamp", "Chloë Lamp", "Émile\\n Ł Lamp"])
def test_a_name_that_json_must_escape_is_indexed_and_forgotten_like_any_other(engine: Engine, name: str) -> None:
    merge(engine, {"arxiv_id": "2605.00009", "title": "Odd signs", "authors": (name,)})
    first = name.replace("\\", " ").replace('"', " ").split()[0]
    for word in (first, "Lamp odd"):
        assert found(engine, word) == ["9"]
    with writing(engine) as session:
        paper = session.exec(select(Paper).where(Paper.arxiv_id == "2605.00009")).one()
        assert paper.authors == [name]
        paper.authors = ["Somebody Else"]
        session.add(paper)
    assert found(engine, "Somebody") == ["9"]
    with reading(engine) as session:
        assert search(session, parse("Lamp odd")).loose  # no paper has both words any more


def test_half_a_surrogate_pair_in_a_column_of_json_does_no_harm(engine: Engine) -> None:
    with writing(engine) as session:
        paper = session.exec(select(Paper).where(Paper.arxiv_id == "2605.00002")).one()
        paper.keywords = ["\ud800 odd"]
        session.add(paper)
    if engine.dialect.name == "sqlite":
        with reading(engine) as session:
            assert session.exec(select(Paper.keywords).where(Paper.arxiv_id == "2605.00002")).one() == ["\ud800 odd"]
