"""Time the scoring of many papers: python benchmarks/score.py [--papers N] [--each N] [--database].

Papers and observations are made up, the same at every run. With --database they are also put into a new SQLite file in
the temporary folder, and read, scored and stored as the service does it.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, insert

from digest.core.candidate import Candidate
from digest.core.collector import without_collector
from digest.core.paper import Observation
from digest.core.trend import appraise_all, trend_scores
from digest.flows.score import appraised
from digest.store.dialects import table_of
from digest.store.engine import open_engine, reading, writing
from digest.store.schema import upgrade
from digest.store.scores import candidates, store_scores
from digest.store.tables import ObservationRow, Paper

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
SIGNALS = ("hf_upvotes", "hf_page_rank", "github_stars", "hf_comments")


def main() -> None:
    """Make up papers, score them, print how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=10, help="observations a paper")
    parser.add_argument("--database", action="store_true", help="time the whole way through SQLite too")
    given = parser.parse_args()
    rng = random.Random(7)
    made_up = [_paper(number, given.each, rng) for number in range(1, given.papers + 1)]
    load = os.getloadavg()[0]
    print(f"{given.papers:,} papers, {given.papers * given.each:,} observations; load of the machine {load:.1f}")
    with timed("scoring alone"), without_collector():
        with timed("  values, parts and words"):
            appraisals = appraise_all(made_up, NOW)
        with timed("  percentiles and evidence"):
            trend_scores(appraisals)
    if given.database:
        del appraisals
        with tempfile.TemporaryDirectory() as folder:
            through_sqlite(Path(folder), made_up)
    print(f"peak memory with the made-up papers {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def through_sqlite(folder: Path, made_up: list[Candidate]) -> None:
    """Fill a database, then time what `digest.flows.score.score` does, step by step."""
    engine = open_engine(f"sqlite:///{folder}/score.db")
    upgrade(engine)
    fill(engine, made_up)
    made_up.clear()
    with timed("the whole way through SQLite"), without_collector():
        with timed("  reading and values"), reading(engine) as session:
            appraisals, _contenders = appraised(session, NOW)
        with timed("  percentiles and storing"), writing(engine) as session:
            store_scores(session, NOW, trend_scores(appraisals))
    with timed("of which reading"), without_collector(), reading(engine) as session:
        for _batch in candidates(session, NOW):
            pass
    engine.dispose()


def fill(engine: Engine, made_up: Sequence[Candidate]) -> None:
    """Store the papers and what was observed of them."""
    for start in range(0, len(made_up), 5_000):
        some = made_up[start : start + 5_000]
        with writing(engine) as session:
            session.connection().execute(insert(table_of(Paper)), [_row(one) for one in some])
            observed = [
                {"paper_id": one.paper_id, "signal": seen.signal, "source": seen.source, "at": seen.at}
                | {"value": seen.value, "of": seen.of, "coverage": ""}
                for one in some
                for seen in one.observations
            ]
            session.connection().execute(insert(table_of(ObservationRow)), observed)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long something took, on the clock and of the processor."""
    began, spent = time.perf_counter(), time.process_time()
    yield
    print(
        f"{what:32s} {time.perf_counter() - began:6.2f} s, processor {time.process_time() - spent:6.2f} s", flush=True
    )


def _row(one: Candidate) -> dict[str, object]:
    return Paper(
        id=one.paper_id,
        slug=f"paper-{one.paper_id}",
        title=f"Paper {one.paper_id}",
        title_key=f"paper {one.paper_id}",
        primary_category=one.primary_category,
        categories=[one.primary_category],
        listed_on=one.listed_on,
        first_seen_at=NOW - timedelta(days=4),
    ).model_dump()


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
