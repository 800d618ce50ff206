"""The lease of the scheduler's lead: one row, one statement to take it, every write under its fence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import or_, select, update
from sqlmodel import Session

from digest.core.lead import LEASE, latest_believed
from digest.store.dialects import changed, insert_into, table_of
from digest.store.tables import SchedulerLease

_lease = table_of(SchedulerLease)
_NAME = "scheduler"


class Lead(NamedTuple):
    """Who leads, since when and until when unless it is renewed; and the newest tick of all leaders."""

    holder: str
    fence: int
    leading_since: datetime
    lease_until: datetime
    ticked_at: datetime | None


def take_lead(session: Session, holder: str, now: datetime) -> int | None:
    """Take the lead if it is free, and return its new fence; None while another holds it."""
    row = {"name": _NAME, "holder": holder, "fence": 1, "leading_since": now, "lease_until": now + LEASE, "asked": {}}
    newly = {"holder": holder, "fence": _lease.c.fence + 1, "leading_since": now, "lease_until": now + LEASE}
    free = or_(_lease.c.lease_until <= now, _lease.c.lease_until > latest_believed(now))
    taken = session.connection().execute(
        insert_into(session, _lease)
        .values(row)
        .on_conflict_do_update(index_elements=[_lease.c.name], set_=newly, where=free)
        .returning(_lease.c.fence)
    )
    fence: int | None = taken.scalar_one_or_none()
    return fence


def renew_lead(session: Session, fence: int, now: datetime) -> bool:
    """Hold the lead for longer; False where another took it."""
    return _write(session, fence, lease_until=now + LEASE)


def end_tick(session: Session, fence: int, now: datetime, asked: Mapping[str, str]) -> bool:
    """Note that a tick came to its end, and what was asked for lately; False where another leads."""
    return _write(session, fence, ticked_at=now, asked=dict(asked))


def leave_lead(session: Session, fence: int, now: datetime) -> bool:
    """Give the lead up, so that the next one need not wait for the lease to end."""
    return _write(session, fence, lease_until=now)


def leads(session: Session, fence: int, now: datetime) -> bool:
    """Tell whether a lead still holds: nobody has taken it, and nobody may."""
    row = session.connection().execute(_held(fence, now)).one_or_none()
    return row is not None


def tick_state(session: Session, fence: int, now: datetime) -> tuple[datetime | None, dict[str, str]] | None:
    """Return when the newest tick was and what was asked for lately; None where another leads."""
    row = session.connection().execute(_held(fence, now)).one_or_none()
    return (row.ticked_at, row.asked) if row else None


def lead(session: Session) -> Lead | None:
    """Return who led last, whether or not the lease has run out; None where nobody ever did."""
    row = session.connection().execute(select(*(_lease.c[name] for name in Lead._fields))).one_or_none()
    return Lead(*row) if row else None


def _held(fence: int, now: datetime) -> Any:
    return select(_lease.c.ticked_at, _lease.c.asked).where(_lease.c.fence == fence, _lease.c.lease_until > now)


def _write(session: Session, fence: int, **values: Any) -> bool:
    return changed(session, update(_lease).where(_lease.c.fence == fence).values(**values)) == 1
