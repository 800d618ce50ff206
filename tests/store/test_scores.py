"""The candidates of a score come in batches of columns that hold what each paper's rows hold, and nothing else's."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select

from digest.core.candidate import Candidate
from digest.core.paper import Observation
from digest.core.trend import appraise_all, appraise_batches
from digest.flows.score import score
from digest.store import scores
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.observations import add_observations
from digest.store.tables import ListingRow, Paper, Score

AT = datetime(2026, 5, 20, 6, tzinfo=UTC)


def fill(engine: Engine) -> dict[int, Candidate]:
    """Store papers of which every seventh is first seen later and every fifth is old and unobserved."""
    expected = {}
    with writing(engine) as session:
        for number in range(1, 31):
            later, forgotten = number % 7 == 0, number % 5 == 0
            listed_on = AT.date() - timedelta(days=60 if forgotten else number % 4)
            paper = Paper(
                id=number,
                slug=f"lamp-{number}",
                title=f"Lamp {number}",
                title_key=f"lamp {number}",
                listed_on=listed_on,
                first_seen_at=AT + timedelta(hours=1 if later else -1),
                categories=["cs.LG"] * (number % 3),
            )
            session.add(paper)
            session.flush()
            seen = [
                Observation(signal, AT - timedelta(hours=hours, seconds=number), hours + number, source)
                for hours in range(-1, 200, 23)
                for signal, source in (("hf_upvotes", "hf"), ("hn_points", "hn"))
                if not forgotten or hours > 170
            ]
            add_observations(session, [(number, one) for one in seen])
            rows = [
                {"source": "arxiv", "key": f"{number}-{nth}", "paper_id": number, "announce_type": "new"}
                for nth in range(number % 4)
            ]
            if rows:
                session.connection().execute(insert(table_of(ListingRow)), rows)
            if not later and not forgotten:
                expected[number] = Candidate(
                    paper_id=number,
                    listed_on=listed_on,
                    listings=number % 4,
                    categories=number % 3,
                    title=paper.title,
                    observations=[one for one in seen if AT - timedelta(days=7) < one.at <= AT],
                )
    return expected


@pytest.mark.parametrize(("at_once", "streamed"), [(4_096, 20_000), (4, 7), (1, 1)])
def test_each_paper_gets_its_own_rows_whatever_the_batch(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, at_once: int, streamed: int
) -> None:
    expected = fill(engine)
    monkeypatch.setattr(scores, "AT_ONCE", at_once)
    monkeypatch.setattr(scores, "_STREAMED", streamed)
    with reading(engine) as session:
        batches = list(scores.candidates(session, AT))
    assert [one.paper_id for batch in batches for one in batch.candidates] == sorted(expected)
    seen = defaultdict(set)
    for batch in batches:
        observed = batch.observed
        columns = (observed.signal, observed.at, observed.value, observed.source, observed.of)
        for whose, *stated in zip(observed.whose, *columns, strict=True):
            seen[batch.candidates[whose].paper_id].add(Observation(*stated))
    assert seen == {number: set(one.observations) for number, one in expected.items()}
    assert appraise_batches(batches, AT) == appraise_all([expected[number] for number in sorted(expected)], AT)


def test_scoring_twice_stores_the_same_once(engine: Engine) -> None:
    expected = fill(engine)
    assert score(engine, AT) == score(engine, AT) == len(expected)
    with reading(engine) as session:
        table = table_of(Score)
        rows = session.connection().execute(table.select().order_by(table.c.paper_id)).all()
    assert [row.paper_id for row in rows] == sorted(expected)
    assert all(set(part) == {"name", "share", "words"} for row in rows for part in row.parts)


def test_of_older_scores_only_the_newest_of_each_paper_stays_for_35_days(engine: Engine) -> None:
    fill(engine)
    with writing(engine) as session:
        session.add(Score(paper_id=5, as_of=AT - timedelta(hours=1), value=0.5))  # not in the window any more
        session.add(Score(paper_id=10, as_of=AT - timedelta(days=35), value=0.5))
    for hours in (0, 1, 26, 27, 28):
        score(engine, AT + timedelta(hours=hours))
    with reading(engine) as session:
        rows = session.connection().execute(select(table_of(Score).c.paper_id, table_of(Score).c.as_of)).all()
    ages: dict[int, set[timedelta]] = defaultdict(set)
    for paper_id, as_of in rows:
        ages[paper_id].add(as_of - AT)
    assert 10 not in ages
    assert ages.pop(5) == {timedelta(hours=-1)}
    assert set(map(frozenset, ages.values())) == {frozenset(timedelta(hours=hours) for hours in (26, 27, 28))}
