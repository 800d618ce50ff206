"""How long the pages take at 75,000 papers on SQLite: `python benchmarks/pages.py [--papers N]`; it only prints.

One author and one lab have 300 papers, another lab 3,000; a third of the papers have citations, all have a standing.

The papers are invented: words drawn as unevenly as real ones are, so that the common ones are in very many papers.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import insert
from sqlmodel import Session, select

from digest.config import Settings
from digest.core.issue import Card, Issue
from digest.core.paper import Listing
from digest.store.bylines import latest_cards
from digest.store.dialects import table_of
from digest.store.engine import writing
from digest.store.merge import BATCH, Tally, merge_batch
from digest.store.percentiles import keep_standings
from digest.store.schema import upgrade
from digest.store.tables import IssueCard, IssueRow, ObservationRow, Paper, PaperText, Score
from digest.web.app import create_app
from digest.wiring import Services

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "stat.ML", "math.OC", "physics.optics", "q-bio.NC")
ROUNDS = 30


def main() -> None:
    """Fill a database and time each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=75_000)
    papers = parser.parse_args().papers
    chance = random.Random(20)  # the same papers every time
    words = _words(chance)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]  # pydantic-settings takes it, and its types do not say so
            database_url=f"sqlite:///{folder}/digest.db",
            secret_key=["k9Jx2mQ7vR4tY8wZ1bN6cF3hG5dS0aLp-pages"],
            base_url="http://testserver",
        )
        services = Services(settings, clock=lambda: NOW)
        upgrade(services.engine)
        began = time.perf_counter()
        _fill(services, chance, words, papers)
        print(f"{papers:,} papers merged and indexed in {time.perf_counter() - began:.1f} s", flush=True)
        print(f"database: {Path(folder, 'digest.db').stat().st_size / 1e6:.0f} MB")
        with TestClient(create_app(services), base_url="http://testserver") as browser:
            for name, paths in _paths(chance, words, papers).items():
                print(_timed(browser, name, paths), flush=True)
        services.engine.dispose()


def _words(chance: random.Random) -> list[str]:
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    return ["".join(chance.choices(syllables, k=chance.randint(2, 5))) for _ in range(30_000)]


def _some(chance: random.Random, words: list[str], number: int) -> str:
    # The n-th most common word is drawn about 1/n as often as the first (Zipf).
    return " ".join(words[min(int(len(words) ** chance.random()), len(words) - 1)] for _ in range(number))


def _fill(services: Services, chance: random.Random, words: list[str], papers: int) -> None:
    names = [f"{chance.choice(words).title()} {chance.choice(words).title()}" for _ in range(papers)]
    for start in range(0, papers, BATCH):
        listings = [
            Listing(
                source="arxiv-oai",
                arxiv_id=f"26{1 + number // 90_000:02d}.{number % 90_000:05d}",
                title=_some(chance, words, 10).capitalize(),
                authors=(*chance.choices(names, k=chance.randint(1, 9)), *_busy(number, papers)),
                labs=(f"Laboratory {chance.randint(1, 800)}", *_large(number, papers)),
                abstract=_some(chance, words, 170),
                categories=(chance.choice(CATEGORIES),),
                listed_on=NOW.date() - timedelta(days=(papers - number) // 1_000),
            )
            for number in range(start, min(start + BATCH, papers))
        ]
        with writing(services.engine) as session:
            merge_batch(session, listings, source="arxiv-oai", scope="", run_id=None, seen_at=NOW, tally=Tally())
    _figures(services, chance)
    with writing(services.engine) as session:
        cards = latest_cards(session, limit=200)
        for card in cards:
            session.add(Score(paper_id=card.paper_id, as_of=NOW, value=0.5, percentile=50.0, evidence="+3 in 6 h"))
            for hours in range(12):
                at = NOW - timedelta(hours=hours)
                session.add(
                    ObservationRow(paper_id=card.paper_id, signal="hf_upvotes", source="hf", at=at, value=hours)
                )
        _issue(session, cards)


def _busy(number: int, papers: int) -> tuple[str, ...]:
    return ("Ada Busy",) if number % max(papers // 300, 1) == 0 else ()


def _large(number: int, papers: int) -> tuple[str, ...]:
    busy = ("Busy Laboratory",) if number % max(papers // 300, 1) == 1 else ()
    return (*busy, "Large Laboratory") if number % max(papers // 3_000, 1) == 2 else busy


def _figures(services: Services, chance: random.Random) -> None:
    """Give every paper a standing and a novelty, and each third one citations that were counted five times."""
    before = NOW - timedelta(days=9)
    with writing(services.engine) as session:
        connection = session.connection()
        ids = [card_id for (card_id,) in connection.execute(select(table_of(Paper).c.id))]
        connection.execute(
            insert(table_of(Score)),
            [
                {"paper_id": one, "as_of": before, "value": 0.5, "percentile": chance.random() * 100, "parts": []}
                for one in ids
            ],
        )
        began = time.perf_counter()
        keep_standings(session, before)
        first = time.perf_counter()
        keep_standings(session, before)
        print(f"standings of {len(ids):,} papers: {first - began:.2f} s new, {time.perf_counter() - first:.2f} s known")
        connection.execute(
            insert(table_of(PaperText)),
            [
                {
                    "paper_id": one,
                    "listed_on": NOW.date(),
                    "words": bytes(400),
                    "counts": bytes(400),
                    "novelty": chance.random() * 100,
                }
                for one in ids
            ],
        )
        connection.execute(
            insert(table_of(ObservationRow)),
            [
                {
                    "paper_id": one,
                    "signal": "citations",
                    "source": "semantic-scholar",
                    "at": NOW - timedelta(days=days),
                    "value": int(chance.paretovariate(0.7)),
                    "coverage": "",
                }
                for one in ids
                if one % 3 == 0 or one % 250 < 2
                for days in range(5)
            ],
        )


def _issue(session: Session, cards: list[Card]) -> None:
    issue = Issue(issued_on=NOW.date(), cut_off=NOW, cards=tuple(cards))
    row = IssueRow(issued_on=NOW.date(), state="frozen", cut_off=NOW, frozen_at=NOW, content_hash=issue.content_hash)
    session.add(row)
    session.flush()
    for rank, card in enumerate(cards, 1):
        session.add(IssueCard(issue_id=row.id, rank=rank, paper_id=card.paper_id, card=card.as_plain()))


def _paths(chance: random.Random, words: list[str], papers: int) -> dict[str, list[str]]:
    def two(number: int) -> str:
        return f"/search?q={drawn[number]}+{drawn[number + ROUNDS]}"

    drawn = [_some(chance, words, 1) for _ in range(200)]
    ids = [f"26{1 + n // 90_000:02d}.{n % 90_000:05d}" for n in chance.sample(range(papers), min(ROUNDS, papers))]
    slipped = [word[:3] + word[4:] for word in drawn if len(word) > 7]
    return {
        "/": ["/"],
        "/papers/..": [f"/papers/{name}" for name in ids],
        "/search, one word": [f"/search?q={word}" for word in drawn[:ROUNDS]],
        "/search, two words": [
            f"/search?q={one}+{other}" for one, other in zip(drawn[:ROUNDS], drawn[30:], strict=False)
        ],
        "/search, the ten most common words": [f"/search?q={word}" for word in words[1:11]],
        "/search, misspelt": [f"/search?q={word}" for word in slipped[:ROUNDS]],
        "/search in a category": [f"/search?q={word}&category=cs.LG" for word in drawn[:ROUNDS]],
        "/authors/.. of 300 papers": ["/authors/ada-busy"],
        "/authors/.. by citations, page 9": ["/authors/ada-busy?sort=citations&page=9"],
        "/labs/.. of 300 papers": ["/labs/busy-laboratory"],
        "/labs/.. of 3,000 papers": ["/labs/large-laboratory"],
        "/authors/../feed.xml": ["/authors/ada-busy/feed.xml"],
        "/api/v1/authors/..": ["/api/v1/authors/ada-busy"],
        "/labs/..": [f"/labs/laboratory-{number}" for number in range(1, 31)],
        "/feed.xml": ["/feed.xml"],
        "/api/v1/papers": ["/api/v1/papers?category=cs.LG"],
    }


def _timed(browser: TestClient, name: str, paths: list[str]) -> str:
    taken, worked = [], []
    for number in range(max(ROUNDS, len(paths))):
        path = paths[number % len(paths)]
        began, work_began = time.perf_counter(), time.process_time()
        answer = browser.get(path)
        taken.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - work_began) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}")
    median, processor = statistics.median(taken), statistics.median(worked)
    return f"{name:38} median {median:6.1f} ms   of the processor {processor:6.1f} ms   slowest {max(taken):6.1f} ms"


if __name__ == "__main__":
    main()
