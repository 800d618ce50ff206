"""How fast editions are cut: readers with distinct preferences over one issue, in chunks as the sender takes them.

python benchmarks/tailor.py [--readers 100000] [--cards 500] [--processes 2] [--chunk 250]

Papers, their words and the readers are invented, the same every time. Every reader follows categories, most follow
authors, keywords and searches, exclude something and have a taste of some 300 words. Counted is what a sending process
does for a chunk: `tailor_many`, with its reasons as sentences.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from digest.core.interests import Interest, InterestKind
from digest.core.issue import Card, Issue
from digest.core.issue_index import IssueIndex
from digest.core.liking import Example, Rarity, learn
from digest.core.names import author_slug, lab_slug
from digest.core.prints import PLACES, place, print_of
from digest.core.reading import Beyond, Taste
from digest.core.tailor import Asked, Preferences, tailor_many

_CATEGORIES = [f"cs.{a}{b}" for a in "ABCDE" for b in "KLMNOPQR"]
_AUTHORS = [f"Author Number{number}" for number in range(1_200)]
_LABS = [f"Lab {number}" for number in range(120)]
_TASTES = 2_000  # different ones
_PHRASES = 10_000  # different ones: what people look for is not as various as they are


class Told(NamedTuple):
    """What one process did."""

    readers: int
    cpu_seconds: float
    seconds: float
    first_mb: float
    last_mb: float
    picks: int
    distinct: int


def vocabulary() -> tuple[list[str], list[float]]:
    """Invented words; the first are the commonest, as in any language."""
    chance = random.Random(1)
    syllables = ["ra", "ti", "on", "gra", "ph", "ne", "ur", "al", "sta", "mo", "del", "kin", "fe", "lo", "qua", "vex"]
    words = sorted({"".join(chance.choices(syllables, k=chance.choice((2, 3, 3, 4)))) for _ in range(14_000)})
    chance.shuffle(words)
    return words, [1 / (rank + 8) for rank in range(len(words))]


def issue_of(cards: int) -> tuple[Issue, dict[int, Beyond], Rarity]:
    """Invent an issue."""
    chance = random.Random(2)
    words, often = vocabulary()
    made, beyond = [], {}
    counts = np.ones(PLACES, dtype="<i4")
    for number in range(1, cards + 1):
        text = chance.choices(words, often, k=180)
        title, abstract = " ".join(text[:9]), " ".join(text[9:])
        for word in set(text):
            counts[place(word)] += 1
        made.append(
            Card(
                paper_id=number,
                rank=number,
                title=title,
                path=f"/papers/{number}",
                categories=tuple(chance.sample(_CATEGORIES, chance.choice((1, 1, 2, 3)))),
                authors=tuple(chance.sample(_AUTHORS, chance.choice((2, 4, 6)))),
                labs=tuple(chance.sample(_LABS, 2)),
                score=1.0 / number,
                summary=abstract[:300],
            )
        )
        beyond[number] = Beyond(abstract, print_of(f"{title}\n{abstract}"))
    issue = Issue(issued_on=date(2026, 5, 20), cut_off=datetime(2026, 5, 20, tzinfo=UTC), cards=tuple(made))
    return issue, beyond, Rarity(cards, counts.tobytes())


def tastes_of(rarity: Rarity) -> list[Taste]:
    """Invent tastes, each learned from 3 to 12 papers."""
    chance = random.Random(3)
    words, often = vocabulary()
    made = []
    for _ in range(_TASTES):
        own = chance.sample(words, 60)
        papers = [
            " ".join(chance.choices(own, k=60) + chance.choices(words, often, k=120))
            for _ in range(chance.randint(3, 12))
        ]
        categories = tuple(chance.sample(_CATEGORIES, 2))
        made.append(learn([Example(1.0, print_of(text), categories, text) for text in papers], rarity))
    return made


def phrases() -> list[str]:
    """Invent what readers look for: one word or two."""
    chance = random.Random(4)
    words, often = vocabulary()
    return [" ".join(chance.choices(words, often, k=chance.choice((1, 2)))) for _ in range(_PHRASES)]


def reader(number: int, sought: list[str], tastes: list[Taste]) -> Asked:
    """Invent one reader, the same every time and unlike any other."""
    chance = random.Random(number)
    interests = [
        *(Interest(InterestKind.AUTHOR, author_slug(name), name) for name in chance.sample(_AUTHORS, 3)),
        *(Interest(InterestKind.LAB, lab_slug(name), name) for name in chance.sample(_LABS, 1)),
    ]
    for kind, number_of in ((InterestKind.KEYWORD, 3), (InterestKind.SEARCH, 1), (InterestKind.EXCLUSION, 1)):
        for _ in range(number_of):
            phrase = chance.choice(sought)
            interests.append(Interest(kind, phrase, phrase))
    preferences = Preferences(
        categories=tuple(chance.sample(_CATEGORIES, chance.randint(2, 8))),
        paper_count=chance.choice((5, 10, 10, 10, 20, 30)),
        interests=tuple(interests),
        taste=chance.choice(tastes) if chance.random() < 0.8 else None,
        outside=chance.random() < 0.8,
    )
    return Asked(preferences, frozenset(chance.sample(range(1, 2_000), 150)))


def resident() -> float:
    """The memory that this process holds, in MB."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def work(given: tuple[int, int, int, int, int]) -> Told:
    """Cut the editions of some readers, chunk by chunk; making the readers up is not counted."""
    first, last, step, cards, chunk = given
    issue, beyond, rarity = issue_of(cards)
    tastes = tastes_of(rarity)
    sought = phrases()
    index = IssueIndex(issue, beyond, rarity)
    cpu = seconds = first_mb = 0.0
    picks = 0
    distinct: set[int] = set()
    numbers = range(first, last, step)
    for start in range(0, len(numbers), chunk):
        asked = [reader(number, sought, tastes) for number in numbers[start : start + chunk]]
        began, began_cpu = time.perf_counter(), time.process_time()
        editions = tailor_many(index, asked)
        said = [[pick.why for pick in edition.picks] for edition in editions]
        cpu += time.process_time() - began_cpu
        seconds += time.perf_counter() - began
        picks += sum(map(len, said))
        distinct |= {hash(tuple(pick.card.paper_id for pick in edition.picks)) for edition in editions}
        if start // chunk <= 20:
            first_mb = resident()
    return Told(len(numbers), cpu, seconds, first_mb, resident(), picks, len(distinct))


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--readers", type=int, default=100_000)
    asked.add_argument("--cards", type=int, default=500)
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--chunk", type=int, default=250)
    given = asked.parse_args()
    parts = [(n, given.readers, given.processes, given.cards, given.chunk) for n in range(given.processes)]
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `digest` does for its own
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        told = pool.map(work, parts)
    readers = sum(one.readers for one in told)
    cpu = sum(one.cpu_seconds for one in told)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {readers:,} readers over {given.cards} cards")
    picks, distinct = sum(one.picks for one in told), sum(one.distinct for one in told)
    print(f"{picks / readers:.1f} papers each; {distinct:,} different editions")
    by_clock = readers / max(one.seconds for one in told)
    by_cpu = sum(one.readers / one.cpu_seconds for one in told)
    print(f"{cpu / readers * 1e6:.0f} microseconds of processor a reader")
    print(f"readers a second, all processes: {by_clock:,.0f} by the clock, {by_cpu:,.0f} by processor time")
    for one in told:
        print(f"memory after 20 chunks {one.first_mb:.0f} MB, at the end {one.last_mb:.0f} MB")


if __name__ == "__main__":
    main()
