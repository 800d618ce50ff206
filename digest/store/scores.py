"""The papers that are in the window of a score, streamed with what was observed of them; and the scores they got."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, union
from sqlmodel import Session

from digest.core.candidate import AT_ONCE, Batch, Candidate, Observed
from digest.core.trend import TrendScore
from digest.store.dialects import ROWS_PER_STATEMENT, one_writer, table_of
from digest.store.papers import current_ids
from digest.store.tables import ListingRow, ObservationRow, Paper, Score

WINDOW = timedelta(days=7)
KEPT = timedelta(days=35)
_WRITTEN = 2_000
_papers, _observations, _listings = table_of(Paper), table_of(ObservationRow), table_of(ListingRow)


def candidates(session: Session, as_of: datetime) -> Iterator[Batch]:
    """Stream, by id, the papers listed or observed in the 7 days up to an instant, with those observations in columns.

    Nothing that was first seen later counts, so scoring the same instant again finds the same papers. The papers are
    one query, what is known of them two queries for each batch of thousands.
    """
    since = as_of - WINDOW
    observed = (_observations.c.at > since, _observations.c.at <= as_of)
    fresh = _papers.c.listed_on.between(since.date(), (as_of + timedelta(days=1)).date())
    ids = union(select(_papers.c.id).where(fresh), select(_observations.c.paper_id).where(*observed)).scalar_subquery()
    columns = (_papers.c.id, _papers.c.primary_category, _papers.c.listed_on, _papers.c.has_code, _papers.c.categories)
    found = select(*columns).where(_papers.c.id.in_(ids), _papers.c.first_seen_at <= as_of).order_by(_papers.c.id)
    # On PostgreSQL this is a cursor in the server: neither side holds the whole result.
    with session.connection().execute(found.execution_options(yield_per=AT_ONCE)) as papers:
        for batch in papers.partitions():
            yield _batch(session, batch, observed)


def _batch(session: Session, papers: Sequence[Any], observed: Sequence[ColumnElement[bool]]) -> Batch:
    connection = session.connection()
    place = {paper.id: index for index, paper in enumerate(papers)}
    first, last = papers[0].id, papers[-1].id
    counted = (
        select(_listings.c.paper_id, func.count())
        .where(_listings.c.paper_id.between(first, last))
        .group_by(_listings.c.paper_id)
    )
    listings = {row[0]: row[1] for row in connection.execute(counted)}
    names = ("paper_id", "signal", "source", "at", "value", "of")
    seen = select(*(_observations.c[name] for name in names)).where(
        _observations.c.paper_id.between(first, last), *observed
    )
    rows = [row for row in connection.execute(seen) if row[0] in place]
    ids, signal, source, at, value, of = zip(*rows, strict=True) if rows else ((),) * len(names)
    return Batch(
        [
            Candidate(
                paper_id=paper_id,
                primary_category=category,
                listed_on=listed_on,
                has_code=has_code,
                categories=len(categories),
                listings=listings.get(paper_id, 0),
            )
            for paper_id, category, listed_on, has_code, categories in papers
        ],
        Observed([place[paper_id] for paper_id in ids], signal, source, at, value, of),
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
                "parts": [{"name": part.name, "share": part.share, "words": part.words} for part in score.parts],
                "evidence": score.evidence,
                "simulated": score.simulated,
            }
            for score in batch
            if there.get(score.paper_id) == score.paper_id
        ]
        if rows:
            connection.execute(statement, rows)
