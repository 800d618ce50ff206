"""What keeps many processes in step: who leads the schedule, whether this database was restored, what was done when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_dict, key


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


class TaskRun(SQLModel, table=True):
    """A run of a task that began and did not end: under way, or lost with its worker, as `words` say once it is known.

    `key` says which work it is; `message` is the broker's name of what started it.
    """

    __tablename__ = "task_run"

    id: int | None = key()
    key: str = Field(index=True)
    message: str = ""
    host: str = ""
    process: str = ""
    began_at: datetime = instant(nullable=False)
    ends_by: datetime = instant(nullable=False)
    tries: int = 1
    words: str = ""


class TaskAside(SQLModel, table=True):
    """A task that took its worker with it time and again, and is not run until somebody says so."""

    __tablename__ = "task_aside"

    id: int | None = key()
    key: str = Field(unique=True)
    tries: int
    worker: str = ""
    began_at: datetime = instant(nullable=False)
    at: datetime = instant(nullable=False)
    words: str = ""
    forgotten_at: datetime | None = instant()
