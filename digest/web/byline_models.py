"""What the API answers of authors and labs, as models."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from digest.core.portfolio import Tally
from digest.store.companions import Companion
from digest.store.portfolios import Listed, Portfolio
from digest.web.api_models import PaperAnswer


class FigureAnswer(BaseModel):
    """What one source states of an author."""

    figure: str
    value: str
    source: str
    observed_at: datetime
    doubt: str = Field(description="Why it cannot be true beside the source's other figures; empty where it can.")


class FieldAnswer(BaseModel):
    """A primary category and how many of the papers are in it."""

    category: str
    papers: int


class ComputedAnswer(BaseModel):
    """The figures that this site computed itself, each with the number of papers it was computed over."""

    papers: int = Field(description="Papers the figures were computed over: the newest 1,000 known here.")
    fields: list[FieldAnswer]
    citations: int | None
    citations_papers: int = Field(description="Papers whose citations are known; the h-index is over these too.")
    citations_at: datetime | None = Field(description="When the newest of the citation counts was read.")
    citations_sources: list[str] = Field(description="Who gave the citation counts.")
    h_index: int | None = Field(description="Never more than `citations_papers`.")
    novelty: float | None = Field(description="0 to 100, the mean over the papers that have one.")
    novelty_papers: int
    ai_score: float | None = Field(description="0 to 100; explained at /about/figures#ai-score.")
    ai_score_papers: int = Field(description="Papers with a percentile; novelty counts too.")
    ranked_at: datetime | None = Field(description="The instant of the newest ranking.")
    simulated: bool = Field(description="True where a percentile was made up for a demonstration.")

    @classmethod
    def of(cls, found: Portfolio, own: Tally) -> Self:
        """Make the answer from what was computed."""
        return cls(
            papers=own.papers,
            fields=[FieldAnswer(category=name, papers=papers) for name, papers in own.fields],
            citations=own.citations,
            citations_papers=own.cited,
            citations_at=own.cited_at,
            citations_sources=list(own.cited_by),
            h_index=own.h_index,
            novelty=_rounded(own.novelty),
            novelty_papers=own.appraised,
            ai_score=_rounded(own.ai_score),
            ai_score_papers=own.ranked,
            ranked_at=found.ranked_at,
            simulated=own.simulated,
        )


class ListedAnswer(PaperAnswer):
    """A paper of an author or a lab; `percentile` is null unless it is in the newest ranking."""

    best_percentile: float | None = Field(description="The highest it ever had.")
    best_on: date | None
    citations: int | None
    citations_at: datetime | None

    @classmethod
    def listed(cls, one: Listed, base_url: str) -> Self:
        """Make the answer from a listed paper."""
        work = one.work
        plain = PaperAnswer.of(one.card, base_url).model_dump()
        return cls(
            **{**plain, "percentile": work.percentile, "novelty": work.novelty, "simulated": one.simulated},
            best_percentile=work.best,
            best_on=work.best_at.date() if work.best_at else None,
            citations=None if work.citations is None else int(work.citations),
            citations_at=work.cited_at,
        )


class CompanionAnswer(BaseModel):
    """An author or a lab that shares papers, and how many."""

    name: str
    slug: str
    papers: int

    @classmethod
    def of(cls, one: Companion) -> Self:
        """Make the answer from a companion."""
        return cls(name=one.name, slug=one.slug, papers=one.papers)


class LabAnswer(BaseModel):
    """A lab by its name: figures, a page of papers, and who shares them."""

    name: str
    slug: str
    total: int = Field(description="Papers known here under this name.")
    computed: ComputedAnswer
    authors: list[CompanionAnswer]
    labs: list[CompanionAnswer]
    papers: list[ListedAnswer]
    next_cursor: str | None = None


class AuthorAnswer(LabAnswer):
    """An author by name, and beside the computed figures those that sources state."""

    figures: list[FigureAnswer]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
