"""A site on a fresh database, a clock that the test moves, and the mail that its worker would send."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from digest.config import Settings
from digest.core.issue import Card, Issue
from digest.core.text import title_key
from digest.core.trend import Part
from digest.store.engine import writing
from digest.store.indexing import Indexed, index_papers
from digest.store.schema import upgrade
from digest.store.tables import IssueCard, IssueRow, Paper
from digest.web.app import create_app
from digest.wiring import Services
from tests.conftest import NOW

TODAY = NOW.date()
ADMIN = "editor@firstlight.test"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Move on by a timedelta's arguments."""
        self.now += timedelta(**by)


@dataclass
class Place:
    """The site under test and what is behind it."""

    services: Services
    clock: Clock
    browser: TestClient
    kicks: list[datetime] = field(default_factory=list)

    def stamp(self) -> str:
        """Open the form, as a person would, and take three seconds over it."""
        found = re.search(r'name="stamp" value="([^"]+)"', self.browser.get("/subscribe").text)
        assert found is not None
        self.clock.move(seconds=3)
        return found[1]

    def add_paper(self, number: int, **changes: object) -> int:
        """Store a paper; `changes` are columns."""
        columns: dict[str, object] = {
            "slug": f"probe-paper-{number}",
            "arxiv_id": f"2605.{number:05d}",
            "title": f"Probe paper {number}",
            "title_key": f"probe paper {number}",
            "authors": ["Ada Probe", "Bo Sample"],
            "primary_category": "cs.LG",
            "categories": ["cs.LG"],
            "listed_on": date(2026, 5, 18),
            "first_seen_at": NOW,
        }
        with writing(self.services.engine) as session:
            paper = Paper.model_validate(columns | changes)
            session.add(paper)
            session.flush()
            assert paper.id is not None
            index_papers(session, [Indexed(paper.id, title_key(paper.title), paper.authors, paper.labs)])
            return paper.id

    def add_issue(self, cards: list[Card], issued_on: date = TODAY) -> int:
        """Store a frozen issue of these cards; their papers exist already."""
        cut_off = datetime(issued_on.year, issued_on.month, issued_on.day, 4, tzinfo=UTC)
        issue = Issue(issued_on=issued_on, cut_off=cut_off, cards=tuple(cards))
        with writing(self.services.engine) as session:
            row = IssueRow(
                issued_on=issued_on,
                state="frozen",
                cut_off=cut_off,
                frozen_at=cut_off,
                content_hash=issue.content_hash,
            )
            session.add(row)
            session.flush()
            assert row.id is not None
            for card in cards:
                session.add(IssueCard(issue_id=row.id, rank=card.rank, paper_id=card.paper_id, card=card.as_plain()))
            return row.id

    def add_small_issue(self, papers: int = 3, **changes: object) -> int:
        """Store an issue of a few papers, every second one in math.OC."""
        cards = []
        for rank in range(1, papers + 1):
            category = "cs.LG" if rank % 2 else "math.OC"
            paper_id = self.add_paper(rank, primary_category=category, categories=[category])
            cards.append(card_of(paper_id, rank, category, **changes))
        return self.add_issue(cards)


def card_of(paper_id: int, rank: int, category: str = "cs.LG", **changes: object) -> Card:
    """Make a card with something in every field; `changes` are fields."""
    fields: dict[str, object] = {
        "paper_id": paper_id,
        "rank": rank,
        "title": f"Probe paper {rank}",
        "path": f"/papers/2605.{rank:05d}",
        "arxiv_id": f"2605.{rank:05d}",
        "primary_category": category,
        "categories": (category,),
        "authors": ("Ada Probe", "Bo Sample", "Cy Trial", "Di Test"),
        "labs": ("Probe Laboratory",),
        "listed_on": date(2026, 5, 18),
        "has_code": True,
        "code_url": "https://code.example/probe",
        "percentile": 99.6,
        "score": 0.9,
        "evidence": "+38 upvotes in 6 h",
        "parts": (Part("upvotes", 0.8, "+38 upvotes in 6 h"), Part("code", 0.2, "comes with code")),
        "summary": "A probe is made and looked at.",
    }
    return Card(**(fields | changes))  # type: ignore[arg-type]  # the fields are given by name, right or not at all


def settings_for(folder: Path, **changes: object) -> Settings:
    """Make settings that read nothing from the environment's `.env`."""
    given: dict[str, object] = {
        "database_url": f"sqlite:///{folder}/digest.db",
        "secret_key": ["k9Jx2mQ7vR4tY8wZ1bN6cF3hG5dS0aLp-web"],
        "admins": [ADMIN],
        "base_url": "http://testserver",
        "mail_from": "digest@firstlight.test",
        "postal_address": "1 Probe Road, Testville",
        "contact": "ops@firstlight.test",
        "outbox_dir": folder / "outbox",
        "allow_test_addresses": True,
    }
    return Settings(_env_file=None, **(given | changes))  # type: ignore[call-arg, arg-type]  # as above


def place_for(settings: Settings) -> Place:
    """Make a site on a fresh database."""
    clock, kicks = Clock(), []
    services = Services(settings, clock=clock, kick=lambda: kicks.append(clock.now))
    upgrade(services.engine)
    app = create_app(services)
    app.state.site.pace.seconds = 0  # what is held back is measured elsewhere
    browser = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    return Place(services=services, clock=clock, browser=browser, kicks=kicks)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The site under test."""
    made = place_for(settings_for(tmp_path))
    yield made
    made.browser.close()
    made.services.engine.dispose()
