"""Boxes read with what the database knows: addresses of this site, exact titles, names that may be meant."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from digest.core.interests import Interest, InterestKind
from digest.flows.boxes import known_of, name_at, read_boxes
from digest.store.engine import writing
from digest.store.indexing import Indexed, index_papers
from digest.store.tables import Paper
from tests.conftest import NOW

TITLES = ["Layerwise LQR for deep networks", "Editorial notes", "Editorial notes"]


@pytest.fixture
def known(engine: Engine) -> Engine:
    """A database with three papers, two of one title."""
    with writing(engine) as session:
        for number, title in enumerate(TITLES, 1):
            paper = Paper(
                slug=f"paper-{number}",
                arxiv_id=f"2605.0000{number}" if number < 3 else None,
                title=title,
                title_key=title.lower(),
                authors=["Ada Probe"],
                labs=["Probe Laboratory"],
                first_seen_at=NOW,
            )
            session.add(paper)
            session.flush()
            index_papers(session, [Indexed(paper.id or 0, paper.title_key, paper.authors, paper.labs)])
    return engine


def test_addresses_of_this_site_and_exact_titles_are_read(known: Engine) -> None:
    typed = {
        InterestKind.PAPER: "https://x.example/papers/paper-3?x=1\nlayerwise LQR, for Deep Networks\nEditorial notes",
        InterestKind.AUTHOR: "https://digest.example/authors/ada-probe/\n/authors/nobody\n/labs/probe-laboratory",
        InterestKind.LAB: "/labs/probe-laboratory",
    }
    read = read_boxes(known, typed)
    assert [one.words for one in read[InterestKind.PAPER].interests] == ["paper-3", "2605.00001"]
    assert [one.line for one in read[InterestKind.PAPER].refused] == ["Editorial notes"]  # two have it
    assert [one.words for one in read[InterestKind.AUTHOR].interests] == ["Ada Probe"]
    assert len(read[InterestKind.AUTHOR].refused) == 2
    assert [one.key for one in read[InterestKind.LAB].interests] == ["probe-laboratory"]


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("/authors/ada-probe", (InterestKind.AUTHOR, "Ada Probe")),
        ("https://digest.example/labs/probe-laboratory#papers", (InterestKind.LAB, "Probe Laboratory")),
        ("/papers/2605.00001", (InterestKind.PAPER, "2605.00001")),
        ("/papers/paper-3", (InterestKind.PAPER, "paper-3")),
        ("/papers/2605.99999", None),
        ("/authors/", None),
        ("/authors/a\0b", None),
        ("ada-probe", None),
    ],
)
def test_an_address_stands_for_a_name(known: Engine, address: str, meant: tuple[InterestKind, str] | None) -> None:
    assert name_at(known, address) == meant


def test_what_is_known_of_interests_is_told(known: Engine) -> None:
    interests = [
        Interest(InterestKind.PAPER, "2605.00001", "2605.00001"),
        Interest(InterestKind.PAPER, "2605.99999", "2605.99999"),
        Interest(InterestKind.AUTHOR, "ada-probe", "Ada Probe"),
        Interest(InterestKind.AUTHOR, "ada-prob", "Ada Prob"),
        Interest(InterestKind.LAB, "laboratory-of-probes", "Laboratory of Probes"),
    ]
    found = known_of(known, interests)
    assert found.titles == {"2605.00001": TITLES[0]}
    assert [(one.words, guesses) for one, guesses in found.strangers] == [
        ("Ada Prob", ("Ada Probe",)),
        ("Laboratory of Probes", ()),
    ]
