"""What keeps many processes in step: who leads the schedule, whether this database was restored, what was done when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_dict


class SchedulerLease(SQLModel, table=True):
    """Who may tick, in one row: `fence` rises with each change of the leader, the newest tick is that of the fence.

    `asked` holds what was put on the queue lately, so that a new leader does not ask for it again.
    """

    __tablename__ = "scheduler_lease"

    name: str = Field(primary_key=True)
    holder: str
    fence: int = 0
    leading_since: datetime = instant(nullable=False)
    lease_until: datetime = instant(nullable=False)
    ticked_at: datetime | None = instant()
    asked: dict[str, Any] = json_dict()


class DatabaseEpoch(SQLModel, table=True):
    """How often this database was restored, in one row, and what tells a restored one from itself.

    `mark` counts runs that send; the newest is also kept outside the database. `imprint` is what PostgreSQL says of
    the place where the tables lie.
    """

    __tablename__ = "database_epoch"

    id: int = Field(primary_key=True)
    identity: str
    epoch: int = 0
    mark: int = Field(default=0, sa_type=BigInteger)
    imprint: str = ""
    fenced_at: datetime | None = instant()
    words: str = ""


class Chore(SQLModel, table=True):
    """When a piece of housekeeping was done last."""

    name: str = Field(primary_key=True)
    done_at: datetime = instant(nullable=False)
    words: str = ""
