"""Queries on the alarms that hold: what is kept of each, and the changes that only one process can make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, select, update
from sqlmodel import Session

from digest.core.alarm import Alarm
from digest.core.telling import Known
from digest.store.dialects import changed, insert_into, one_writer, table_of
from digest.store.tables import AlarmRow

_alarm = table_of(AlarmRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An alarm as it is kept."""

    known: Known
    severity: str
    details: str
    seen_at: datetime


def watch_alone(session: Session) -> None:
    """Wait until nobody else changes alarms, and let others wait until this transaction ends."""
    one_writer(session, "alarms")


def kept_alarms(session: Session) -> dict[str, Kept]:
    """Return every alarm that is kept, by its key: those that hold, and those whose end was told."""
    rows = session.connection().execute(select(_alarm).order_by(_alarm.c.since, _alarm.c.key)).mappings()
    return {
        row["key"]: Kept(
            known=Known(**{name: row[name] for name in ("key", "since", "told_at", "over_at", "told_over_at")}),
            severity=row["severity"],
            details=row["details"],
            seen_at=row["seen_at"],
        )
        for row in rows
    }


def begin_alarm(session: Session, alarm: Alarm, now: datetime) -> None:
    """Keep an alarm that is new, or begin one anew whose end was told."""
    fresh: dict[str, Any] = {
        "severity": alarm.rule.severity.value,
        "details": alarm.details,
        "since": alarm.since,
        "seen_at": now,
        "told_at": None,
        "over_at": None,
        "told_over_at": None,
    }
    made = insert_into(session, _alarm).values(key=alarm.key, **fresh)
    session.connection().execute(
        made.on_conflict_do_update(index_elements=["key"], set_=fresh, where=_alarm.c.told_over_at.is_not(None))
    )


def see_alarm(session: Session, alarm: Alarm, now: datetime) -> None:
    """Note how an alarm stands that is kept already, and that it holds again if it had paused."""
    values = {"details": alarm.details, "severity": alarm.rule.severity.value, "seen_at": now, "over_at": None}
    changed(session, update(_alarm).where(_alarm.c.key == alarm.key, _alarm.c.told_over_at.is_(None)).values(values))


def claim_telling(session: Session, key: str, now: datetime) -> bool:
    """Take on telling of an alarm; True for one caller only, whatever their number."""
    untold = and_(_alarm.c.key == key, _alarm.c.told_at.is_(None))
    return changed(session, update(_alarm).where(untold).values(told_at=now)) == 1


def claim_telling_end(session: Session, key: str, now: datetime) -> bool:
    """Take on telling of an alarm's end; True for one caller only, whatever their number."""
    untold = and_(_alarm.c.key == key, _alarm.c.over_at.is_not(None), _alarm.c.told_over_at.is_(None))
    return changed(session, update(_alarm).where(untold).values(told_over_at=now)) == 1


def pause_alarm(session: Session, key: str, now: datetime) -> None:
    """Note that an alarm does not hold any more."""
    held = and_(_alarm.c.key == key, _alarm.c.over_at.is_(None))
    changed(session, update(_alarm).where(held).values(over_at=now))


def forget_alarm(session: Session, key: str) -> None:
    """Forget an alarm that was never told."""
    changed(session, delete(_alarm).where(_alarm.c.key == key, _alarm.c.told_at.is_(None)))


def forget_ended(session: Session, before: datetime) -> int:
    """Forget alarms whose end was told before an instant; return how many."""
    return changed(session, delete(_alarm).where(_alarm.c.told_over_at < before))


def unsettled(session: Session) -> bool:
    """Tell whether any alarm holds, or paused less than an hour ago, told or not."""
    found = session.connection().execute(select(_alarm.c.key).where(_alarm.c.told_over_at.is_(None)).limit(1)).first()
    return found is not None
