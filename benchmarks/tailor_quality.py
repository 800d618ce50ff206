"""What the taste that sends is worth: recorded reading profiles, ranked as an edition would be.

python benchmarks/tailor_quality.py PAPERS.jsonl.gz PROFILES.jsonl.gz

The same protocol as `digest recommend` (docs/taste.md): the right paper among some 390 of its day, from what was liked
before. Profiles that share a paper fall into the same half. Then with only the newest one, two, three or five liked
papers, and what variety costs: how many of the right papers are still among ten, and how alike these ten are.
"""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from taste_weights import halves

from digest.core.issue import Card, Issue
from digest.core.issue_index import IssueIndex
from digest.core.liking import Example, Rarity, learn
from digest.core.prints import PLACES, Print, print_of
from digest.core.reading import Beyond, Taste
from digest.core.variety import varied
from digest.flows.recommend import Reading, Shelf, read_profiles, read_shelf

_LIKES = (1, 2, 3, 5, 10)
_LIKENESS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)


class Days:
    """The papers of a collection: a print for each, an index for each day."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.prints: dict[str, Print] = {}
        counts = np.zeros(PLACES, dtype="<i4")
        for paper_id, paper in shelf.papers.items():
            its = self.prints[paper_id] = print_of(paper.text)
            counts[np.frombuffer(its.words, "<i4")] += 1
        self.rarity = Rarity(len(shelf.papers), counts.tobytes())
        self._indexes: dict[date, IssueIndex] = {}

    def index(self, day: date) -> IssueIndex:
        """The papers of a day as an issue without any trend."""
        if day not in self._indexes:
            papers = [self.shelf.papers[one] for one in self.shelf.listed[day]]
            cards = tuple(
                Card(paper_id=number, rank=number, title=paper.title, path="/", categories=paper.categories)
                for number, paper in enumerate(papers, start=1)
            )
            known = {
                number: Beyond(paper.abstract, self.prints[paper.paper_id])
                for number, paper in enumerate(papers, start=1)
            }
            issue = Issue(issued_on=day, cut_off=datetime(2026, 1, 1, tzinfo=UTC), cards=cards)
            self._indexes[day] = IssueIndex(issue, known, self.rarity)
        return self._indexes[day]

    def taste(self, liked: tuple[str, ...]) -> Taste:
        """The taste learned from papers."""
        papers = [self.shelf.papers[one] for one in liked if one in self.shelf.papers]
        return learn([Example(1.0, self.prints[one.paper_id], one.categories) for one in papers], self.rarity)


def main(papers: Path, profiles: Path) -> None:
    """Measure and print."""
    days = Days(read_shelf([papers]))
    readings = read_profiles(profiles)
    with gzip.open(profiles, "rt", encoding="utf-8") as lines:
        relevant = {row["profile_id"]: set(row["relevant"]) for row in map(json.loads, lines)}
    wanted = [
        np.array([one in relevant[reading.profile_id] for one in days.shelf.listed[reading.day]])
        for reading in readings
    ]
    first, second = halves([{*reading.liked, *relevant[reading.profile_id]} for reading in readings])
    for likes in _LIKES:
        found = figures(liking(days, readings, likes), wanted)
        print(f"{likes} liked papers at most")
        for where, half in (("all", first + second), ("first half", first), ("second half", second)):
            mrr, at_10, at_20 = found[half].mean(axis=0)
            print(f"  {where:12s} ({len(half)}) MRR {mrr:.3f}  R@10 {at_10:.3f}  R@20 {at_20:.3f}")
    liked = liking(days, readings, 10)
    for likeness in _LIKENESS:
        rows = [
            variety(days.index(reading.day), value, its, likeness)
            for reading, value, its in zip(readings, liked, wanted, strict=True)
        ]
        at_10, alike, most = np.array(rows).mean(axis=0)
        print(f"likeness {likeness}: R@10 {at_10:.3f}; alike: all ten {alike:.3f}, the most alike two {most:.3f}")


def liking(days: Days, readings: list[Reading], likes: int) -> list[NDArray[Any]]:
    """What the taste of each reading says of the papers of its day."""
    return [days.index(one.day).liking([days.taste(one.liked[-likes:])])[0] for one in readings]


def figures(liked: list[NDArray[Any]], wanted: list[NDArray[Any]]) -> NDArray[Any]:
    """Reciprocal rank of the first right paper, and recall at 10 and 20: a row each."""
    rows = []
    for value, its in zip(liked, wanted, strict=True):
        places = np.flatnonzero(its[np.argsort(-value, kind="stable")]) + 1
        rows.append((1 / places.min(), (places <= 10).mean(), (places <= 20).mean()))
    return np.array(rows)


def variety(
    index: IssueIndex, value: NDArray[Any], wanted: NDArray[Any], likeness: float
) -> tuple[float, float, float]:
    """Recall among ten chosen with variety, their mean likeness, and that of the two most alike."""
    chosen = varied(value[np.newaxis], [10], index.alike, np.array([True]), likeness)[0]
    pairs = index.alike[np.ix_(chosen, chosen)][np.triu_indices(len(chosen), 1)]
    return float(wanted[chosen].sum() / wanted.sum()), float(pairs.mean()), float(pairs.max())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
