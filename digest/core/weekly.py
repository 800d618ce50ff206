"""The issues of a week as one, for readers who want a single mail."""

from __future__ import annotations

from collections.abc import Iterable

from digest.core.issue import Card, Issue


def merge_week(issues: Iterable[Issue]) -> Issue:
    """Merge issues into one that is dated as the newest: each paper once, by its best rank in any of them.

    A paper is shown as its newest card has it; between equal ranks the newer issue goes first.
    Raises ValueError without issues.
    """
    newest_first = sorted(issues, key=lambda issue: issue.issued_on, reverse=True)
    if not newest_first:
        raise ValueError("a week without issues cannot be merged")
    cards: dict[int, Card] = {}
    best: dict[int, tuple[int, int]] = {}
    for age, issue in enumerate(newest_first):
        for card in issue.cards:
            cards.setdefault(card.paper_id, card)
            best[card.paper_id] = min(best.get(card.paper_id, (card.rank, age)), (card.rank, age))
    ordered = sorted(cards, key=lambda paper: best[paper])
    newest = newest_first[0]
    return Issue(
        issued_on=newest.issued_on,
        cut_off=newest.cut_off,
        note=newest.note,
        subject=newest.subject,
        preheader=newest.preheader,
        cards=tuple(cards[paper] for paper in ordered),
    )
