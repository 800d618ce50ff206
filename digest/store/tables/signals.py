"""Which service was asked for which paper, what it said, and when it is asked again."""

from __future__ import annotations

from datetime import datetime

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
