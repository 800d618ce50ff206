"""Queries on who came and who left, set-wise, on either database; and the days that are kept of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Date, ScalarSelect, and_, cast, func, literal_column, select
from sqlmodel import Session

from digest.core.growth import Came, GrowthDay, course
from digest.core.subscription import ConsentAction, SubscriptionState
from digest.store.dialects import insert_missing, table_of
from digest.store.tables import Consent, ReaderDay, Subscription, Suppression

_consent = table_of(Consent)
_day = table_of(ReaderDay)
_subscription = table_of(Subscription)
_suppression = table_of(Suppression)
_IN = (ConsentAction.CONFIRM, ConsentAction.IMPORT)
_RUNNING = (SubscriptionState.CONFIRMED, SubscriptionState.PAUSED)
_KEPT_BACK = timedelta(days=400)  # how far the first keeping goes


def came(session: Session, first: date, last: date) -> dict[date, Came]:
    """Count what happened on each day (UTC) from `first` to `last`; days without anything are left out.

    Who withdraws a request that they never confirmed has not left: they were no reader.
    """
    counts: dict[date, dict[str, int]] = {}
    start, end = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
    for name, at, wanted in (
        ("confirmed", _consent.c.at, _consent.c.action.in_(_IN)),
        ("departed", _consent.c.at, and_(_consent.c.action == ConsentAction.UNSUBSCRIBE, _was_in().in_(_IN))),
        ("suppressed", _suppression.c.created_at, _suppression.c.address_hash.is_not(None)),
    ):
        on = _day_of(session, at)
        rows = session.connection().execute(select(on, func.count()).where(at >= start, at < end, wanted).group_by(on))
        for day, number in rows:
            counts.setdefault(day if isinstance(day, date) else date.fromisoformat(day), {})[name] = number
    return {day: Came(**found) for day, found in counts.items()}


def _was_in() -> ScalarSelect[Any]:
    """What a reader did last, before the line at hand, that began or ended their subscription."""
    before = _consent.alias()
    turning = (*_IN, ConsentAction.UNSUBSCRIBE)
    return (
        select(before.c.action)
        .where(
            before.c.subscriber_id == _consent.c.subscriber_id,
            before.c.id < _consent.c.id,
            before.c.action.in_(turning),
        )
        .order_by(before.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _day_of(session: Session, at: Column[Any]) -> ColumnElement[Any]:
    if session.connection().dialect.name == "postgresql":
        return cast(func.timezone(literal_column("'UTC'"), at), Date)
    return func.date(at)  # SQLite holds instants as text, in UTC


def running(session: Session) -> int:
    """Count the readers there are: confirmed or paused."""
    return (
        session.connection().scalar(
            select(func.count()).select_from(_subscription).where(_subscription.c.state.in_(_RUNNING))
        )
        or 0
    )


def kept_days(session: Session, first: date) -> dict[date, GrowthDay]:
    """Return the days that are kept, from `first` on."""
    rows = session.connection().execute(select(_day).where(_day.c.day >= first))
    return {row.day: GrowthDay(row.day, Came(row.confirmed, row.departed, row.suppressed), row.readers) for row in rows}


def growth(session: Session, today: date, days: int) -> list[GrowthDay]:
    """Return the last so many days (UTC) with today, oldest first."""
    first = today - timedelta(days=days - 1)
    kept = kept_days(session, first)
    wanting = [first + timedelta(days=place) for place in range(days)]
    wanting = [day for day in wanting if day not in kept]  # as a rule today alone
    happened = came(session, wanting[0], wanting[-1]) if wanting else {}
    return course(first, today, happened, kept, running(session))


def keep_days(session: Session, today: date) -> int:
    """Keep the days that are over and not kept yet; return how many. To be done before readers are forgotten."""
    newest: date | None = session.connection().scalar(select(func.max(_day.c.day)))
    first = today - _KEPT_BACK if newest is None else newest + timedelta(days=1)
    if first >= today:
        return 0
    days = growth(session, today, (today - first).days + 1)[:-1]
    rows = [
        {
            "day": one.day,
            "confirmed": one.came.confirmed,
            "departed": one.came.departed,
            "suppressed": one.came.suppressed,
            "readers": one.readers,
        }
        for one in days
    ]
    return insert_missing(session, ReaderDay, rows)
