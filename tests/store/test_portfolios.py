"""Papers gathered under the name of an author or a lab, on both kinds of database."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import Engine

from digest.core.names import author_slug
from digest.core.paper import Listing
from digest.core.portfolio import Order, arranged, tally
from digest.core.trend import TrendScore
from digest.store import portfolios
from digest.store.companions import Companion, companions
from digest.store.engine import reading, writing
from digest.store.indexing import Indexed, credit_papers, index_papers
from digest.store.merge import Tally, merge_batch
from digest.store.portfolios import Kind, Portfolio, listed, portfolio
from digest.store.scores import store_scores
from digest.store.tables import Author, AuthorFigureRow, ObservationRow, Paper, PaperText
from digest.store.unions import unite_rows
from tests.conftest import NOW

NAME = 'Zoë "Z" O\'Élan_100% \\ 李'
DAY = timedelta(days=1)


def add(engine: Engine, number: int, authors: list[str], labs: list[str] | None = None, **columns: object) -> int:
    """Store a paper with its links."""
    given = {
        "slug": f"p{number}",
        "title": "T",
        "title_key": "t",
        "authors": authors,
        "labs": labs or [],
        "primary_category": "cs.LG",
        "listed_on": date(2026, 5, number),
        "first_seen_at": NOW,
    }
    with writing(engine) as session:
        paper = Paper.model_validate(given | columns)
        session.add(paper)
        session.flush()
        index_papers(session, [Indexed(paper.id or 0, paper.title_key, paper.authors, paper.labs)])
        return paper.id or 0


def rank(engine: Engine, at: int, percentiles: dict[int, float]) -> None:
    """Run a ranking so many days before NOW."""
    with writing(engine) as session:
        scores = [TrendScore(paper, 0.5, value, (), f"Evidence of {at}") for paper, value in percentiles.items()]
        store_scores(session, NOW - at * DAY, scores)


def cite(engine: Engine, paper_id: int, value: float, ago: int, source: str = "semantic-scholar") -> None:
    """Observe citations so many days before NOW."""
    at = NOW - ago * DAY
    with writing(engine) as session:
        session.add(ObservationRow(paper_id=paper_id, signal="citations", source=source, at=at, value=value))


def found(engine: Engine, kind: Kind, slug: str) -> Portfolio:
    """Return a portfolio that is there."""
    with reading(engine) as session:
        known = portfolio(session, kind, slug)
    assert known is not None
    return known


def test_papers_of_an_author_are_found_by_the_name_whatever_its_accents(engine: Engine) -> None:
    address = author_slug(NAME)
    with writing(engine) as session:
        session.add(Author(name=NAME, slug=address))
    for number, names in enumerate((["Bo", NAME], [NAME + "x"], [NAME.replace("_", "x")], [NAME.lower()]), 1):
        add(engine, number, names)
    known = found(engine, Kind.AUTHOR, address)
    assert (known.name, known.known, [work.paper_id for work in known.works]) == (NAME, 2, [4, 1])
    by_papers = found(engine, Kind.AUTHOR, "bo")
    assert (by_papers.name, by_papers.stated) == ("Bo", ())
    with reading(engine) as session:
        assert portfolio(session, Kind.AUTHOR, "nobody") is None
        assert portfolio(session, Kind.LAB, "bo") is None


def test_an_author_without_papers_is_known_by_what_sources_state(engine: Engine) -> None:
    with writing(engine) as session:
        author = Author(name="Ada Bell", slug="ada-bell")
        session.add(author)
        session.flush()
        for figure, value in (("h_index", "3"), ("papers", "9")):
            session.add(
                AuthorFigureRow(author_id=author.id or 0, figure=figure, value=value, source="pages", observed_at=NOW)
            )
    known = found(engine, Kind.AUTHOR, "ada-bell")
    assert (known.name, known.works, known.known) == ("Ada Bell", (), 0)
    assert [(row.figure, row.value) for row in known.stated] == [("h_index", "3"), ("papers", "9")]


def test_a_list_that_names_one_person_twice_counts_once(engine: Engine) -> None:
    add(engine, 1, ["Ada Bell", "Bo Carr", "Áda Bell"])
    known = found(engine, Kind.AUTHOR, "ada-bell")
    assert (known.known, len(known.works)) == (1, 1)
    with reading(engine) as session:
        assert companions(session, known)[Kind.AUTHOR] == [Companion("Bo Carr", "bo-carr", 1)]


def test_each_paper_brings_its_standing_novelty_and_newest_citations(engine: Engine) -> None:
    old, new, bare = add(engine, 1, ["Ada Bell"]), add(engine, 18, ["Ada Bell"]), add(engine, 2, ["Ada Bell"])
    rank(engine, 12, {old: 97.0})
    rank(engine, 0, {new: 40.0})
    cite(engine, old, 7, ago=9)
    cite(engine, old, 5, ago=1, source="openalex")
    cite(engine, old, 6, ago=4)
    with writing(engine) as session:
        session.add(PaperText(paper_id=new, listed_on=date(2026, 5, 18), words=b"", counts=b"", novelty=61.0))
    known = found(engine, Kind.AUTHOR, "ada-bell")
    first, second, third = known.works
    assert (first.paper_id, first.percentile, first.best, first.novelty, first.citations) == (
        new,
        40.0,
        40.0,
        61.0,
        None,
    )
    assert (second.paper_id, second.best) == (bare, None)
    assert (third.paper_id, third.percentile, third.best, third.best_at) == (old, None, 97.0, NOW - 12 * DAY)
    assert (third.citations, third.cited_at) == (5.0, NOW - DAY)
    assert known.middle == 68.5
    assert known.ranked_at == NOW
    own = tally(known.works, known.middle)
    assert (own.h_index, own.citations, own.cited, own.ranked, own.appraised) == (1, 5, 1, 2, 1)


def test_a_card_says_only_what_the_newest_ranking_said(engine: Engine) -> None:
    old, new = add(engine, 1, ["Ada Bell"], abstract="One. Two. Three."), add(engine, 18, ["Ada Bell"], summary="S.")
    rank(engine, 12, {old: 97.0})
    rank(engine, 0, {new: 40.0})
    with writing(engine) as session:
        for value in (90.0, 99.6):
            at = NOW + timedelta(hours=value)
            session.add(ObservationRow(paper_id=old, signal="index_percentile", source="pages", at=at, value=value))
    known = found(engine, Kind.AUTHOR, "ada-bell")
    with reading(engine) as session:
        shown = listed(session, known, arranged(known.works, Order.PERCENTILE), first=21)
    assert [
        (one.card.rank, one.card.paper_id, one.card.evidence, one.card.percentile, one.card.summary) for one in shown
    ] == [
        (21, old, "", None, "One. Two."),
        (22, new, "Evidence of 0", 40.0, "S."),
    ]
    assert [one.elsewhere and one.elsewhere.value for one in shown] == [99.6, None]


def test_companions_are_those_who_share_most_papers(engine: Engine) -> None:
    add(engine, 1, ["Ada Bell", "Bo Carr", "Cy Dunn"], ["Lamp Lab"])
    add(engine, 2, ["Bo Carr", "Ada Bell"], ["Lamp Lab", "Institut für Lampen"])
    add(engine, 3, ["Di Esk"], ["Lamp Lab"])
    ada, lab = found(engine, Kind.AUTHOR, "ada-bell"), found(engine, Kind.LAB, "lamp-lab")
    with reading(engine) as session:
        assert companions(session, ada)[Kind.AUTHOR] == [
            Companion("Bo Carr", "bo-carr", 2),
            Companion("Cy Dunn", "cy-dunn", 1),
        ]
        assert companions(session, ada)[Kind.LAB] == [
            Companion("Lamp Lab", "lamp-lab", 2),
            Companion("Institut für Lampen", "institut-fur-lampen", 1),
        ]
        assert [one.slug for one in companions(session, lab)[Kind.AUTHOR]] == [
            "ada-bell",
            "bo-carr",
            "cy-dunn",
            "di-esk",
        ]
        assert [one.slug for one in companions(session, lab)[Kind.LAB]] == ["institut-fur-lampen"]


def test_a_name_on_very_many_papers_is_read_up_to_a_limit(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolios, "MOST_WORKS", 3)
    for number in range(1, 6):
        add(engine, number, ["Ada Bell"])
    known = found(engine, Kind.AUTHOR, "ada-bell")
    assert (known.known, [work.paper_id for work in known.works]) == (5, [5, 4, 3])


def test_a_paper_listed_under_an_author_it_does_not_show_is_theirs(engine: Engine) -> None:
    shown = ("Bo Carr", "Cy Dunn", "Di Esk")
    page = [
        Listing(source="pages", title="Lamps by shade", authors=shown, authors_complete=False, credited=("Áda Bell",)),
        Listing(source="pages", title="Lamps by height", authors=("Ada Bell",), credited=("Áda Bell",)),
    ]
    for _reading in (1, 2):
        with writing(engine) as session:
            merge_batch(session, page, source="pages", scope="", run_id=None, seen_at=NOW, tally=Tally())
    known = found(engine, Kind.AUTHOR, "ada-bell")
    assert (known.name, known.known, len(known.works)) == ("Áda Bell", 2, 2)
    with reading(engine) as session:
        assert portfolio(session, Kind.LAB, "ada-bell") is None
        assert [one.slug for one in companions(session, known)[Kind.AUTHOR]] == ["bo-carr", "cy-dunn", "di-esk"]


def test_a_credit_outlives_the_row_it_was_given_to(engine: Engine) -> None:
    one, other = add(engine, 1, ["Bo Carr"]), add(engine, 2, ["Bo Carr"])
    with writing(engine) as session:
        credit_papers(session, [(other, "Ada Bell"), (other, "  "), (other, "ada bell")])
        unite_rows(session, one, other)
    assert [work.paper_id for work in found(engine, Kind.AUTHOR, "ada-bell").works] == [one]
