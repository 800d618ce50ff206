"""What reading papers costs, through the flow: `python benchmarks/ingest.py [--papers N]`; it only prints.

The papers come as OAI-PMH pages of 1,000 records, through the source and the flow that read the real ones; making
the pages is not counted. They are invented: words drawn as unevenly as real ones are, so that the common ones are in
very many papers. With `--file`, the papers of a file of JSON lines (`title`, `abstract`, `authors`, `categories`),
gzipped or not; where it has too few, they come again under other titles, as others.
"""

from __future__ import annotations

import argparse
import cProfile
import gzip
import json
import os
import pstats
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import httpx

from digest.flows.ingest import ingest_live
from digest.sources.arxiv_oai import ArxivOai
from digest.store.engine import open_engine
from digest.store.schema import upgrade

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "stat.ML", "math.OC", "physics.optics", "q-bio.NC")


PAGE = 1_000  # records, as arXiv's own pages have


class Record(NamedTuple):
    """A paper as the source tells of it."""

    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]


class Repository(httpx.BaseTransport):
    """Answers ListRecords page by page; `making` is the seconds that took, `memory` the MB held before each page."""

    def __init__(self, records: Iterator[Record]) -> None:
        self.making = self.making_cpu = 0.0
        self.memory: list[float] = []
        self._records = records
        self._served = 0
        self._next = list(islice(records, PAGE))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer with the next page, whatever is asked."""
        began, began_cpu = time.perf_counter(), time.process_time()
        self.memory.append(resident())
        page, self._next = self._next, list(islice(self._records, PAGE))
        body = "".join(_xml(number, one) for number, one in enumerate(page, start=self._served))
        self._served += len(page)
        token = f"<resumptionToken>{self._served}</resumptionToken>" if self._next else ""
        answer = (
            '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-05-20T06:00:00Z</responseDate>'
            f"<ListRecords>{body}{token}</ListRecords></OAI-PMH>"
        ).encode()
        self.making += time.perf_counter() - began
        self.making_cpu += time.process_time() - began_cpu
        return httpx.Response(200, content=answer, request=request)


def main() -> None:
    """Read papers into an empty database, and the same once more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=100_000)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; a SQLite file of its own without")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(given.database or f"sqlite:///{folder}/digest.db")
        upgrade(engine)
        profile = cProfile.Profile() if given.profile else None
        for round_, name in enumerate(("new", "the same again")):
            records = _recorded(given.file) if given.file else _invented(given.papers)
            pages = Repository(islice(records, given.papers))
            began, began_cpu = time.perf_counter(), time.process_time()
            if profile and round_ == 0:
                profile.enable()
            with httpx.Client(transport=pages) as client:
                report = ingest_live(engine, ArxivOai(), client, "cs", clock=lambda: NOW)
            if profile:
                profile.disable()
            took = time.perf_counter() - began - pages.making
            used = time.process_time() - began_cpu - pages.making_cpu
            held = [f"{pages.memory[at]:.0f}" for at in range(0, len(pages.memory), max(len(pages.memory) // 5, 1))]
            print(
                f"{name}: {report.status}, {report.listings:,} listings, {report.papers_new:,} new in {took:.1f} s, "
                f"processor {used:.1f} s ({used * 100_000 / max(report.listings, 1):.1f} s for 100,000), "
                f"{report.listings / took:,.0f} a second; MB on the way: {', '.join([*held, f'{resident():.0f}'])}",
                flush=True,
            )
        if not given.database:
            print(f"database: {Path(folder, 'digest.db').stat().st_size / 1e6:.0f} MB")
        engine.dispose()
        if profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def resident() -> float:
    """The memory that this process holds, in MB."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _recorded(path: Path) -> Iterator[Record]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    for again in count():
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                one = json.loads(line)
                authors = one.get("authors") or []
                yield Record(
                    title=f"{one['title']} (part {again + 1})" if again else one["title"],
                    abstract=one.get("abstract") or one.get("summary") or "",
                    authors=tuple(name if isinstance(name, str) else name.get("name", "") for name in authors),
                    categories=tuple(one.get("categories") or ["cs.LG"]),
                )


def _invented(papers: int) -> Iterator[Record]:
    chance = random.Random(20)  # the same papers every time
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    words = ["".join(chance.choices(syllables, k=chance.randint(2, 5))) for _ in range(30_000)]
    names = [f"{chance.choice(words).title()} {chance.choice(words).title()}" for _ in range(papers)]

    def some(number: int) -> str:
        # The n-th most common word is drawn about 1/n as often as the first (Zipf).
        return " ".join(words[min(int(len(words) ** chance.random()), len(words) - 1)] for _ in range(number))

    for _ in range(papers):
        yield Record(
            title=some(10).capitalize(),
            abstract=some(170),
            authors=tuple(chance.choices(names, k=chance.randint(1, 9))),
            categories=(chance.choice(CATEGORIES),),
        )


def _xml(number: int, one: Record) -> str:
    arxiv_id = f"26{1 + number // 90_000:02d}.{number % 90_000:05d}"
    day = (NOW.date() - timedelta(days=number // 1_000)).isoformat()
    authors = "".join(
        f"<author><keyname>{escape(last)}</keyname><forenames>{escape(first)}</forenames></author>"
        for first, _, last in (name.rpartition(" ") for name in one.authors)
    )
    return (
        f"<record><header><identifier>oai:arXiv.org:{arxiv_id}</identifier><datestamp>{day}</datestamp></header>"
        f'<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>{arxiv_id}</id><created>{day}</created>'
        f"<authors>{authors}</authors><title>{escape(one.title)}</title><abstract>{escape(one.abstract)}</abstract>"
        f"<categories>{' '.join(one.categories)}</categories></arXiv></metadata></record>"
    )


if __name__ == "__main__":
    main()
