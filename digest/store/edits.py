"""Queries on the edits of an issue that is not frozen yet."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import insert, select, update
from sqlmodel import Session

from digest.core.edits import Edit, EditKind, Made
from digest.store.dialects import changed, table_of
from digest.store.tables import IssueEdit

# Whoever edits and whoever freezes wait for one another, so that no edit is lost between the draft and the freezing.
ISSUES = "issues"
_edit = table_of(IssueEdit)


def edits_of(session: Session, issued_on: date) -> list[Made]:
    """Return the edits of a day that were not undone, in the order in which they were made."""
    rows = session.connection().execute(
        select(_edit).where(_edit.c.issued_on == issued_on, _edit.c.undone_at.is_(None)).order_by(_edit.c.id)
    )
    return [
        Made(
            id=row.id,
            edit=Edit(kind=EditKind(row.kind), paper_id=row.paper_id, place=row.place, words=row.words),
            actor=row.actor,
            at=row.at,
        )
        for row in rows
    ]


def add_edit(session: Session, issued_on: date, edit: Edit, *, actor: str, now: datetime) -> int:
    """Store an edit and return its id."""
    row = {
        "issued_on": issued_on,
        "kind": edit.kind.value,
        "paper_id": edit.paper_id,
        "place": edit.place,
        "words": edit.words,
        "actor": actor,
        "at": now,
        "undone_by": "",
    }
    stored: int = session.connection().execute(insert(_edit).values(row).returning(_edit.c.id)).scalar_one()
    return stored


def undo_edit(session: Session, issued_on: date, edit_id: int, *, actor: str, now: datetime) -> bool:
    """Take an edit of a day back; False where there is none that is in force."""
    return (
        changed(
            session,
            update(_edit)
            .where(_edit.c.id == edit_id, _edit.c.issued_on == issued_on, _edit.c.undone_at.is_(None))
            .values(undone_by=actor, undone_at=now),
        )
        == 1
    )
