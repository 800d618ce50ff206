"""What editors did to an issue before it was frozen."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, key, reference


class IssueEdit(SQLModel, table=True):
    """An edit of a day's issue: who made it, when, and who took it back; never deleted."""

    __tablename__ = "issue_edit"

    id: int | None = key()
    issued_on: date = Field(index=True)
    kind: str
    paper_id: int | None = reference("paper.id", nullable=True, index=True)
    place: int | None = None
    words: str = ""
    actor: str
    at: datetime = instant(nullable=False)
    undone_by: str = ""
    undone_at: datetime | None = instant()
