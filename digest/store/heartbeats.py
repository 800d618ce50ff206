"""Queries on the calls that say that a day was good."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import and_, select, update
from sqlmodel import Session

from digest.store.dialects import changed, insert_into, table_of
from digest.store.tables import Heartbeat

_beat = table_of(Heartbeat)
_LEASE = timedelta(minutes=10)  # longer than all attempts of one call take


class Beat(StrEnum):
    """How the call for a day stands."""

    CALLING = "calling"  # where its lease has run out nobody knows whether it was heard: it is not made again
    ANSWERED = "answered"
    UNHEARD = "unheard"  # it was not answered well, and is made again


class Called(NamedTuple):
    """The call for a day."""

    day: date
    state: str
    attempts: int
    called_at: datetime
    words: str


def take_call(session: Session, day: date, now: datetime, *, again_after: timedelta) -> int | None:
    """Take on the call for a day and return its number; None where it was answered, is being made, or is in doubt.

    One that was not heard is made again after a while.
    """
    fresh = {
        "day": day,
        "state": Beat.CALLING.value,
        "attempts": 1,
        "called_at": now,
        "until": now + _LEASE,
        "words": "",
    }
    again = {"state": Beat.CALLING.value, "attempts": _beat.c.attempts + 1, "called_at": now, "until": now + _LEASE}
    unheard = and_(_beat.c.state == Beat.UNHEARD, _beat.c.called_at <= now - again_after)
    taken = session.connection().execute(
        insert_into(session, _beat)
        .values(fresh)
        .on_conflict_do_update(index_elements=["day"], set_=again, where=unheard)
        .returning(_beat.c.attempts)
    )
    number: int | None = taken.scalar_one_or_none()
    return number


def end_call(session: Session, day: date, number: int, state: Beat, words: str) -> bool:
    """Note how the call for a day went; False where another has been made since."""
    mine = (_beat.c.day == day, _beat.c.attempts == number)
    return changed(session, update(_beat).where(*mine).values(state=state.value, until=None, words=words[:300])) == 1


def newest_call(session: Session) -> Called | None:
    """Return the call for the newest day, or None."""
    row = (
        session.connection()
        .execute(select(*(_beat.c[name] for name in Called._fields)).order_by(_beat.c.day.desc()).limit(1))
        .one_or_none()
    )
    return Called(*row) if row else None
