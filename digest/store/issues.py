"""Issues: frozen once for a date, and rebuilt exactly as they were frozen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from digest.core.issue import TRANSITIONS, Card, Issue, IssueState, content_hash
from digest.errors import CorruptState, NotFound
from digest.store.dialects import insert_into, table_of
from digest.store.tables import IssueCard, IssueRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredIssue:
    """A frozen issue, its id and state; `created` is True for the caller whose call froze it."""

    id: int
    issue: Issue
    state: IssueState
    frozen_at: datetime
    created: bool = False


def freeze_issue(session: Session, issue: Issue, *, now: datetime, held: bool = False) -> int | None:
    """Store an issue with its cards and hash in the session's transaction and return its id.

    One that is `held` waits for somebody to let it go.
    Returns None where the date has an issue already: of two that freeze one date at once, one wins.
    """
    table = table_of(IssueRow)
    connection = session.connection()
    issue_id: int | None = connection.execute(
        insert_into(session, table)
        .values(
            issued_on=issue.issued_on,
            state=(IssueState.HELD if held else IssueState.FROZEN).value,
            cut_off=issue.cut_off,
            frozen_at=now,
            content_hash=issue.content_hash,
            note=issue.note,
            subject=issue.subject,
            preheader=issue.preheader,
        )
        .on_conflict_do_nothing()
        .returning(table.c.id)
    ).scalar_one_or_none()
    if issue_id is None:
        return None
    rows = [
        {"issue_id": issue_id, "rank": card.rank, "paper_id": card.paper_id, "card": card.as_plain()}
        for card in issue.cards
    ]
    connection.execute(insert(table_of(IssueCard)), rows)
    return issue_id


def load_issue(session: Session, issue_id: int) -> Issue:
    """Rebuild an issue as it was frozen. Raises NotFound, and CorruptState if what is stored was changed since."""
    row = session.get(IssueRow, issue_id)
    if row is None:
        raise NotFound(f"no issue {issue_id}")
    return _rebuilt(session, row).issue


def by_date(session: Session, issued_on: date) -> StoredIssue | None:
    """Return the issue of a date, or None."""
    row = session.execute(select(IssueRow).where(col(IssueRow.issued_on) == issued_on)).scalar_one_or_none()
    return _rebuilt(session, row) if row else None


def state_on(session: Session, issued_on: date) -> tuple[int, IssueState] | None:
    """Return the id and state of a date's issue without rebuilding it, or None."""
    table = table_of(IssueRow)
    row = session.connection().execute(select(table.c.id, table.c.state).where(table.c.issued_on == issued_on)).first()
    return (row.id, IssueState(row.state)) if row else None


def hash_on(session: Session, issued_on: date) -> tuple[int, str] | None:
    """Return the id and content hash of a date's issue without rebuilding it, or None."""
    table = table_of(IssueRow)
    row = session.connection().execute(select(table.c.id, table.c.content_hash).where(table.c.issued_on == issued_on))
    found = row.first()
    return (found.id, found.content_hash) if found else None


def move_issue(session: Session, issue_id: int, to: IssueState) -> bool:
    """Change an issue's state if the transition table allows it from where the issue is now; say whether it did."""
    table = table_of(IssueRow)
    sources = [state.value for state, ways in TRANSITIONS.items() if to in ways]
    moved = session.connection().execute(
        update(table).where(table.c.id == issue_id, table.c.state.in_(sources)).values(state=to.value)
    )
    return moved.rowcount == 1


def dates_of(session: Session, ids: Collection[int]) -> list[date]:
    """Return the dates of issues, in order."""
    table = table_of(IssueRow)
    rows = session.connection().scalars(
        select(table.c.issued_on).where(table.c.id.in_(ids)).order_by(table.c.issued_on)
    )
    return list(rows)


def _rebuilt(session: Session, row: IssueRow) -> StoredIssue:
    table = table_of(IssueCard)
    rows = session.connection().execute(select(table.c.card).where(table.c.issue_id == row.id).order_by(table.c.rank))
    cards = list(rows.scalars())
    # Over what is stored, not over what is made of it: a card of an older version lacks fields that came later.
    lines = {"subject": row.subject, "preheader": row.preheader}
    if content_hash(row.issued_on, row.cut_off, row.note, cards, **lines) != row.content_hash:
        raise CorruptState(
            f"the issue of {row.issued_on} is not what was frozen: its content hash differs. "
            "Restore it from a backup; it is not sent as it is"
        )
    issue = Issue(
        issued_on=row.issued_on,
        cut_off=row.cut_off,
        cards=tuple(Card.from_plain(card) for card in cards),
        note=row.note,
        **lines,
    )
    return StoredIssue(id=row.id or 0, issue=issue, state=IssueState(row.state), frozen_at=row.frozen_at)
