"""Novelty looks back only, knows a copy, and spreads out."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.core.novelty import Listed, Precedents, novelty
from digest.core.prints import print_of

FIRST = date(2026, 1, 1)
_SYLLABLES = [first + second for first in "bdfgkmrtvz" for second in "ao"]
VOCABULARY = ["".join(parts) for parts in itertools.product(_SYLLABLES, repeat=3)]


def listed(number: int, day: date, text: str) -> Listed:
    return Listed(number, day, print_of(text))


def judged(known: Precedents, papers: Sequence[Listed]) -> tuple[Precedents, dict[int, float | None]]:
    known, verdicts = novelty(known, papers)
    return known, {verdict.paper_id: verdict.novelty for verdict in verdicts}


def _invented(count: int, *, a_day: int = 40) -> list[Listed]:
    """Papers of 40 words each, most of them common to a topic."""
    dice = random.Random(7)
    papers = []
    for number in range(count):
        topic = dice.randrange(25) * 60
        chosen = dice.choices(VOCABULARY[topic : topic + 60], k=30) + dice.choices(VOCABULARY, k=10)
        papers.append(listed(number, FIRST + timedelta(days=number // a_day), " ".join(chosen)))
    return papers


PAPERS = _invented(900)
KNOWN, SCORES = judged(Precedents.none(), PAPERS)
GIVEN = [score for score in SCORES.values() if score is not None]
LATER = PAPERS[-1].listed_on + timedelta(days=1)


def test_scores_are_spread_from_0_to_100() -> None:
    assert len(GIVEN) >= 450
    assert min(GIVEN) < 5
    assert max(GIVEN) > 95
    assert Counter(GIVEN).most_common(1)[0][1] <= max(2, 0.02 * len(GIVEN))


def test_a_verbatim_copy_is_among_the_least_novel() -> None:
    copies = [replace(paper, paper_id=paper.paper_id + 10_000, listed_on=LATER) for paper in PAPERS[::50]]
    _, verdicts = novelty(KNOWN, copies)
    assert all(verdict.novelty is not None and verdict.novelty < 0.5 for verdict in verdicts)
    assert [verdict.nearest[0] for verdict in verdicts] == [(paper.paper_id, 1.0) for paper in PAPERS[::50]]


def test_a_copy_listed_on_the_same_day_is_known_by_its_later_id() -> None:
    text = " ".join(VOCABULARY[-60:-20])
    _, found = judged(KNOWN, [listed(2_002, LATER, text), listed(2_001, LATER, text)])
    assert found[2_001] is not None
    assert found[2_001] > 90
    assert found[2_002] == 0


def test_words_never_seen_before_are_the_most_novel() -> None:
    _, found = judged(KNOWN, [listed(2_000, PAPERS[-1].listed_on, " ".join(f"{word}qq" for word in VOCABULARY[:30]))])
    assert found == {2_000: 100}


def test_the_nearest_papers_are_the_ten_that_share_most_and_came_before() -> None:
    _, verdicts = novelty(Precedents.none(), PAPERS)
    for verdict in verdicts[100::90]:
        cosines = [cosine for _, cosine in verdict.nearest]
        assert cosines == sorted(cosines, reverse=True)
        assert 0 < len(cosines) <= 10
        assert all(0.05 <= cosine <= 1 for cosine in cosines)
        assert all(other < verdict.paper_id for other, _ in verdict.nearest)
    assert max(len(verdict.nearest) for verdict in verdicts) == 10


@settings(max_examples=12, deadline=None)
@given(st.integers(300, 899))
def test_what_is_listed_later_changes_nothing(last: int) -> None:
    _, earlier = judged(Precedents.none(), PAPERS[:last])
    assert earlier == {paper.paper_id: SCORES[paper.paper_id] for paper in PAPERS[:last]}


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 899), max_size=6, unique=True), st.randoms(use_true_random=False))
def test_neither_the_size_of_a_batch_nor_the_order_in_it_matters(cuts: list[int], dice: random.Random) -> None:
    known, scores = Precedents.none(), {}
    for start, end in itertools.pairwise([0, *sorted(cuts), len(PAPERS)]):
        known, found = judged(known, dice.sample(PAPERS[start:end], end - start))
        scores |= found
    assert scores == SCORES


def test_only_so_many_earlier_papers_are_compared_whatever_the_batches() -> None:
    copy = replace(PAPERS[0], paper_id=5_000, listed_on=LATER)
    whole = {verdict.paper_id: verdict for verdict in novelty(Precedents.none(), [*PAPERS, copy], reach=500)[1]}
    known = Precedents.none()
    for _, day in itertools.groupby([*PAPERS, copy], key=lambda paper: paper.listed_on):
        known, found = novelty(known, list(day), reach=500)
        assert {verdict.paper_id: verdict for verdict in found}.items() <= whole.items()
        assert len(known.ids) <= 540
    assert whole[5_000].nearest[0][1] < 0.9  # its original is too long ago


def test_a_score_once_given_stands() -> None:
    again, found = novelty(KNOWN, [replace(PAPERS[0], words=print_of("another text altogether"))])
    assert again is KNOWN
    assert found == []


def test_a_paper_that_arrives_late_is_compared_with_what_came_before_it_was_listed() -> None:
    late = replace(PAPERS[-1], paper_id=4_000, listed_on=PAPERS[-200].listed_on)
    _, (verdict,) = novelty(KNOWN, [late])
    assert verdict.novelty != 0
    assert all(PAPERS[other].listed_on <= late.listed_on for other, _ in verdict.nearest)


@pytest.mark.parametrize("text", ["", "too short", "\x00\ud800\u202e", "lamp " * 50_000, "<b>" * 9])
def test_a_text_with_few_words_gets_no_score(text: str) -> None:
    _, found = judged(KNOWN, [listed(3_000, PAPERS[-1].listed_on, text)])
    assert found == {3_000: None}


def test_with_little_before_it_a_paper_gets_no_score() -> None:
    assert all(SCORES[paper.paper_id] is None for paper in PAPERS[:200])


@pytest.mark.shared
def test_recorded_papers_are_spread_and_their_copies_found(shared: Path) -> None:
    with gzip.open(shared / "data/corpus/arxiv_listings_2025-03_2026-07.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in itertools.islice(lines, 4_000)]
    papers = [
        listed(number, date.fromisoformat(row["first_listed"]), f"{row['title']}\n{row['abstract']}")
        for number, row in enumerate(rows)
    ]
    known, scores = judged(Precedents.none(), papers)
    spread = np.array([score for score in scores.values() if score is not None])
    assert Counter(spread.round().tolist()).most_common(1)[0][1] <= 0.02 * len(papers)
    day = max(paper.listed_on for paper in papers) + timedelta(days=1)
    copies = [replace(paper, paper_id=paper.paper_id + 10_000, listed_on=day) for paper in papers[::40]]
    _, found = judged(known, copies)
    assert max(score for score in found.values() if score is not None) < np.percentile(spread, 5)
