"""The papers known under the name of an author or a lab, and what is told of them: a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CompoundSelect, Table, and_, case, func, literal, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from digest.core.issue import Card
from digest.core.names import author_slug, lab_slug
from digest.core.portfolio import MIDDLE, Work
from digest.store.dialects import table_of
from digest.store.percentiles import BEST_PERCENTILE
from digest.store.site import card_of
from digest.store.tables import (
    Author,
    AuthorFigureRow,
    ObservationRow,
    Paper,
    PaperAuthor,
    PaperCredit,
    PaperLab,
    PaperStanding,
    PaperText,
    Score,
    Yardstick,
)

MOST_WORKS = 1_000  # so that a page costs the same whatever name a source puts on every paper
_CITATIONS, _INDEX_PERCENTILE = "citations", "index_percentile"

_papers, _kept, _texts = table_of(Paper), table_of(PaperStanding), table_of(PaperText)
_observed, _scores, _credits = table_of(ObservationRow), table_of(Score), table_of(PaperCredit)


class Kind(StrEnum):
    """Whose name papers are gathered by."""

    AUTHOR = "author"
    LAB = "lab"

    @property
    def links(self) -> Table:
        """The table that links papers to such names."""
        return table_of(PaperAuthor if self is Kind.AUTHOR else PaperLab)

    @property
    def names(self) -> Any:
        """The column of a paper that holds such names, in order."""
        return _papers.c.authors if self is Kind.AUTHOR else _papers.c.labs

    def slug_of(self, name: str) -> str:
        """Return the address of such a name."""
        return author_slug(name) if self is Kind.AUTHOR else lab_slug(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What is known under one name.

    `works` are the newest papers, at most 1,000 of the `known` ones. `middle` is the mean best percentile of all
    papers here, `ranked_at` the instant of the newest ranking. `stated` are the figures that sources state.
    """

    kind: Kind
    name: str
    slug: str
    works: tuple[Work, ...]
    known: int
    middle: float
    ranked_at: datetime | None
    stated: tuple[AuthorFigureRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A paper in a list: its card as it stands now, its figures, and the percentile another index stated, if any."""

    card: Card
    work: Work
    elsewhere: ObservationRow | None

    @property
    def simulated(self) -> bool:
        """Whether the percentile that is shown was made up for the demo."""
        return self.card.simulated if self.work.percentile is not None else self.work.simulated


def portfolio(session: Session, kind: Kind, slug: str) -> Portfolio | None:
    """Gather what is known under a slug; None where neither a paper nor a source's figure has it.

    Two people of one name share a slug, and so a portfolio.
    """
    name, stated = _stated(session, slug) if kind is Kind.AUTHOR else ("", ())
    ids, yardstick = _ids(kind, slug), table_of(Yardstick)
    known, ranked_at, middle, credited = (
        session.connection()
        .execute(
            select(
                select(func.count()).select_from(ids.subquery()).scalar_subquery(),
                select(func.max(_scores.c.as_of)).scalar_subquery(),
                select(yardstick.c.value).where(yardstick.c.name == BEST_PERCENTILE).scalar_subquery(),
                select(func.max(_credits.c.name)).where(_credits.c.slug == slug).scalar_subquery(),
            )
        )
        .one()
    )
    works = _works(session, ids, ranked_at) if known else []
    if kind is Kind.AUTHOR and not name:
        name = credited or ""
    if works and not name:
        name = _spelled(session, kind, slug, works[0].paper_id)
    if not name:
        return None
    return Portfolio(
        kind=kind,
        name=name,
        slug=slug,
        works=tuple(works),
        known=known,
        middle=MIDDLE if middle is None else middle,
        ranked_at=ranked_at,
        stated=stated,
    )


def listed(session: Session, found: Portfolio, works: Sequence[Work], *, first: int = 1) -> list[Listed]:
    """Return papers of a portfolio in their order, numbered from `first`; two queries.

    A card carries the evidence of the newest ranking or none: what was said in an older one is not true today.
    """
    ids = [work.paper_id for work in works]
    rows = session.exec(
        select_rows(Paper, Score)
        .join(Score, and_(col(Score.paper_id) == Paper.id, col(Score.as_of) == found.ranked_at), isouter=True)
        .where(col(Paper.id).in_(ids))
    )
    cards = {paper.id: card_of(paper, score) for paper, score in rows}
    stated = session.exec(
        select_rows(ObservationRow)
        .where(col(ObservationRow.paper_id).in_(ids), ObservationRow.signal == _INDEX_PERCENTILE)
        .order_by(col(ObservationRow.at), col(ObservationRow.id))
    )
    elsewhere = {row.paper_id: row for row in stated}
    return [
        Listed(card=replace(cards[work.paper_id], rank=rank), work=work, elsewhere=elsewhere.get(work.paper_id))
        for rank, work in enumerate(works, first)
        if work.paper_id in cards
    ]


def _stated(session: Session, slug: str) -> tuple[str, tuple[AuthorFigureRow, ...]]:
    rows = session.exec(
        select_rows(Author, AuthorFigureRow)
        .join(AuthorFigureRow, col(AuthorFigureRow.author_id) == Author.id, isouter=True)
        .where(Author.slug == slug)
        .order_by(col(AuthorFigureRow.id))
    ).all()
    figures: list[AuthorFigureRow | None] = [figure for _author, figure in rows]  # one None where there are none
    return rows[0][0].name if rows else "", tuple(figure for figure in figures if figure is not None)


def _ids(kind: Kind, slug: str) -> CompoundSelect[Any]:
    links = kind.links
    linked = select(links.c.paper_id).where(links.c.slug == slug)
    credited = select(_credits.c.paper_id).where(_credits.c.slug == slug, literal(kind is Kind.AUTHOR))
    return linked.union(credited)


def _works(session: Session, ids: CompoundSelect[Any], ranked_at: datetime | None) -> list[Work]:
    chosen = (
        select(_papers.c.id, _papers.c.listed_on, _papers.c.primary_category)
        .where(_papers.c.id.in_(ids))
        .order_by(_papers.c.listed_on.desc().nulls_last(), _papers.c.id.desc())
        .limit(MOST_WORKS)
        .subquery()
    )
    counts = _observed.alias()
    newest_count = (
        select(counts.c.id)
        .where(counts.c.paper_id == chosen.c.id, counts.c.signal == _CITATIONS)
        .order_by(counts.c.at.desc(), counts.c.id.desc())
        .limit(1)
        .correlate(chosen)
        .scalar_subquery()
    )
    rows = session.connection().execute(
        select(
            chosen,
            _kept.c.best_percentile,
            _kept.c.best_at,
            _kept.c.simulated,
            case((_kept.c.as_of == ranked_at, _kept.c.last_percentile)),
            _texts.c.novelty,
            _observed.c.value,
            _observed.c.at,
            _observed.c.source,
        )
        .select_from(chosen)
        .outerjoin(_kept, _kept.c.paper_id == chosen.c.id)
        .outerjoin(_texts, _texts.c.paper_id == chosen.c.id)
        .outerjoin(_observed, _observed.c.id == newest_count)
        .order_by(chosen.c.listed_on.desc().nulls_last(), chosen.c.id.desc())
    )
    return [
        Work(
            paper_id=paper_id,
            listed_on=listed_on,
            category=category,
            percentile=percentile,
            best=best,
            best_at=best_at,
            simulated=bool(simulated),
            novelty=novelty,
            citations=citations,
            cited_at=cited_at,
            cited_by=cited_by or "",
        )
        for (
            paper_id,
            listed_on,
            category,
            best,
            best_at,
            simulated,
            percentile,
            novelty,
            citations,
            cited_at,
            cited_by,
        ) in rows
    ]


def _spelled(session: Session, kind: Kind, slug: str, paper_id: int) -> str:
    """Spell a slug as a paper spells it; the slug itself where the paper no longer has it."""
    links = kind.links
    row = (
        session.connection()
        .execute(
            select(links.c.position, kind.names)
            .join(_papers, _papers.c.id == links.c.paper_id)
            .where(links.c.paper_id == paper_id, links.c.slug == slug)
            .limit(1)
        )
        .first()
    )
    return row[1][row[0]] if row and row[0] < len(row[1]) else slug
