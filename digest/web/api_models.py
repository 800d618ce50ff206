"""What the API answers, as models: its OpenAPI document is made of these."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from digest.core.issue import Card


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(default="", examples=["no paper is known here under this name"])


class PaperAnswer(BaseModel):
    """A paper in a list."""

    title: str = Field(examples=["A probe of lamps"])
    url: str = Field(description="Its page on this site.", examples=["https://digest.example/papers/2605.00001"])
    slug: str = Field(description="Its name in this API.", examples=["2605.00001"])
    arxiv_id: str | None = Field(examples=["2605.00001"])
    primary_category: str
    categories: list[str]
    authors: list[str]
    authors_complete: bool = Field(description="False where only the first authors are known.")
    labs: list[str]
    listed_on: date | None
    code_url: str
    summary: str
    rank: int = Field(description="Its place in this list.")
    score: float
    percentile: float | None = Field(description="0 to 100 within the primary category.")
    evidence: str = Field(examples=["+38 upvotes in 6 h"])
    novelty: float | None = Field(description="0 to 100: how unlike earlier papers' words its words are.")
    simulated: bool = Field(description="True where the evidence was made up for a demonstration.")

    @classmethod
    def of(cls, card: Card, base_url: str) -> Self:
        """Make the answer from a card."""
        return cls(
            title=card.title,
            url=base_url.rstrip("/") + card.path,
            slug=card.path.removeprefix("/papers/"),
            arxiv_id=card.arxiv_id,
            primary_category=card.primary_category,
            categories=list(card.categories),
            authors=list(card.authors),
            authors_complete=card.authors_complete,
            labs=list(card.labs),
            listed_on=card.listed_on,
            code_url=card.code_url,
            summary=card.summary,
            rank=card.rank,
            score=card.score,
            percentile=card.percentile,
            evidence=card.evidence,
            novelty=card.novelty,
            simulated=card.simulated,
        )


class PartAnswer(BaseModel):
    """A part of a score."""

    name: str
    share: float
    words: str


class SignalAnswer(BaseModel):
    """The newest value of a signal."""

    signal: str
    source: str
    at: datetime
    value: float


class SheetAnswer(PaperAnswer):
    """A paper with everything known of it."""

    abstract: str
    parts: list[PartAnswer]
    signals: list[SignalAnswer]


class PapersAnswer(BaseModel):
    """A page of papers."""

    papers: list[PaperAnswer]
    next_cursor: str | None = None


class IssueLineAnswer(BaseModel):
    """An issue in a list."""

    issued_on: date
    papers: int
    first_title: str


class IssuesAnswer(BaseModel):
    """A page of issues."""

    issues: list[IssueLineAnswer]
    next_cursor: str | None = None


class IssueAnswer(BaseModel):
    """The ranking of a day, or a page of it."""

    issued_on: date
    cut_off: datetime | None
    note: str
    total: int
    papers: list[PaperAnswer]
    next_cursor: str | None = None


class SearchAnswer(BaseModel):
    """A page of what a search found."""

    total: int
    total_is_exact: bool
    corrected: str | None = Field(description="The words searched for where the given ones found nothing.")
    loose: bool = Field(description="True where no paper has all the words and these have some.")
    papers: list[PaperAnswer]
    next_cursor: str | None = None
