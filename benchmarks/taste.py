"""Time novelty and taste on a recorded collection of papers; figures are printed, nothing is asserted.

python benchmarks/taste.py CORPUS.jsonl.gz [--new 1500] [--copies 500]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np

from digest.core.novelty import Listed, Precedents, novelty
from digest.core.prints import print_of
from digest.flows.recommend import read_shelf


def main() -> None:
    """Score everything once, then a day's new papers, then copies of old ones."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("papers", type=Path)
    asked.add_argument("--new", type=int, default=1500, help="how many of the newest papers count as the day's")
    asked.add_argument("--copies", type=int, default=500, help="how many verbatim copies are listed a day later")
    options = asked.parse_args()
    shelf = read_shelf([options.papers])
    listed = sorted((day, one) for day, ids in shelf.listed.items() for one in ids)
    clock = _Clock()
    papers = [Listed(number, day, print_of(shelf.papers[one].text)) for number, (day, one) in enumerate(listed)]
    clock.told(f"prints of {len(papers)} papers")
    old, new = papers[: -options.new], papers[-options.new :]
    known, verdicts = novelty(Precedents.none(), old)
    clock.told(f"novelty of {len(old)} papers from nothing, each beside what came before it")
    known, fresh = novelty(known, new)
    clock.told(f"novelty of {len(new)} new papers beside {len(old)} old ones")
    after = papers[-1].listed_on + timedelta(days=1)
    copies = [
        Listed(one.paper_id + len(papers), after, one.words) for one in old[:: max(1, len(old) // options.copies)]
    ]
    _, copied = novelty(known, copies)
    clock.told(f"novelty of {len(copies)} verbatim copies")
    given = np.array([one.novelty for one in [*verdicts, *fresh] if one.novelty is not None])
    print(
        f"scored {len(given)}, no score {len(papers) - len(given)}; deciles {np.percentile(given, range(0, 101, 10))}"
    )
    for digits in (2, 0):
        value, times = Counter(np.round(given, digits).tolist()).most_common(1)[0]
        print(f"most held value, {digits} digits: {value} by {100 * times / len(given):.2f} %")
    found = [one.novelty for one in copied if one.novelty is not None]
    print(f"copies: highest {max(found)}, the lowest 5 % of all scores end at {np.percentile(given, 5):.2f}")


class _Clock:
    def __init__(self) -> None:
        self._wall, self._worked = time.perf_counter(), time.process_time()

    def told(self, what: str) -> None:
        wall, worked = time.perf_counter(), time.process_time()
        print(f"{wall - self._wall:7.1f} s ({worked - self._worked:.1f} s of processor): {what}", flush=True)
        self._wall, self._worked = wall, worked


if __name__ == "__main__":
    main()
