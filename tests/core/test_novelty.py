"""Novelty looks back only, knows a copy, and spreads out."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from digest.core.novelty import Listed, Precedents, novelty

FIRST = date(2026, 1, 1)
_SYLLABLES = [first + second for first in "bdfgkmrtvz" for second in "ao"]
VOCABULARY = ["".join(parts) for parts in itertools.product(_SYLLABLES, repeat=3)]


def _invented(count: int, *, a_day: int = 40) -> list[Listed]:
    """Papers of 40 words each, most of them common to a topic."""
    dice = random.Random(7)
    papers = []
    for number in range(count):
        topic = dice.randrange(25) * 60
        chosen = dice.choices(VOCABULARY[topic : topic + 60], k=30) + dice.choices(VOCABULARY, k=10)
        papers.append(Listed(f"p{number:05d}", FIRST + timedelta(days=number // a_day), " ".join(chosen)))
    return papers


PAPERS = _invented(900)
KNOWN, SCORES = novelty(Precedents.none(), PAPERS)
GIVEN = [score for score in SCORES.values() if score is not None]


def test_scores_are_spread_from_0_to_100() -> None:
    assert len(GIVEN) >= 450
    assert min(GIVEN) < 5
    assert max(GIVEN) > 95
    assert Counter(GIVEN).most_common(1)[0][1] <= max(2, 0.02 * len(GIVEN))


def test_a_verbatim_copy_is_among_the_least_novel() -> None:
    later = PAPERS[-1].listed_on + timedelta(days=1)
    copies = [replace(paper, paper_id=f"{paper.paper_id}-copy", listed_on=later) for paper in PAPERS[::50]]
    _, found = novelty(KNOWN, copies)
    assert all(score is not None and score < 0.5 for score in found.values())


def test_a_copy_listed_on_the_same_day_is_known_by_its_later_id() -> None:
    day = PAPERS[-1].listed_on + timedelta(days=1)
    original, copy = Listed("q1", day, " ".join(VOCABULARY[-60:-20])), Listed("q2", day, " ".join(VOCABULARY[-60:-20]))
    _, found = novelty(KNOWN, [copy, original])
    assert found["q1"] is not None
    assert found["q1"] > 90
    assert found["q2"] == 0


def test_words_never_seen_before_are_the_most_novel() -> None:
    strange = Listed("strange", PAPERS[-1].listed_on, " ".join(f"{word}qq" for word in VOCABULARY[:30]))
    _, found = novelty(KNOWN, [strange])
    assert found["strange"] == 100


def test_what_is_listed_later_changes_nothing() -> None:
    for end in (640, 800):  # whole days
        _, earlier = novelty(Precedents.none(), PAPERS[:end])
        assert earlier == {paper.paper_id: SCORES[paper.paper_id] for paper in PAPERS[:end]}


def test_day_by_day_gives_what_all_at_once_gives_in_any_order() -> None:
    known, scores = Precedents.none(), {}
    for _, day in itertools.groupby(PAPERS, key=lambda paper: paper.listed_on):
        known, found = novelty(known, list(day))
        scores |= found
    shuffled = random.Random(1).sample(PAPERS, len(PAPERS))
    assert scores == SCORES == novelty(Precedents.none(), shuffled)[1]


def test_a_score_once_given_stands() -> None:
    again, found = novelty(KNOWN, [replace(PAPERS[0], text="another text altogether")])
    assert again is KNOWN
    assert found == {}


def test_a_paper_that_arrives_late_is_compared_with_what_came_before_it_was_listed() -> None:
    late = replace(PAPERS[-1], paper_id="late", listed_on=PAPERS[-200].listed_on)
    _, found = novelty(KNOWN, [late])
    assert found["late"] != 0


@pytest.mark.parametrize("text", ["", "too short", "\x00\ud800\u202e", "lamp " * 50_000, "<b>" * 9])
def test_a_text_with_few_words_gets_no_score(text: str) -> None:
    _, found = novelty(KNOWN, [Listed("odd", PAPERS[-1].listed_on, text)])
    assert found == {"odd": None}


def test_with_little_before_it_a_paper_gets_no_score() -> None:
    assert all(SCORES[paper.paper_id] is None for paper in PAPERS[:200])


@pytest.mark.shared
def test_recorded_papers_are_spread_and_their_copies_found(shared: Path) -> None:
    with gzip.open(shared / "data/corpus/arxiv_listings_2025-03_2026-07.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in itertools.islice(lines, 4_000)]
    papers = [
        Listed(row["id"], date.fromisoformat(row["first_listed"]), f"{row['title']}\n{row['abstract']}") for row in rows
    ]
    known, scores = novelty(Precedents.none(), papers)
    given = np.array([score for score in scores.values() if score is not None])
    assert Counter(given.round().tolist()).most_common(1)[0][1] <= 0.02 * len(papers)
    day = max(paper.listed_on for paper in papers) + timedelta(days=1)
    copies = [replace(paper, paper_id=f"{paper.paper_id}-copy", listed_on=day) for paper in papers[::40]]
    _, found = novelty(known, copies)
    assert max(score for score in found.values() if score is not None) < np.percentile(given, 5)
