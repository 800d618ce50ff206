"""What is worked out from a paper's words, once, when it is listed."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, LargeBinary
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import BigKey, reference


def _paper() -> Any:
    # A paper that is merged into another takes its neighbourhood with it.
    return Field(sa_column=Column(BigKey, ForeignKey("paper.id", ondelete="CASCADE"), primary_key=True))


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


class PaperNeighbour(SQLModel, table=True):
    """One of the papers nearest to a paper when its words were read, all of them earlier ones; `cosine` is 0 to 1."""

    __tablename__ = "paper_neighbour"
    __table_args__ = (Index("ix_paper_neighbour_other_id", "other_id"),)

    paper_id: int = _paper()
    other_id: int = _paper()
    cosine: float


class WordFrequency(SQLModel, table=True):
    """In how many papers each word stands, in one row: `counts` holds a little-endian 32-bit integer a place.

    `papers` is how many were counted. Papers that were merged away since stay counted: it is a scale, no census.
    """

    __tablename__ = "word_frequency"

    id: int = Field(primary_key=True)
    papers: int
    counts: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
