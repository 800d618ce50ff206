"""Queries on limits: one row for each that is in use, shared by all web processes; what is not in use is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import case, delete, literal, select
from sqlmodel import Session

from digest.core.sign_up import Limit
from digest.store.dialects import insert_into, table_of
from digest.store.tables import LimitRow

_use = table_of(LimitRow)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SWEPT = 8  # rows deleted with each use: more than one use makes


def use(session: Session, limits: Sequence[tuple[str, Limit]], now: datetime) -> timedelta | None:
    """Use each of the limits once, in order, under its key; return how long to wait for the first that is used up.

    None where all allow it. What came before the one that refuses stays used; the refused one is not used further.
    """
    wait = next((waiting for key, limit in limits if (waiting := _use_one(session, key, limit, now))), None)
    _sweep(session, now)
    return wait


def _use_one(session: Session, key: str, limit: Limit, now: datetime) -> timedelta | None:
    # The rate algorithm of ATM cells (GCRA): one number says how far ahead of an even pace a key is. One statement, so
    # that two processes never both take the last use.
    at, step, window = (_ms(part) for part in (now - _EPOCH, limit.step, limit.window))
    fresh = insert_into(session, _use).values(key=key, free_at=at + step)
    began = case((_use.c.free_at > at, _use.c.free_at), else_=literal(at))
    statement = fresh.on_conflict_do_update(
        index_elements=[_use.c.key], set_={"free_at": began + step}, where=began + step <= at + window
    ).returning(_use.c.free_at)
    if session.connection().execute(statement).scalar_one_or_none() is not None:
        return None
    free_at = session.connection().scalar(select(_use.c.free_at).where(_use.c.key == key)) or at
    return max(free_at + step - at - window, 1) * _MILLISECOND


def _sweep(session: Session, now: datetime) -> None:
    # Last in its transaction, and past what others hold: it never waits for anybody who waits for it.
    unused = select(_use.c.key).where(_use.c.free_at <= _ms(now - _EPOCH)).order_by(_use.c.free_at).limit(_SWEPT)
    chosen = list(session.connection().scalars(unused.with_for_update(skip_locked=True)))
    if chosen:
        session.connection().execute(delete(_use).where(_use.c.key.in_(chosen)))


def _ms(span: timedelta) -> int:
    return span // _MILLISECOND
