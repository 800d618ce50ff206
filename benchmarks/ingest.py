"""What reading papers costs, through the flow: `python benchmarks/ingest.py [--papers N]`; it only prints.

The papers are invented: words drawn as unevenly as real ones are, so that the common ones are in very many papers.
With `--file`, the papers of a file of JSON lines (`title`, `abstract`, `authors`, `categories`), gzipped or not.
"""

from __future__ import annotations

import argparse
import cProfile
import gzip
import json
import pstats
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from digest.core.capture import Capture, Reading, RunStatus
from digest.core.paper import Listing
from digest.flows.ingest import ingest_capture
from digest.store.engine import open_engine
from digest.store.schema import upgrade

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "stat.ML", "math.OC", "physics.optics", "q-bio.NC")


def main() -> None:
    """Read papers into an empty database, and the same once more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=100_000)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; a SQLite file of its own without")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    listings = list(_read(given.file, given.papers) if given.file else _invented(given.papers))
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(given.database or f"sqlite:///{folder}/digest.db")
        upgrade(engine)
        profile = cProfile.Profile() if given.profile else None
        for name in ("new", "the same again"):
            before = resource.getrusage(resource.RUSAGE_SELF)
            began = time.perf_counter()
            if profile and name == "new":
                profile.enable()
            capture = Capture(listings=listings, status=RunStatus.OK)
            report = ingest_capture(
                engine, "arxiv-oai", "", capture, Reading(observed_at=NOW, origin="benchmark"), now=NOW
            )
            if profile:
                profile.disable()
            took = time.perf_counter() - began
            after = resource.getrusage(resource.RUSAGE_SELF)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"{name}: {report.listings:,} listings, {report.papers_new:,} new papers in {took:.1f} s, "
                f"processor {used:.1f} s ({used * 100_000 / max(len(listings), 1):.1f} s for 100,000), "
                f"{len(listings) / took:,.0f} a second; at most {after.ru_maxrss / 1024:.0f} MB",
                flush=True,
            )
        if not given.database:
            print(f"database: {Path(folder, 'digest.db').stat().st_size / 1e6:.0f} MB")
        engine.dispose()
        if profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def _read(path: Path, most: int) -> Iterator[Listing]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number >= most:
                return
            one = json.loads(line)
            authors = one.get("authors") or []
            yield _listing(
                number,
                title=one["title"],
                abstract=one.get("abstract") or one.get("summary") or "",
                authors=tuple(name if isinstance(name, str) else name.get("name", "") for name in authors),
                categories=tuple(one.get("categories") or ["cs.LG"]),
            )


def _invented(papers: int) -> Iterator[Listing]:
    chance = random.Random(20)  # the same papers every time
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    words = ["".join(chance.choices(syllables, k=chance.randint(2, 5))) for _ in range(30_000)]
    names = [f"{chance.choice(words).title()} {chance.choice(words).title()}" for _ in range(papers)]

    def some(number: int) -> str:
        # The n-th most common word is drawn about 1/n as often as the first (Zipf).
        return " ".join(words[min(int(len(words) ** chance.random()), len(words) - 1)] for _ in range(number))

    for number in range(papers):
        yield _listing(
            number,
            title=some(10).capitalize(),
            abstract=some(170),
            authors=tuple(chance.choices(names, k=chance.randint(1, 9))),
            categories=(chance.choice(CATEGORIES),),
        )


def _listing(number: int, **known: Any) -> Listing:
    return Listing(
        source="arxiv-oai",
        arxiv_id=f"26{1 + number // 90_000:02d}.{number % 90_000:05d}",
        listed_on=NOW.date() - timedelta(days=number // 1_000),
        **known,
    )


if __name__ == "__main__":
    main()
