"""Where papers stood, kept when they leave the ranking: set-wise, whatever the number of papers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, insert, literal, select
from sqlmodel import Session

from digest.store.dialects import insert_into, table_of
from digest.store.tables import PaperStanding, Score, Yardstick

BEST_PERCENTILE = "best_percentile"


def keep_standings(session: Session, as_of: datetime) -> None:
    """Take the scores of an instant into what is kept of each paper, and measure the mean best percentile anew.

    Two statements over all papers. An instant that is scored late changes the best, never what came last; one that
    is scored again may only raise a best.
    """
    scores, kept, yardsticks = table_of(Score), table_of(PaperStanding), table_of(Yardstick)
    connection = session.connection()
    columns = ("paper_id", "best_percentile", "best_at", "last_percentile", "as_of", "simulated")
    stored = select(
        scores.c.paper_id, scores.c.percentile, scores.c.as_of, scores.c.percentile, scores.c.as_of, scores.c.simulated
    ).where(scores.c.as_of == as_of, scores.c.percentile.is_not(None))
    statement: Any = insert_into(session, kept).from_select(list(columns), stored, include_defaults=False)
    given = statement.excluded
    higher: ColumnElement[bool] = given.best_percentile > kept.c.best_percentile
    later: ColumnElement[bool] = given.as_of >= kept.c.as_of
    changing = {
        name: case((is_new, given[name]), else_=kept.c[name])
        for is_new, names in ((higher, ("best_percentile", "best_at", "simulated")), (later, columns[3:5]))
        for name in names
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["paper_id"], set_=changing))
    connection.execute(delete(yardsticks).where(yardsticks.c.name == BEST_PERCENTILE))
    mean = select(
        literal(BEST_PERCENTILE),
        func.avg(kept.c.best_percentile),
        func.count(),
        func.max(kept.c.as_of),
    ).having(func.count() > 0)
    connection.execute(insert(yardsticks).from_select(["name", "value", "papers", "as_of"], mean))
