"""What the site's pages read: a fixed number of queries for each page, whatever it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.core.issue import Card, IssueState
from digest.core.links import web_url
from digest.core.names import author_slug
from digest.core.sentences import first_sentences
from digest.core.trend import Part, TrendScore
from digest.store.tables import (
    IssueCard,
    IssueRow,
    ListingRow,
    ObservationRow,
    Paper,
    PaperAlias,
    PaperText,
    Score,
)

_SHOWN = col(IssueRow.state) != IssueState.HELD.value
_MOST_SHOWN = 200  # cards of an issue; it holds more, for readers of small categories and for those who watch
_MOST_OBSERVATIONS = 5_000  # for one page; a paper seen four times a day for a year has 1,460 a signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A ranked list as the site shows it: from an issue, or from the latest scores before there is one."""

    cards: tuple[Card, ...]
    issued_on: date | None = None
    as_of: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSheet:
    """Everything the page of one paper shows; `writers` maps the authors to the slugs of their pages."""

    paper: Paper
    score: Score | None
    observations: tuple[ObservationRow, ...]
    listings: tuple[ListingRow, ...]
    issues: tuple[tuple[date, int], ...]
    writers: dict[str, str]
    novelty: float | None


@dataclass(frozen=True, slots=True)
class IssueLine:
    """One past issue in a list: its date, how many papers it ranks, its first title."""

    issued_on: date
    papers: int
    first_title: str


def issue_front(session: Session, issued_on: date | None = None) -> Front | None:
    """Return the issue of a day, or the newest one; None where there is none, or it is held."""
    query = select(IssueRow).where(_SHOWN).order_by(col(IssueRow.issued_on).desc()).limit(1)
    if issued_on is not None:
        query = query.where(IssueRow.issued_on == issued_on)
    row = session.exec(query).first()
    if row is None:
        return None
    cards = session.exec(
        select(IssueCard.card).where(IssueCard.issue_id == row.id).order_by(col(IssueCard.rank)).limit(_MOST_SHOWN)
    )
    return Front(
        cards=tuple(Card.from_plain(plain) for plain in cards),
        issued_on=row.issued_on,
        as_of=row.cut_off,
        note=row.note,
    )


def score_front(session: Session, *, limit: int = _MOST_SHOWN) -> Front | None:
    """Return the latest scores as a list, best first; None before anything is scored."""
    as_of: datetime | None = session.exec(select(func.max(col(Score.as_of)))).one()
    if as_of is None:
        return None
    rows = session.exec(
        select(Paper, Score, PaperText.novelty)
        .join(Score, col(Score.paper_id) == col(Paper.id))
        .join(PaperText, col(PaperText.paper_id) == col(Paper.id), isouter=True)
        .where(Score.as_of == as_of)
        .order_by(col(Score.value).desc(), col(Score.paper_id))
        .limit(limit)
    )
    cards = (card_of(paper, score, rank, novelty=novelty) for rank, (paper, score, novelty) in enumerate(rows, 1))
    return Front(cards=tuple(cards), as_of=as_of)


def observations_of(session: Session, paper_ids: Sequence[int]) -> dict[int, list[ObservationRow]]:
    """Return the newest observations of several papers, by paper, in one query."""
    found: dict[int, list[ObservationRow]] = {}
    if not paper_ids:
        return found
    query = (
        select(ObservationRow)
        .where(col(ObservationRow.paper_id).in_(paper_ids))
        .order_by(col(ObservationRow.at).desc())
        .limit(_MOST_OBSERVATIONS)
    )
    for row in session.exec(query):
        found.setdefault(row.paper_id, []).append(row)
    return found


def find_paper(session: Session, name: str) -> Paper | None:
    """Find a paper by arXiv id (canonical), by slug, or by a former slug."""
    query = select(Paper).where((col(Paper.arxiv_id) == name) | (col(Paper.slug) == name)).limit(2)
    found = session.exec(query).all()
    if found:
        return next((paper for paper in found if paper.arxiv_id == name), found[0])
    return session.exec(select(Paper).join(PaperAlias).where(PaperAlias.slug == name)).first()


def paper_path(paper: Paper) -> str:
    """Return the one address of a paper on the site, from the root."""
    return f"/papers/{paper.arxiv_id or paper.slug}"


def paper_sheet(session: Session, paper: Paper) -> PaperSheet:
    """Gather what the page of a paper shows."""
    score = session.exec(
        select(Score).where(Score.paper_id == paper.id).order_by(col(Score.as_of).desc()).limit(1)
    ).first()
    listings = session.exec(
        select(ListingRow).where(ListingRow.paper_id == paper.id).order_by(col(ListingRow.id)).limit(100)
    ).all()
    issues = session.exec(
        select(col(IssueRow.issued_on), col(IssueCard.rank))
        .where(IssueCard.issue_id == IssueRow.id, IssueCard.paper_id == paper.id, _SHOWN)
        .order_by(col(IssueRow.issued_on).desc())
        .limit(30)
    ).all()
    return PaperSheet(
        paper=paper,
        score=score,
        observations=tuple(observations_of(session, [paper.id or 0]).get(paper.id or 0, [])),
        listings=tuple(listings),
        issues=tuple((issued_on, rank) for issued_on, rank in issues),
        writers={name: author_slug(name) for name in paper.authors},
        novelty=session.exec(select(PaperText.novelty).where(PaperText.paper_id == paper.id)).first(),
    )


def issue_lines(session: Session, *, limit: int = 60, before: date | None = None) -> list[IssueLine]:
    """List the newest issues, of days before one where it is given."""
    counted = (
        select(col(IssueCard.issue_id).label("issue_id"), func.count().label("papers"))
        .group_by(col(IssueCard.issue_id))
        .subquery()
    )
    first = (
        select(IssueCard.issue_id, Paper.title).where(IssueCard.paper_id == Paper.id, IssueCard.rank == 1).subquery()
    )
    rows = session.exec(
        select(col(IssueRow.issued_on), counted.c.papers, first.c.title)
        .join(counted, counted.c.issue_id == IssueRow.id, isouter=True)
        .join(first, first.c.issue_id == IssueRow.id, isouter=True)
        .where(_SHOWN, *([col(IssueRow.issued_on) < before] if before else []))
        .order_by(col(IssueRow.issued_on).desc())
        .limit(limit)
    )
    return [IssueLine(issued_on, papers or 0, title or "") for issued_on, papers, title in rows]


def card_of(paper: Paper, score: Score | TrendScore | None, rank: int = 0, *, novelty: float | None = None) -> Card:
    """Show a paper as it stands now, with a score if it has one, and the first sentences if it has no summary."""
    return Card(
        paper_id=paper.id or 0,
        rank=rank,
        title=paper.title,
        path=paper_path(paper),
        arxiv_id=paper.arxiv_id,
        primary_category=paper.primary_category,
        categories=tuple(paper.categories),
        authors=tuple(paper.authors),
        authors_complete=paper.authors_complete,
        labs=tuple(paper.labs),
        listed_on=paper.listed_on or (paper.published_at.date() if paper.published_at else None),
        has_code=bool(paper.has_code),
        code_url=web_url(paper.code_url),
        discussion_url=web_url(paper.discussion_url),
        project_url=web_url(paper.project_url),
        score=score.value if score else 0.0,
        percentile=score.percentile if score else None,
        evidence=score.evidence if score else "",
        parts=tuple(one if isinstance(one, Part) else Part(**one) for one in score.parts) if score else (),
        summary=paper.summary or first_sentences(paper.abstract),
        simulated=bool(score and score.simulated),
        novelty=novelty,
    )
