"""The papers that are in the window of a score, streamed with what was observed of them; and the scores they got."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Any

from sqlalchemy import Select, delete, exists, func, insert, select, union
from sqlmodel import Session

from digest.core.candidate import AT_ONCE, Batch, Candidate, Observed
from digest.core.trend import TrendScore
from digest.store.dialects import ROWS_PER_STATEMENT, one_writer, table_of
from digest.store.paper_rows import in_chunks
from digest.store.papers import current_ids
from digest.store.percentiles import keep_standings
from digest.store.tables import ListingRow, ObservationRow, Paper, Score

WINDOW = timedelta(days=7)
ALL_KEPT, KEPT = timedelta(days=1), timedelta(days=35)
_STREAMED = 20_000
_WRITTEN = 2_000
_KNOWN = ("id", "primary_category", "listed_on", "has_code", "categories", "title")
_SEEN = ("paper_id", "signal", "source", "at", "value", "of")
_papers, _observations, _listings = table_of(Paper), table_of(ObservationRow), table_of(ListingRow)


def candidates(session: Session, as_of: datetime) -> Iterator[Batch]:
    """Stream, by id, the papers listed or observed in the 7 days up to an instant, with those observations in columns.

    Nothing that was first seen later counts, so scoring the same instant again finds the same papers. Papers
    and observations are two queries, read side by side in the order of paper ids.
    """
    since = as_of - WINDOW
    observed = (_observations.c.at > since, _observations.c.at <= as_of)
    fresh = _papers.c.listed_on.between(since.date(), (as_of + timedelta(days=1)).date())
    ids = union(select(_papers.c.id).where(fresh), select(_observations.c.paper_id).where(*observed)).scalar_subquery()
    found = (
        select(*(_papers.c[name] for name in _KNOWN))
        .where(_papers.c.id.in_(ids), _papers.c.first_seen_at <= as_of)
        .order_by(_papers.c.id)
    )
    seen = select(*(_observations.c[name] for name in _SEEN)).where(*observed).order_by(_observations.c.paper_id)
    with ExitStack() as opened:

        def stream(statement: Select[Any], rows: int) -> Iterator[Sequence[Any]]:
            # On PostgreSQL this is a cursor in the server: neither side holds the whole result.
            result = session.connection().execute(statement.execution_options(yield_per=rows))
            opened.callback(result.close)
            return result.partitions()

        seen_of = _Follower(stream(seen, _STREAMED))
        for papers in stream(found, AT_ONCE):
            yield _batch(papers, seen_of.rows_up_to(papers[-1].id), _announced(session, [paper.id for paper in papers]))


def _announced(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """Return how often each paper was listed."""
    counted: dict[int, int] = {}
    for chunk in in_chunks(ids):
        statement = select(_listings.c.paper_id, func.count()).where(_listings.c.paper_id.in_(chunk))
        rows = session.connection().execute(statement.group_by(_listings.c.paper_id))
        counted |= {row[0]: row[1] for row in rows}
    return counted


def _batch(papers: Sequence[Any], seen: Sequence[Any], listings: Mapping[int, int]) -> Batch:
    place = {paper.id: index for index, paper in enumerate(papers)}
    seen = [row for row in seen if row[0] in place]
    ids, signal, source, at, value, of = zip(*seen, strict=True) if seen else ((),) * len(_SEEN)
    return Batch(
        [
            Candidate(
                paper_id=paper_id,
                primary_category=category,
                listed_on=listed_on,
                has_code=has_code,
                categories=len(categories),
                listings=listings.get(paper_id, 0),
                title=title,
            )
            for paper_id, category, listed_on, has_code, categories, title in papers
        ],
        Observed([place[paper_id] for paper_id in ids], signal, source, at, value, of),
    )


def store_scores(session: Session, as_of: datetime, scores: Iterable[TrendScore]) -> None:
    """Store the scores of an instant in place of what was stored for it.

    Those of the day before it stay; of older ones only the newest of each paper does, for 35 days: a score every hour
    would else be millions of rows. A paper that was merged into another since it was scored is left out.
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
                "parts": [{"name": part.name, "share": part.share, "words": part.words} for part in score.parts],
                "evidence": score.evidence,
                "simulated": score.simulated,
            }
            for score in batch
            if there.get(score.paper_id) == score.paper_id
        ]
        if rows:
            connection.execute(statement, rows)
    keep_standings(session, as_of)
    newer = table.alias()
    connection.execute(
        delete(table).where(
            table.c.as_of < as_of - ALL_KEPT,
            exists().where(newer.c.paper_id == table.c.paper_id, newer.c.as_of > table.c.as_of),
        )
    )


class _Follower:
    """Gives each batch of papers its rows, while both are read in the order of paper ids."""

    def __init__(self, parts: Iterator[Sequence[Any]]) -> None:
        self._parts = parts
        self._ahead: list[Any] = []

    def rows_up_to(self, paper_id: int) -> list[Any]:
        """Return the rows that were not given yet of the papers up to an id."""
        while not self._ahead or self._ahead[-1][0] <= paper_id:
            part = next(self._parts, None)
            if part is None:
                break
            self._ahead += part
        end = bisect_right(self._ahead, paper_id, key=itemgetter(0))
        rows, self._ahead = self._ahead[:end], self._ahead[end:]
        return rows
