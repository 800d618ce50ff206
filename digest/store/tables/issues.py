"""The frozen issues and their cards."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_dict, key, reference


class IssueRow(SQLModel, table=True):
    """The dated ranking of one day; frozen, it has a content hash and does not change."""

    __tablename__ = "issue"

    id: int | None = key()
    issued_on: date = Field(unique=True)
    state: str
    cut_off: datetime = instant(nullable=False)
    frozen_at: datetime = instant(nullable=False)
    queued_at: datetime | None = instant()
    content_hash: str
    note: str = ""
    subject: str = ""
    preheader: str = ""


class IssueCard(SQLModel, table=True):
    """One paper of an issue as it stood at the cut-off; `card` is the frozen snapshot that is rendered.

    `paper_id` follows its paper through a merge, `card` never changes. Two cards of one issue may come to name one
    paper, when the two turn out to be one work after the issue went out.
    """

    __tablename__ = "issue_card"
    issue_id: int = reference("issue.id", primary_key=True)
    rank: int = Field(primary_key=True)
    paper_id: int = reference("paper.id", index=True)
    card: dict[str, Any] = json_dict()
