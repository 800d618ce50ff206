"""Queries on single reactions: what a reader makes of a paper, what they saved, and what is forgotten of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, update
from sqlmodel import Session, col, select

from digest.store.dialects import changed, insert_missing, table_of
from digest.store.interests import Reaction
from digest.store.tables import Paper, ReactionRow

_reaction = table_of(ReactionRow)


def reaction_to(session: Session, subscriber_id: int, paper_id: int) -> Reaction | None:
    """Return what a reader made of a paper, or None."""
    row = (
        session.connection()
        .execute(_reaction.select().where(_own(subscriber_id, paper_id)).with_only_columns(*_columns()))
        .one_or_none()
    )
    return Reaction(*row) if row else None


def lean(session: Session, subscriber_id: int, paper_id: int, leaning: int, now: datetime) -> None:
    """Note that a reader wants more like a paper (1), less (-1), or neither (0); what they had noted is replaced."""
    _put(session, subscriber_id, paper_id, {"leaning": leaning}, now)


def save(session: Session, subscriber_id: int, paper_id: int, version: int | None, now: datetime) -> None:
    """Save a paper for a reader in a version, where that is known; one that is saved already keeps its day."""
    current = reaction_to(session, subscriber_id, paper_id)
    if current is None or current.saved_at is None:
        _put(session, subscriber_id, paper_id, {"saved_at": now, "saved_version": version}, now)


def unsave(session: Session, subscriber_id: int, paper_id: int, now: datetime) -> None:
    """Let a reader's paper be saved no more."""
    _put(session, subscriber_id, paper_id, {"saved_at": None, "saved_version": None}, now)


def forget_leanings(session: Session, subscriber_id: int) -> int:
    """Forget of which papers a reader wanted more or less; return how many there were. What is saved stays saved."""
    leaned = and_(_reaction.c.subscriber_id == subscriber_id, _reaction.c.leaning != 0)
    forgotten = changed(session, update(_reaction).where(leaned).values(leaning=0))
    _tidy(session, _reaction.c.subscriber_id == subscriber_id)
    return forgotten


def saved_papers(session: Session, subscriber_id: int) -> Sequence[tuple[Paper, datetime]]:
    """Return the papers that a reader saved and when, the last saved first."""
    rows = session.exec(
        select(Paper, ReactionRow.saved_at)
        .join(ReactionRow, col(ReactionRow.paper_id) == col(Paper.id))
        .where(ReactionRow.subscriber_id == subscriber_id, col(ReactionRow.saved_at).is_not(None))
        .order_by(col(ReactionRow.saved_at).desc(), col(Paper.id).desc())
    )
    return [(paper, at) for paper, at in rows if at is not None]


def _put(session: Session, subscriber_id: int, paper_id: int, values: dict[str, Any], now: datetime) -> None:
    blank = {"subscriber_id": subscriber_id, "paper_id": paper_id, "leaning": 0, "at": now}
    insert_missing(session, ReactionRow, [blank])
    changed(session, update(_reaction).where(_own(subscriber_id, paper_id)).values(**values, at=now))
    _tidy(session, _own(subscriber_id, paper_id))


def _tidy(session: Session, which: ColumnElement[bool]) -> None:
    # A row that says nothing is no reaction, and is not held about anybody.
    nothing = and_(_reaction.c.leaning == 0, _reaction.c.saved_at.is_(None))
    session.connection().execute(delete(_reaction).where(which, nothing))


def _own(subscriber_id: int, paper_id: int) -> ColumnElement[bool]:
    return and_(_reaction.c.subscriber_id == subscriber_id, _reaction.c.paper_id == paper_id)


def _columns() -> list[ColumnElement[Any]]:
    return [_reaction.c[name] for name in Reaction._fields]
