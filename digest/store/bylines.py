"""Papers as pages and the API list them: by id, newest first; a fixed number of queries each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, and_, func
from sqlmodel import Session, col, select

from digest.core.issue import Card
from digest.store.site import card_of
from digest.store.tables import Paper, PaperText, Score


def cards_of(session: Session, ids: Sequence[int], *, first: int = 1) -> list[Card]:
    """Return papers as cards in the order of their ids, numbered from `first`.

    Each has its score in the newest ranking, or none: an older percentile is not true today.
    """
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


def _cards(session: Session, condition: ColumnElement[bool]) -> list[Card]:
    newest = select(func.max(col(Score.as_of))).scalar_subquery()
    rows = session.exec(
        select(Paper, Score, PaperText.novelty)
        .join(Score, and_(col(Score.paper_id) == Paper.id, col(Score.as_of) == newest), isouter=True)
        .join(PaperText, col(PaperText.paper_id) == col(Paper.id), isouter=True)
        .where(condition)
    )
    return [card_of(paper, score, novelty=novelty) for paper, score, novelty in rows]
