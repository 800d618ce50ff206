"""Papers as pages and the API list them: by id, by author, by lab, newest first; a fixed number of queries each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from digest.core.issue import Card
from digest.store.indexing import author_slug, lab_slug
from digest.store.site import card_of
from digest.store.tables import Paper, PaperAuthor, PaperLab, PaperText, Score

_MOST = 100
_MOST_WRITERS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSheet:
    """A lab as its papers name it, the latest of these, and who wrote most of them: name, slug, papers."""

    name: str
    slug: str
    cards: tuple[Card, ...]
    writers: tuple[tuple[str, str, int], ...]


def cards_of(session: Session, ids: Sequence[int], *, first: int = 1) -> list[Card]:
    """Return papers as cards in the order of their ids, each with its newest score, numbered from `first`."""
    if not ids:
        return []
    found = {card.paper_id: card for card in _cards(session, col(Paper.id).in_(ids))}
    return [replace(found[paper_id], rank=rank) for rank, paper_id in enumerate(ids, first) if paper_id in found]


def latest_cards(session: Session, *, category: str = "", below: int | None = None, limit: int = 50) -> list[Card]:
    """Return the papers that were read last, of a primary category and with smaller ids than `below` where given."""
    conditions: list[ColumnElement[bool]] = []
    if category:
        conditions.append(col(Paper.primary_category) == category)
    if below is not None:
        conditions.append(col(Paper.id) < below)
    query = select(Paper.id).where(*conditions).order_by(col(Paper.id).desc()).limit(limit)
    return cards_of(session, [paper_id for paper_id in session.exec(query) if paper_id is not None])


def author_cards(session: Session, slug: str) -> list[Card]:
    """Return the latest papers of an author, by the slug of the name."""
    query = (
        select(Paper.id)
        .join(PaperAuthor)
        .where(PaperAuthor.slug == slug)
        .group_by(col(Paper.id))  # a list may name one person twice
        .order_by(col(Paper.listed_on).desc().nulls_last(), col(Paper.id).desc())
        .limit(_MOST)
    )
    return cards_of(session, [paper_id for paper_id in session.exec(query) if paper_id is not None])


def lab_sheet(session: Session, slug: str) -> LabSheet | None:
    """Gather what the page of a lab shows; None for a slug that no paper has."""
    query = (
        select(Paper.id)
        .join(PaperLab)
        .where(PaperLab.slug == slug)
        .group_by(col(Paper.id))
        .order_by(col(Paper.listed_on).desc().nulls_last(), col(Paper.id).desc())
        .limit(_MOST)
    )
    cards = cards_of(session, [paper_id for paper_id in session.exec(query) if paper_id is not None])
    if not cards:
        return None
    spelled = Counter(lab for card in cards for lab in card.labs if lab_slug(lab) == slug)
    writers = Counter(name for card in cards for name in card.authors)
    return LabSheet(
        name=spelled.most_common(1)[0][0],
        slug=slug,
        cards=tuple(cards),
        writers=tuple((name, author_slug(name), papers) for name, papers in writers.most_common(_MOST_WRITERS)),
    )


def _cards(session: Session, condition: ColumnElement[bool]) -> list[Card]:
    newest = (
        select(Score.id)
        .where(Score.paper_id == Paper.id)
        .order_by(col(Score.as_of).desc())
        .limit(1)
        .correlate(Paper)
        .scalar_subquery()
    )
    rows = session.exec(
        select(Paper, Score, PaperText.novelty)
        .join(Score, col(Score.id) == newest, isouter=True)
        .join(PaperText, col(PaperText.paper_id) == col(Paper.id), isouter=True)
        .where(condition)
    )
    return [card_of(paper, score, novelty=novelty) for paper, score, novelty in rows]
