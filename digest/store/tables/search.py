"""What makes papers findable: who wrote them, where, and the words that a misspelt search may have meant.

The full-text index itself is the database's own and is made by a migration: FTS5 on SQLite, a tsvector on
PostgreSQL, both kept by triggers on `paper`. Autogenerate does not see it; see `is_declared`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, String
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import BigKey

FULL_TEXT = "paper_search"

# Words are looked up by how they begin: that needs the order of their code points, whatever the server's locale.
_Word = String().with_variant(String(collation="C"), "postgresql")


def _paper() -> Any:
    # A paper that is merged into another takes its links with it.
    return Field(sa_column=Column(BigKey, ForeignKey("paper.id", ondelete="CASCADE"), primary_key=True))


class PaperAuthor(SQLModel, table=True):
    """An author of a paper by the slug of the name; `position` counts from 0 in the paper's own list."""

    __tablename__ = "paper_author"

    paper_id: int = _paper()
    position: int = Field(primary_key=True)
    slug: str = Field(index=True)


class PaperCredit(SQLModel, table=True):
    """A name under which a source lists a paper, wherever it stands among the authors, many of whom it leaves out."""

    __tablename__ = "paper_credit"

    paper_id: int = _paper()
    slug: str = Field(primary_key=True, index=True)
    name: str


class PaperLab(SQLModel, table=True):
    """A lab of a paper by the slug of its name; `position` counts from 0 in the paper's own list."""

    __tablename__ = "paper_lab"

    paper_id: int = _paper()
    position: int = Field(primary_key=True)
    slug: str = Field(index=True)


class SearchWord(SQLModel, table=True):
    """A word of some title or author, forwards and backwards.

    One wrong letter leaves one half of a word as it was, so its right spelling begins or ends alike.
    """

    __tablename__ = "search_word"

    word: str = Field(sa_column=Column(_Word, primary_key=True))
    backward: str = Field(sa_column=Column(_Word, nullable=False, index=True))


def is_declared(name: str | None, kind: str, _parents: Any) -> bool:
    """Say whether a table is declared here, for Alembic's `include_name`: the full-text index is not."""
    return kind != "table" or name is None or not name.startswith(FULL_TEXT)
