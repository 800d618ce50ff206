"""Which service was asked for which paper, what it said, when it is asked again; and how each service stands."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, reference


class SignalCheck(SQLModel, table=True):
    """What a service last said of a paper: found or absent, or unknown where it never answered.

    `named` is the repository that was asked for, `known_as` its present name; empty for the other services.
    """

    __tablename__ = "signal_check"
    __table_args__ = (Index("ix_signal_check_due", "service", "next_at"),)

    paper_id: int = reference("paper.id", primary_key=True)
    service: str = Field(primary_key=True)
    asked_at: datetime = instant(nullable=False)
    answer: str
    next_at: datetime = instant(nullable=False)
    named: str = ""
    known_as: str = ""


class ServiceCondition(SQLModel, table=True):
    """How a service answers: its newest answer, its budget as far as it says, and its newest refusal in its words.

    `requests` and `refused` are those of the day `counted_on` (UTC). It is not asked before `held_until`.
    """

    __tablename__ = "service_standing"  # an older name of it

    service: str = Field(primary_key=True)
    answered_at: datetime | None = instant()
    status: int | None = None
    counted_on: date
    requests: int = 0
    refused: int = 0
    budget_left: int | None = None
    budget_of: int | None = None
    budget_resets_at: datetime | None = instant()
    refused_at: datetime | None = instant()
    refusal: str = ""
    held_until: datetime | None = instant()
