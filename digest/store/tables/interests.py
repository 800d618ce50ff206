"""What readers said they want, what they made of papers they were sent, and the taste learned from both."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_dict, reference


class InterestRow(SQLModel, table=True):
    """An interest of a subscriber: a keyword, an exclusion, an author, a lab, a search or a paper to start from."""

    __tablename__ = "interest"
    __table_args__ = (Index("ix_interest_kind_key", "kind", "key"),)

    subscriber_id: int = reference("subscriber.id", primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    words: str
    created_at: datetime = instant(nullable=False)


class ReactionRow(SQLModel, table=True):
    """What a subscriber made of a paper: `leaning` is 1 for more like it, -1 for less, 0 for neither.

    `saved_version` is the paper's version when it was saved: a later one may come back.
    """

    __tablename__ = "reaction"
    __table_args__ = (Index("ix_reaction_paper_id", "paper_id"),)

    subscriber_id: int = reference("subscriber.id", primary_key=True)
    paper_id: int = reference("paper.id", primary_key=True)
    leaning: int = 0
    saved_at: datetime | None = instant()
    saved_version: int | None = None
    at: datetime = instant(nullable=False)


class TasteRow(SQLModel, table=True):
    """A subscriber's taste as learned from papers: hashed words with weights, and how much each category counts.

    `words` holds places, ascending, as little-endian 32-bit integers; `weights` a little-endian 32-bit float for
    each. `papers` is how many it rests on. `terms` holds the words that say most, for people to read and as the papers
    write them, with weights; those that the reader struck out weigh nothing.
    """

    __tablename__ = "taste"

    subscriber_id: int = reference("subscriber.id", primary_key=True)
    words: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    weights: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    categories: dict[str, Any] = json_dict()
    terms: dict[str, Any] = json_dict()
    papers: int = 0
    learned_at: datetime = instant(nullable=False)
