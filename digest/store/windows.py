"""The papers of several issues as one list: those of the last week, or of the last month."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import Session

from digest.core.issue import Card, IssueState
from digest.store.dialects import table_of
from digest.store.site import Front
from digest.store.tables import IssueCard, IssueRow

_card = table_of(IssueCard)
_issue = table_of(IssueRow)
_MOST = 200


def window_front(session: Session, days: int) -> tuple[Front, date, int] | None:
    """Return the papers of the newest issue and those of `days` - 1 days before it, with its date and their number.

    By the best place that a paper had, then by on how many days it stood in an issue; each as the newest of these
    issues shows it. None before the first issue. Three queries.
    """
    shown = _issue.c.state != IssueState.HELD
    newest: date | None = session.connection().scalar(select(func.max(_issue.c.issued_on)).where(shown))
    if newest is None:
        return None
    inside = (shown, _issue.c.issued_on > newest - timedelta(days=days), _issue.c.issued_on <= newest)
    issues, cut_off = (
        session.connection().execute(select(func.count(), func.max(_issue.c.cut_off)).where(*inside)).one()
    )
    best = (
        select(
            _card.c.paper_id,
            func.min(_card.c.rank).label("best"),
            func.count().label("times"),
            func.max(_issue.c.issued_on).label("last_on"),
        )
        .join(_issue, _issue.c.id == _card.c.issue_id)
        .where(*inside)
        .group_by(_card.c.paper_id)
        .order_by(func.min(_card.c.rank), func.count().desc(), func.max(_issue.c.issued_on).desc(), _card.c.paper_id)
        .limit(_MOST)
        .subquery()
    )
    rows = session.connection().execute(
        select(_card.c.card)
        .join(_issue, _issue.c.id == _card.c.issue_id)
        .join(best, (best.c.paper_id == _card.c.paper_id) & (best.c.last_on == _issue.c.issued_on))
        .order_by(best.c.best, best.c.times.desc(), best.c.last_on.desc(), best.c.paper_id)
    )
    by_path: dict[str, Card] = {}  # a paper that was merged meanwhile may stand under two ids
    for (plain,) in rows:
        card = Card.from_plain(plain)
        by_path.setdefault(card.path, card)
    cards = tuple(replace(card, rank=place) for place, card in enumerate(by_path.values(), 1))
    as_of: datetime | None = cut_off
    return Front(cards=cards, as_of=as_of), newest, int(issues)
