"""The database's epoch: its mark and imprint, and the fence that goes up when it was restored."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from typing import NamedTuple

from sqlalchemy import exists, insert, literal_column, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from digest.core.delivery import UNSETTLED, DeliveryState, NotSent
from digest.core.epoch import Mark, Standing
from digest.core.issue import IssueState
from digest.store.dialects import changed, one_writer, table_of
from digest.store.tables import DatabaseEpoch, Delivery, IssueRow

_epoch = table_of(DatabaseEpoch)
_delivery = table_of(Delivery)
_issue = table_of(IssueRow)
_ROW = 1
# Ids that were given since the backup stand in mail that is out there, in links and return paths: they must not come
# again as another reader's. So many are left out.
_LEAPS = {"delivery": 10_000_000, "subscriber": 1_000_000, "paper": 1_000_000}
# A new server numbers its databases and tables from the same number on, and only its own identifier is different.
_IMPRINT = """
SELECT pg_control_system.system_identifier::text || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
    || ':' || pg_database.oid || ':' || 'delivery'::regclass::oid
FROM pg_control_system(), pg_database WHERE pg_database.datname = current_database()
"""


class Fenced(NamedTuple):
    """What a fence stopped: deliveries that are now unknown, and issues that are held."""

    unknown: int
    issues: list[int]
    words: str


def own_standing(session: Session) -> Standing | None:
    """Return what the database says of itself, and keep others from changing it; None where it was never sent from."""
    one_writer(session, "epoch")
    row = session.connection().execute(select(_epoch)).one_or_none()
    return Standing(Mark(row.identity, row.mark), row.imprint) if row else None


def imprint(session: Session) -> str:
    """Return where the tables lie, on PostgreSQL; empty on SQLite, and where the server does not tell."""
    if session.connection().dialect.name != "postgresql":
        return ""
    try:
        with session.begin_nested():
            found: str = session.connection().execute(text(_IMPRINT)).scalar_one()
            return found
    except DBAPIError:  # some hosts do not let everybody ask
        return ""


def has_sent(session: Session) -> bool:
    """Tell whether any delivery is known."""
    return bool(session.connection().scalar(select(exists(select(_delivery.c.id)))))


def begin(session: Session) -> Mark:
    """Give the database an identity, and count no run yet."""
    new = Mark(token_hex(8), 0)
    row = {"id": _ROW, "identity": new.identity, "epoch": 0, "mark": 0, "imprint": "", "words": ""}
    session.connection().execute(insert(_epoch), row)
    return new


def raise_mark(session: Session, *, least: int, now_at: str) -> Mark:
    """Count one run more, more than `least`, note where the tables lie, and return the new mark."""
    connection = session.connection()
    row = connection.execute(select(_epoch.c.identity, _epoch.c.mark)).one_or_none()
    known = Mark(row.identity, row.mark) if row else begin(session)
    new = Mark(known.identity, max(known.mark, least) + 1)
    connection.execute(update(_epoch).values(mark=new.mark, imprint=now_at))
    return new


def fence(session: Session, words: str, *, now: datetime) -> Fenced:
    """Let nothing out that may have gone out already: what was due is unknown, what is being sent is held.

    What is due later cannot have gone out; it waits with its issue until somebody lets that go. The fence of every
    delivery that is open rises, so that no worker from before is believed.
    """
    gone = {"claimed_by": "", "lease_until": None, "fence": _delivery.c.fence + 1}
    waits = _delivery.c.state.in_(UNSETTLED)
    unknown = changed(
        session,
        update(_delivery)
        .where(waits, _delivery.c.due_at <= now)
        .values(state=DeliveryState.UNKNOWN, reason=NotSent.RESTORED, settled_at=now, **gone),
    )
    changed(session, update(_delivery).where(waits).values(**gone))
    rows = session.connection().scalars(
        update(_issue)
        .where(_issue.c.state.in_((IssueState.FROZEN, IssueState.SENDING)))
        .values(state=IssueState.HELD)
        .returning(_issue.c.id)
    )
    held = sorted(rows)
    _leap(session)
    changed(session, update(_epoch).values(epoch=_epoch.c.epoch + 1, fenced_at=now, words=words))
    return Fenced(unknown, held, words)


def newest_fence(session: Session) -> tuple[datetime, str] | None:
    """Return when the database was found restored last, and why; None where it never was."""
    row = session.connection().execute(select(_epoch.c.fenced_at, _epoch.c.words)).one_or_none()
    return (row.fenced_at, row.words) if row and row.fenced_at else None


def epoch(session: Session) -> int:
    """Return how often this database was restored."""
    return session.connection().scalar(select(_epoch.c.epoch)) or 0


def _leap(session: Session) -> None:
    connection = session.connection()
    for name, by in _LEAPS.items():
        values = {"name": name, "by": by}
        if connection.dialect.name == "postgresql":
            sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), values)
            # The name is the database's own word for its sequence.
            last: int = connection.execute(
                select(literal_column("last_value")).select_from(text(sequence))
            ).scalar_one()
            connection.execute(text("SELECT setval(:sequence, :to)"), {"sequence": sequence, "to": last + by})
        elif not connection.execute(
            text("UPDATE sqlite_sequence SET seq = seq + :by WHERE name = :name"), values
        ).rowcount:
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :by)"), values)
