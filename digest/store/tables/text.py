"""What is worked out from a paper's words, once, when it is listed."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import reference


class PaperText(SQLModel, table=True):
    """A paper's hashed words and what they say: how far it is from earlier work, and how new that makes it.

    `words` holds the places of its different words, ascending, as little-endian 32-bit integers; `counts` the
    weight of each, as little-endian 32-bit floats. `distance` is 0 to 1, `novelty` 0 to 100; None is unknown.
    """

    __tablename__ = "paper_text"
    __table_args__ = (Index("ix_paper_text_listed_on", "listed_on"),)

    paper_id: int = reference("paper.id", primary_key=True)
    listed_on: date
    words: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    counts: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    distance: float | None = None
    novelty: float | None = None
