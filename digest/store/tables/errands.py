"""What somebody at the desk asked of a source beside its plan."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant


class SourceErrand(SQLModel, table=True):
    """A source that is to be read now, or from a date on; one of each kind for a source and scope at a time.

    `position` is how far it has come, in the source's own word, and `expected` how many requests it was said to cost.
    It is open while `ended_at` is empty, and done by one worker at a time, until `held_until` at the latest.
    """

    __tablename__ = "source_errand"

    source: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    since: date | None = None
    position: str = ""
    expected: int = 0
    asked_by: str = ""
    asked_at: datetime = instant(nullable=False)
    next_at: datetime = instant(nullable=False)
    held_until: datetime | None = instant()
    requests: int = 0
    listings: int = 0
    papers_new: int = 0
    failures: int = 0
    words: str = ""
    ended_at: datetime | None = instant()
    outcome: str = ""
