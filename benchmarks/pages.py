"""How long the pages take at 75,000 papers on SQLite: `python benchmarks/pages.py [--papers N]`; it only prints.

One author and one lab have 300 papers, another lab 3,000; a third of the papers have citations, all have a standing.

The papers are invented: words drawn as unevenly as real ones are, so that the common ones are in very many papers.
With `--real FILE` (JSON lines, plain or gzipped) they are recorded ones; `--keep digest.db` leaves the database there,
or takes the one that is there already.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import insert
from sqlmodel import Session, select

from digest.config import Settings
from digest.core.issue import Card, Issue
from digest.core.paper import Listing
from digest.core.text import readable, readable_paragraphs
from digest.flows.words import read_words
from digest.store.bylines import latest_cards
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.merge import BATCH, Tally, merge_batch
from digest.store.percentiles import keep_standings
from digest.store.schema import upgrade
from digest.store.tables import IssueCard, IssueRow, ObservationRow, Paper, Score
from digest.web.app import create_app
from digest.wiring import Services

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "stat.ML", "math.OC", "physics.optics", "q-bio.NC")
ROUNDS = 30
BROAD = (
    "language models", "large language models", "model", "learning", "deep learning", "neural networks", "diffusion",
    "reinforcement learning", "data", "the", "of the", "based on", "we propose a new method",
)  # fmt: skip


def main() -> None:
    """Fill a database and time each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=75_000)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    papers: int = asked.papers
    chance = random.Random(20)  # the same papers every time
    words = _words(chance)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]  # pydantic-settings takes it, and its types do not say so
            database_url=f"sqlite:///{asked.keep or Path(folder, 'digest.db')}",
            secret_key=["k9Jx2mQ7vR4tY8wZ1bN6cF3hG5dS0aLp-pages"],
            base_url="http://testserver",
        )
        services = Services(settings, clock=lambda: NOW)
        filled = asked.keep is not None and asked.keep.exists()
        upgrade(services.engine)
        if not filled:
            listings = _real(asked.real, papers) if asked.real else _invented(chance, words, papers)
            began = time.perf_counter()
            _fill(services, listings)
            print(f"{papers:,} papers merged and indexed in {time.perf_counter() - began:.1f} s", flush=True)
        began = time.perf_counter()
        read = read_words(services.engine).read
        print(f"words of {read:,} papers read in {time.perf_counter() - began:.1f} s", flush=True)
        chosen = _real_paths(services, chance) if asked.real else _paths(chance, words, papers)
        with TestClient(create_app(services), base_url="http://testserver") as browser:
            for name, paths in chosen.items():
                print(_timed(browser, name, paths), flush=True)
        services.engine.dispose()


def _words(chance: random.Random) -> list[str]:
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    return ["".join(chance.choices(syllables, k=chance.randint(2, 5))) for _ in range(30_000)]


def _some(chance: random.Random, words: list[str], number: int) -> str:
    # The n-th most common word is drawn about 1/n as often as the first (Zipf).
    return " ".join(words[min(int(len(words) ** chance.random()), len(words) - 1)] for _ in range(number))


def _invented(chance: random.Random, words: list[str], papers: int) -> Iterator[Listing]:
    names = [f"{chance.choice(words).title()} {chance.choice(words).title()}" for _ in range(papers)]
    for number in range(papers):
        yield Listing(
            source="arxiv-oai",
            arxiv_id=f"26{1 + number // 90_000:02d}.{number % 90_000:05d}",
            title=_some(chance, words, 10).capitalize(),
            authors=(*chance.choices(names, k=chance.randint(1, 9)), *_busy(number, papers)),
            labs=(f"Laboratory {chance.randint(1, 800)}", *_large(number, papers)),
            abstract=_some(chance, words, 170),
            categories=(chance.choice(CATEGORIES),),
            listed_on=NOW.date() - timedelta(days=(papers - number) // 1_000),
        )


def _real(path: Path, most: int) -> Iterator[Listing]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in islice(lines, most):
            row = json.loads(line)
            yield Listing(
                source="arxiv-oai",
                arxiv_id=row["id"],
                title=readable(row["title"]),
                authors=tuple(row["authors"]),
                abstract=readable_paragraphs(row["abstract"]),
                categories=tuple(row["categories"]),
                listed_on=date.fromisoformat(row["first_listed"]),
            )


def _fill(services: Services, listings: Iterator[Listing]) -> None:
    while batch := list(islice(listings, BATCH)):
        with writing(services.engine) as session:
            merge_batch(session, batch, source="arxiv-oai", scope="", run_id=None, seen_at=NOW, tally=Tally())
    _figures(services, random.Random(21))
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
    """Give every paper a standing, and each third one citations that were counted five times."""
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


def _real_paths(services: Services, chance: random.Random) -> dict[str, list[str]]:
    with reading(services.engine) as session:
        papers = session.exec(select(Paper.slug, Paper.title, Paper.abstract)).all()
    some = chance.sample(papers, 3 * ROUNDS)
    long = [re.findall(r"[a-z]{5,}", title.lower()) for _, title, _ in some]
    told = [chance.sample(sorted(set(re.findall(r"[a-z]{6,}", text.lower()))), 3) for _, _, text in some[:ROUNDS]]
    return {
        "/papers/..": [f"/papers/{slug}" for slug, _, _ in some],
        "/search, a word of a title": [f"/search?q={words[0]}" for words in long if words],
        "/search, two words of a title": [f"/search?q={'+'.join(words[:2])}" for words in long if len(words) > 1],
        "/search, three words of an abstract": [f"/search?q={'+'.join(words)}" for words in told],
        **{f"/search, {words}": [f"/search?q={words.replace(' ', '+')}"] for words in BROAD},
        "/search, misspelt": [
            f"/search?q={words[0][:3]}{words[0][4:]}" for words in long if words and len(words[0]) > 7
        ],
        "/search in a category": [f"/search?q={words[0]}&category=cs.LG" for words in long if words],
    }


def _timed(browser: TestClient, name: str, paths: list[str]) -> str:
    taken, worked = [], []
    for number in range(max(ROUNDS, len(paths))):
        path = paths[number % len(paths)]
        began, busy = time.perf_counter(), time.process_time()
        answer = browser.get(path)
        taken.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - busy) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}")
    return (
        f"{name:38} median {statistics.median(taken):6.1f} ms   slowest {max(taken):6.1f} ms   "
        f"of processor {statistics.median(worked):6.1f} ms"
    )


if __name__ == "__main__":
    main()
