"""Names that are known, and what is meant by one that is not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine

from digest.core.text import title_key
from digest.store.engine import reading, writing
from digest.store.indexing import Indexed, credit_papers, index_papers
from digest.store.known_names import meant, spelt
from digest.store.portfolios import Kind
from digest.store.tables import Author, Paper

NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)
AUTHORS = ["Yann N. Dauphin", "José Álvarez", "Yan Zhang", "Zoë Quist", "Marie Dauphin"]
LABS = ["Google DeepMind", "Mila – Quebec AI Institute"]


@pytest.fixture
def known(engine: Engine) -> Engine:
    """A database in which some names are known: by papers, by a credit, by a figure."""
    with writing(engine) as session:
        for number, name in enumerate(AUTHORS):
            paper = Paper(
                slug=f"p{number}",
                title=f"Paper {number}",
                title_key=f"paper {number}",
                authors=["Bo Sample", name],
                labs=LABS,
                listed_on=date(2026, 5, 18),
                first_seen_at=NOW,
            )
            session.add(paper)
            session.flush()
            assert paper.id is not None
            index_papers(session, [Indexed(paper.id, title_key(paper.title), paper.authors, paper.labs)])
            if number == 0:
                credit_papers(session, [(paper.id, "Cy Credited")])
        session.add(Author(name="Di Figure", slug="di-figure"))
    return engine


def test_known_names_are_spelt_as_papers_do(known: Engine) -> None:
    with reading(known) as session:
        found = spelt(session, Kind.AUTHOR, ["jose-alvarez", "bo-sample", "cy-credited", "di-figure", "nobody"])
        assert found == {
            "jose-alvarez": "José Álvarez",
            "bo-sample": "Bo Sample",
            "cy-credited": "Cy Credited",
            "di-figure": "Di Figure",
        }
        assert spelt(session, Kind.LAB, ["google-deepmind", "di-figure"]) == {"google-deepmind": "Google DeepMind"}
        assert spelt(session, Kind.LAB, []) == {}


@pytest.mark.parametrize(
    ("slug", "first"),
    [
        ("yann-dauphin", "Yann N. Dauphin"),
        ("y-dauphin", "Yann N. Dauphin"),
        ("dauphin-yann-n", "Yann N. Dauphin"),
        ("yann-n-dauphine", "Yann N. Dauphin"),
        ("zoe-quisst", "Zoë Quist"),
    ],
)
def test_a_name_that_nobody_has_is_met_with_the_nearest(known: Engine, slug: str, first: str) -> None:
    with reading(known) as session:
        assert meant(session, Kind.AUTHOR, slug)[:1] == [first]


def test_a_lab_is_met_by_its_longest_word_and_a_name_like_no_other_by_none(known: Engine) -> None:
    with reading(known) as session:
        assert meant(session, Kind.LAB, "deepmind") == ["Google DeepMind"]
        assert meant(session, Kind.LAB, "quebec-ai-institute") == ["Mila – Quebec AI Institute"]
        assert meant(session, Kind.AUTHOR, "quentin-xylander") == []
        assert meant(session, Kind.AUTHOR, "author-1234abcd") == []
