"""Papers, their listings, observations, authors and scores."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, json_dict, json_list, key, reference


class Paper(SQLModel, table=True):
    """A work, across its versions and cross-lists; `standings` says how good each known fact's source is."""

    # An id is never given twice: issues and deliveries remember the ids of papers that were merged away.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = key()
    arxiv_id: str | None = Field(default=None, unique=True)
    slug: str = Field(unique=True)
    title: str
    title_key: str = Field(index=True)
    first_author_key: str = ""
    abstract: str = ""
    summary: str = ""
    authors: list[str] = json_list()
    authors_complete: bool = True
    labs: list[str] = json_list()
    primary_category: str = Field(default="", index=True)
    categories: list[str] = json_list()
    keywords: list[str] = json_list()
    version: int | None = None
    listed_on: date | None = Field(default=None, index=True)
    published_at: datetime | None = instant()
    updated_at: datetime | None = instant()
    has_code: bool | None = None
    code_url: str = ""
    project_url: str = ""
    discussion_url: str = ""
    comment: str = ""
    doi: str = ""
    journal_ref: str = ""
    license_url: str = ""
    standings: dict[str, int] = json_dict()
    first_seen_at: datetime = instant(nullable=False, index=True)


class PaperAlias(SQLModel, table=True):
    """A former slug of a paper, so that its old address still finds it after a merge.

    `id/17` is the alias of the paper that once had the id 17, for issues and deliveries that remember it.
    """

    slug: str = Field(primary_key=True)
    paper_id: int = reference("paper.id", index=True)


class FormerTitle(SQLModel, table=True):
    """A title, as its key, that a paper has borne in some version, or that a source gives it: not its title now.

    A source that lists the paper by such a title, and names no arXiv id, finds it by this.
    """

    __tablename__ = "former_title"

    title_key: str = Field(primary_key=True)
    paper_id: int = reference("paper.id", primary_key=True, index=True)


class ListingRow(SQLModel, table=True):
    """One announcement; its key makes a second reading of the same bytes add nothing."""

    __tablename__ = "listing"
    __table_args__ = (UniqueConstraint("source", "key", name="uq_listing_source_key"),)

    id: int | None = key()
    source: str
    key: str
    paper_id: int = reference("paper.id", index=True)
    announce_type: str
    version: int | None = None
    listed_on: date | None = None
    run_id: int | None = reference("ingest_run.id", nullable=True, index=True)


class ObservationRow(SQLModel, table=True):
    """A signal's value at an instant."""

    __tablename__ = "observation"
    __table_args__ = (
        UniqueConstraint("paper_id", "signal", "source", "at", name="uq_observation"),
        Index("ix_observation_at", "at"),
    )

    id: int | None = key()
    paper_id: int = reference("paper.id")
    signal: str
    source: str
    at: datetime = instant(nullable=False)
    value: float
    of: int | None = None
    coverage: str = ""


class Author(SQLModel, table=True):
    """A person as sources name them; figures are kept apart, each with its source."""

    id: int | None = key()
    name: str
    slug: str = Field(unique=True)


class AuthorFigureRow(SQLModel, table=True):
    """What one source states of an author, and when it was read."""

    __tablename__ = "author_figure"
    __table_args__ = (UniqueConstraint("author_id", "figure", "source", name="uq_author_figure"),)

    id: int | None = key()
    author_id: int = reference("author.id")
    figure: str
    value: str
    source: str
    observed_at: datetime = instant(nullable=False)


class Score(SQLModel, table=True):
    """A paper's TrendScore as of an instant, with the parts that explain it."""

    __table_args__ = (UniqueConstraint("as_of", "paper_id", name="uq_score"),)

    id: int | None = key()
    paper_id: int = reference("paper.id", index=True)
    as_of: datetime = instant(nullable=False)
    value: float
    percentile: float | None = None
    parts: list[dict[str, Any]] = json_list()
    evidence: str = ""
    simulated: bool = False


class PaperStanding(SQLModel, table=True):
    """What is kept of a paper's scores for good: its best percentile and its last, each with its instant.

    `simulated` says whether the best rests on signals that the demo made up.
    """

    __tablename__ = "paper_standing"

    paper_id: int = reference("paper.id", primary_key=True)
    best_percentile: float
    best_at: datetime = instant(nullable=False)
    last_percentile: float
    as_of: datetime = instant(nullable=False)
    simulated: bool = False


class Yardstick(SQLModel, table=True):
    """What a figure is on average over all papers known here, as of the newest ranking; one row a figure."""

    name: str = Field(primary_key=True)
    value: float
    papers: int
    as_of: datetime = instant(nullable=False)
