"""Time the scoring of many papers: python benchmarks/score.py [papers] [observations a paper]."""

from __future__ import annotations

import random
import resource
import sys
import time
from datetime import UTC, datetime, timedelta

from digest.core.paper import Observation
from digest.core.trend import Candidate, appraise_all, trend_scores

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
SIGNALS = ("hf_upvotes", "hf_page_rank", "github_stars", "hf_comments")


def main() -> None:
    """Make up papers, score them, print how long it took."""
    papers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    rng = random.Random(7)
    candidates = [_paper(number, each, rng) for number in range(papers)]
    began, spent = time.perf_counter(), time.process_time()
    appraisals = appraise_all(candidates, NOW)
    valued = time.perf_counter()
    scores = trend_scores(appraisals)
    ended = time.perf_counter()
    spent = time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(scores):,} papers, {papers * each:,} observations")
    print(
        f"values {valued - began:.2f} s, percentiles and words {ended - valued:.2f} s, together {ended - began:.2f} s"
    )
    print(f"processor time {spent:.2f} s")
    print(f"peak memory with the made-up papers {peak:,.0f} MB")


def _paper(number: int, each: int, rng: random.Random) -> Candidate:
    days = rng.randrange(4)
    listed_on = NOW.date() - timedelta(days=days)
    seen = []
    for nth in range(each):
        signal = SIGNALS[nth % len(SIGNALS)]
        at = NOW - timedelta(hours=rng.uniform(0, 24 * days + 6))
        value = rng.randrange(1, 30) if signal == "hf_page_rank" else rng.randrange(200)
        seen.append(Observation(signal, at, value, "hf", 30 if signal == "hf_page_rank" else None))
    return Candidate(paper_id=number, primary_category=f"cs.{number % 40}", listed_on=listed_on, observations=seen)


if __name__ == "__main__":
    main()
