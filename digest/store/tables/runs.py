"""Runs of the sources: how each ended, what it set aside, how far it has read."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from digest.store.tables.columns import instant, key, reference


class IngestRun(SQLModel, table=True):
    """One run of a source in one scope, and how it ended."""

    __tablename__ = "ingest_run"

    id: int | None = key()
    source: str = Field(index=True)
    scope: str = ""
    origin: str = ""
    content_hash: str = Field(default="", index=True)
    observed_at: datetime | None = instant()
    started_at: datetime = instant(nullable=False, index=True)
    finished_at: datetime | None = instant()
    status: str = ""
    reason: str = ""
    listings: int = 0
    papers_new: int = 0
    papers_updated: int = 0
    observations: int = 0
    rejected: int = 0


class RejectedRecord(SQLModel, table=True):
    """A record that a run set aside, with its reason."""

    __tablename__ = "rejected_record"

    id: int | None = key()
    run_id: int = reference("ingest_run.id", index=True)
    position: str
    reason: str
    excerpt: str = ""


class SourceCursor(SQLModel, table=True):
    """How far a source has been read in one scope."""

    __tablename__ = "source_cursor"

    source: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)
    position: str = ""
    etag: str = ""
    last_modified: str = ""
    updated_at: datetime = instant(nullable=False)
