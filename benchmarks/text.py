"""Time the reading of a day's new papers' words beside those of old ones, from the database and into it.

python benchmarks/text.py [--papers CORPUS.jsonl.gz] [--old 75000] [--new 1500] [--keep digest.db]; it only prints.
Without a file the papers are invented: words drawn as unevenly as real ones are.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine, insert

from digest.core.text import readable, readable_paragraphs, title_key
from digest.flows.recommend import read_shelf
from digest.flows.words import read_words
from digest.store.dialects import table_of
from digest.store.engine import open_engine, writing
from digest.store.schema import upgrade
from digest.store.tables import Paper

FIRST = date(2025, 3, 18)


def main() -> None:
    """Fill a database with old papers, read their words, then time the new ones in a process of their own."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--papers", type=Path)
    asked.add_argument("--old", type=int, default=75_000)
    asked.add_argument("--new", type=int, default=1_500)
    asked.add_argument("--keep", type=Path, help="leave the filled database there")
    asked.add_argument("--again", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.again:
        told(given.again)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder, "digest.db")
        engine = open_engine(f"sqlite:///{path}")
        upgrade(engine)
        papers = real(given.papers, given.old + given.new) if given.papers else invented(given.old + given.new)
        fill(engine, papers[: -given.new])
        timed(engine, "the old papers, from nothing")
        before = path.stat().st_size
        fill(engine, papers[-given.new :])
        engine.dispose()
        subprocess.run([sys.executable, __file__, "--again", f"sqlite:///{path}"], check=True)
        print(f"database: {before / 1e6:.0f} MB")


def told(url: str) -> None:
    """Read the new papers' words in this process, so that its peak of memory is theirs."""
    engine = open_engine(url)
    timed(engine, "the new papers beside the old ones")
    print(f"peak memory of that process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def timed(engine: Engine, what: str) -> None:
    """Read what waits, and print how long it took."""
    wall, worked = time.perf_counter(), time.process_time()
    tally = read_words(engine)
    wall, worked = time.perf_counter() - wall, time.process_time() - worked
    print(
        f"{wall:7.1f} s ({worked:.1f} s of processor): {what}: {tally.read:,} read, {tally.judged:,} judged, "
        f"{tally.neighbours:,} neighbours",
        flush=True,
    )


def real(path: Path, most: int) -> list[tuple[date, str, str]]:
    """Read recorded papers, the latest of them, in the order of their days."""
    shelf = read_shelf([path])
    listed = ((day, shelf.papers[one]) for day in sorted(shelf.listed) for one in sorted(shelf.listed[day]))
    papers = [(day, readable(one.title), readable_paragraphs(one.abstract)) for day, one in listed]
    return papers[-most:]


def invented(count: int) -> list[tuple[date, str, str]]:
    """Make up papers; the n-th most common word is drawn about 1/n as often as the first (Zipf)."""
    chance = random.Random(20)
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    words = ["".join(chance.choices(syllables, k=chance.randint(2, 5))) for _ in range(60_000)]

    def some(number: int) -> str:
        return " ".join(words[min(int(len(words) ** chance.random()), len(words) - 1)] for _ in range(number))

    return [(FIRST + timedelta(days=number // 250), some(10), some(170)) for number in range(count)]


def fill(engine: Engine, papers: list[tuple[date, str, str]]) -> None:
    """Insert bare papers."""
    rows = iter(papers)
    with writing(engine) as session:
        taken = session.connection().exec_driver_sql("SELECT coalesce(max(id), 0) FROM paper").scalar_one()
        while batch := list(islice(rows, 2_000)):
            values = []
            for day, title, abstract in batch:
                taken += 1
                paper = Paper(
                    slug=f"p{taken}",
                    title=title,
                    title_key=title_key(title),
                    abstract=abstract,
                    listed_on=day,
                    first_seen_at=datetime(2026, 7, 1, tzinfo=UTC),
                )
                values.append({name: value for name, value in paper.model_dump().items() if name != "id"})
            session.connection().execute(insert(table_of(Paper)), values)


if __name__ == "__main__":
    main()
