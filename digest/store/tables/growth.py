"""How many readers came and went, day by day; it counts, and names nobody."""

from __future__ import annotations

from datetime import date

from sqlmodel import Field, SQLModel


class ReaderDay(SQLModel, table=True):
    """A day (UTC) that is over: who confirmed, who left, whose mail was stopped, and how many were readers at its end.

    It is kept because those who left are forgotten, and with them that they left.
    """

    __tablename__ = "reader_day"

    day: date = Field(primary_key=True)
    confirmed: int
    departed: int
    suppressed: int
    readers: int
