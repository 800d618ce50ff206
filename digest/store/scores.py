"""The papers that are in the window of a score, streamed with what was observed of them; and the scores they got."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, union
from sqlmodel import Session

from digest.core.paper import Observation
from digest.core.trend import Candidate, TrendScore
from digest.store.dialects import ROWS_PER_STATEMENT, one_writer, table_of
from digest.store.papers import current_ids
from digest.store.tables import ListingRow, ObservationRow, Paper, Score

WINDOW = timedelta(days=7)
KEPT = timedelta(days=35)
_STREAMED = 5_000
_WRITTEN = 2_000


def candidates(session: Session, as_of: datetime) -> Iterator[Candidate]:
    """Stream, by id, the papers listed or observed in the 7 days up to an instant, with those observations.

    Nothing that was first seen later counts, so scoring the same instant again finds the same papers. Three
    queries, read side by side in the order of paper ids.
    """
    papers, observations, listings = table_of(Paper), table_of(ObservationRow), table_of(ListingRow)
    since = as_of - WINDOW
    observed = (observations.c.at > since, observations.c.at <= as_of)
    fresh = papers.c.listed_on.between(since.date(), (as_of + timedelta(days=1)).date())
    ids = union(select(papers.c.id).where(fresh), select(observations.c.paper_id).where(*observed)).scalar_subquery()
    found = (
        select(papers.c.id, papers.c.primary_category, papers.c.listed_on, papers.c.has_code, papers.c.categories)
        .where(papers.c.id.in_(ids), papers.c.first_seen_at <= as_of)
        .order_by(papers.c.id)
    )
    seen = (
        select(
            observations.c.paper_id,
            observations.c.signal,
            observations.c.at,
            observations.c.value,
            observations.c.source,
            observations.c.of,
            observations.c.coverage,
        )
        .where(*observed)
        .order_by(observations.c.paper_id, observations.c.signal, observations.c.source, observations.c.at)
    )
    announced = (
        select(listings.c.paper_id, func.count())
        .where(listings.c.paper_id.in_(ids))
        .group_by(listings.c.paper_id)
        .order_by(listings.c.paper_id)
    )
    with ExitStack() as open_results:

        def stream(statement: Select[Any]) -> Iterator[Any]:
            # On PostgreSQL this is a cursor in the server: neither side holds the whole result.
            result = session.connection().execute(statement.execution_options(yield_per=_STREAMED))
            open_results.callback(result.close)
            return iter(result)

        seen_of, announced_of = _Follower(stream(seen)), _Follower(stream(announced))
        for paper_id, category, listed_on, has_code, categories in stream(found):
            counted = announced_of.rows(paper_id)
            yield Candidate(
                paper_id=paper_id,
                primary_category=category,
                listed_on=listed_on,
                has_code=has_code,
                categories=len(categories),
                listings=counted[0][1] if counted else 0,
                observations=[Observation(*row[1:]) for row in seen_of.rows(paper_id)],
            )


def store_scores(session: Session, as_of: datetime, scores: Iterable[TrendScore]) -> None:
    """Store the scores of an instant in place of what was stored for it, and drop those older than 35 days.

    A paper that was merged into another since it was scored is left out.
    """
    one_writer(session, "papers")
    table = table_of(Score)
    connection = session.connection()
    statement = insert(table).execution_options(**ROWS_PER_STATEMENT)
    connection.execute(delete(table).where((table.c.as_of == as_of) | (table.c.as_of < as_of - KEPT)))
    remaining = iter(scores)
    while batch := list(islice(remaining, _WRITTEN)):
        there = current_ids(session, [score.paper_id for score in batch])
        rows: list[dict[str, Any]] = [
            {
                "paper_id": score.paper_id,
                "as_of": as_of,
                "value": score.value,
                "percentile": score.percentile,
                "parts": [asdict(part) for part in score.parts],
                "evidence": score.evidence,
                "simulated": score.simulated,
            }
            for score in batch
            if there.get(score.paper_id) == score.paper_id
        ]
        if rows:
            connection.execute(statement, rows)


class _Follower:
    """Gives each paper its rows while both are read in the order of paper ids."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._groups = ((int(paper_id), list(group)) for paper_id, group in groupby(rows, key=lambda row: row[0]))
        self._next = next(self._groups, None)

    def rows(self, paper_id: int) -> Sequence[Any]:
        while self._next is not None and self._next[0] < paper_id:
            self._next = next(self._groups, None)
        return self._next[1] if self._next is not None and self._next[0] == paper_id else ()
