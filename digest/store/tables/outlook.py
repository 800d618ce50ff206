"""The line-up as of the newest scores, from which the desk draws tomorrow's issue."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_list


class OutlookRow(SQLModel, table=True):
    """Paper ids as an issue would have them as of an instant: `ranked` in order, `beyond` for readers who watch.

    There is one row: the newest takes the place of the one before it.
    """

    __tablename__ = "outlook"

    id: int = Field(default=1, primary_key=True)
    as_of: datetime = instant(nullable=False)
    ranked: list[int] = json_list()
    beyond: list[int] = json_list()
