"""What the database had been told by a past instant, and what came after: the ground of a backtest."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ScalarSelect, func, select
from sqlmodel import Session

from digest.core.candidate import Candidate
from digest.core.paper import Observation
from digest.core.signals import WINDOW
from digest.store.dialects import table_of
from digest.store.tables import ObservationRow, Paper

_papers, _observations = table_of(Paper), table_of(ObservationRow)


class Later(NamedTuple):
    """A count that was seen when the time ahead was over."""

    at: datetime
    value: float


def seen_between(session: Session, signal: str) -> tuple[datetime, datetime] | None:
    """Return the instants of a signal's first and last observation, None where there is none."""
    ends = select(func.min(_observations.c.at), func.max(_observations.c.at)).where(_observations.c.signal == signal)
    first, last = session.connection().execute(ends).one()
    return (first, last) if first is not None else None


def known_at(session: Session, at: datetime, *, days: int | None) -> list[Candidate]:
    """Return the papers that a past instant would have scored, with what was observed in the 7 days up to it.

    They are those listed on its day or `days` before; where that is None, whatever was observed in the 7 days. What
    is told of a paper without an instant, such as its code and its categories, may be news of today: it is left out,
    all but the title, which seldom changes.
    The newest come first: of equals a rank takes the first.
    """
    ids = _ids(at, days)
    listed = select(_papers.c.id, _papers.c.listed_on, _papers.c.title).where(_papers.c.id.in_(ids))
    newest_first = listed.order_by(_papers.c.listed_on.desc().nulls_last(), _papers.c.id)
    names = ("paper_id", "signal", "at", "value", "source", "of")
    seen = select(*(_observations.c[name] for name in names)).where(
        _observations.c.paper_id.in_(ids), _observations.c.at > at - WINDOW, _observations.c.at <= at
    )
    observed: dict[int, list[Observation]] = defaultdict(list)
    for paper_id, *stated in session.connection().execute(seen):
        observed[paper_id].append(Observation(*stated))
    return [
        Candidate(paper_id=paper_id, listed_on=listed_on, title=title, observations=observed[paper_id])
        for paper_id, listed_on, title in session.connection().execute(newest_first)
    ]


def first_after(
    session: Session, at: datetime, signal: str, *, seen_by: datetime, days: int | None
) -> dict[int, Later]:
    """Return the first count of a signal at or after an instant, of the papers that `known_at` finds at `seen_by`."""
    counted = (
        select(_observations.c.paper_id, func.min(_observations.c.at).label("first"))
        .where(
            _observations.c.paper_id.in_(_ids(seen_by, days)),
            _observations.c.signal == signal,
            _observations.c.at >= at,
        )
        .group_by(_observations.c.paper_id)
        .subquery()
    )
    # Of two sources at one instant the smaller count: it promises less.
    rows = select(_observations.c.paper_id, _observations.c.at, func.min(_observations.c.value)).where(
        _observations.c.paper_id == counted.c.paper_id,
        _observations.c.at == counted.c.first,
        _observations.c.signal == signal,
    )
    grouped = rows.group_by(_observations.c.paper_id, _observations.c.at)
    return {paper_id: Later(first, value) for paper_id, first, value in session.connection().execute(grouped)}


def _ids(at: datetime, days: int | None) -> ScalarSelect[int]:
    if days is None:
        within = (_observations.c.at > at - WINDOW, _observations.c.at <= at)
        return select(_observations.c.paper_id).where(*within).distinct().scalar_subquery()
    first: date = at.date() - timedelta(days=days)
    return select(_papers.c.id).where(_papers.c.listed_on.between(first, at.date())).scalar_subquery()
