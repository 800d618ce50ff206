"""What one reader was sent, found again: the frozen cards of a delivery, in the order of its mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from digest.core.delivery import DeliveryKind
from digest.core.issue import Card
from digest.store.dialects import table_of
from digest.store.tables import Delivery, IssueCard, IssueRow

_REST_OF_WEEK = timedelta(days=6)  # a weekly reader's papers come from the issues of these days, too

_delivery = table_of(Delivery)
_issue = table_of(IssueRow)
_card = table_of(IssueCard)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentEdition:
    """The papers of one digest or welcome mail, in its order; `note` is the editor's, `as_of` its issue's cut-off."""

    issued_on: date
    as_of: datetime
    cards: tuple[Card, ...]
    note: str


def sent_edition(session: Session, delivery_id: int) -> SentEdition | None:
    """Return what a delivery brought; None where there is no such digest, or nothing was sent by it.

    Papers whose issue is gone are left out.
    """
    sent = (
        session.connection()
        .execute(
            select(_issue.c.issued_on, _issue.c.cut_off, _issue.c.note, _delivery.c.paper_ids)
            .join(_issue, _issue.c.id == _delivery.c.issue_id)
            .where(_delivery.c.id == delivery_id, _delivery.c.kind.in_((DeliveryKind.DIGEST, DeliveryKind.WELCOME)))
        )
        .one_or_none()
    )
    if sent is None or not sent.paper_ids:
        return None
    cards = _cards(session, sent.issued_on, sent.paper_ids)
    return SentEdition(
        issued_on=sent.issued_on,
        as_of=sent.cut_off,
        cards=tuple(cards[one] for one in sent.paper_ids if one in cards),
        note=sent.note,
    )


def _cards(session: Session, issued_on: date, papers: Iterable[int]) -> dict[int, Card]:
    """The newest card of each paper in the week that ends with an issue."""
    week = (
        select(_card.c.card)
        .join(_issue, _issue.c.id == _card.c.issue_id)
        .where(_issue.c.issued_on.between(issued_on - _REST_OF_WEEK, issued_on))
        .order_by(_issue.c.issued_on.desc(), _card.c.rank)
    )
    wanted = set(papers)
    found = _by_paper(session.connection().scalars(week.where(_card.c.paper_id.in_(wanted))))
    if not wanted <= found.keys():  # merged into another since, which its column follows and its card does not
        found = _by_paper(session.connection().scalars(week))
    return {paper: Card.from_plain(plain) for paper, plain in found.items() if paper in wanted}


def _by_paper(cards: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for card in cards:
        found.setdefault(card["paper_id"], card)
    return found
