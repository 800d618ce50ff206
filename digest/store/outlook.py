"""Queries on the outlook: kept with the scores it rests on, read by the desk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from digest.store.dialects import insert_into, table_of
from digest.store.paper_rows import in_chunks
from digest.store.tables import OutlookRow, Score


class Outlook(NamedTuple):
    """What an issue would hold as of an instant: more papers in order than it ranks, and what readers watch for."""

    as_of: datetime
    ranked: Sequence[int]
    beyond: Sequence[int]


def keep_outlook(session: Session, outlook: Outlook) -> None:
    """Store an outlook in place of the one before."""
    values = {"as_of": outlook.as_of, "ranked": list(outlook.ranked), "beyond": list(outlook.beyond)}
    statement = insert_into(session, table_of(OutlookRow)).values(id=1, **values)
    session.connection().execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def newest_outlook(session: Session) -> Outlook | None:
    """Return the outlook, or None where nothing was scored yet."""
    row = session.exec(select(OutlookRow)).first()
    return Outlook(row.as_of, row.ranked, row.beyond) if row else None


def scores_at(session: Session, ids: Collection[int], as_of: datetime) -> dict[int, Score]:
    """Return the scores that papers got as of an instant."""
    found: dict[int, Score] = {}
    for chunk in in_chunks(sorted(ids)):
        rows = session.exec(select(Score).where(Score.as_of == as_of, col(Score.paper_id).in_(chunk)))
        found.update((score.paper_id, score) for score in rows)
    return found
