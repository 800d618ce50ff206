"""Titles that papers bore once: what finds a paper by the name that a source still gives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from sqlalchemy import func, select
from sqlmodel import Session

from digest.core.merge import MAX_TITLE
from digest.store.dialects import insert_missing, table_of
from digest.store.paper_rows import Entry, in_chunks
from digest.store.tables import FormerTitle

MOST = 8  # titles kept of one paper: the first ones, as those are the likelier to be around
_former = table_of(FormerTitle)


def former_titles(session: Session, keys: Collection[str]) -> list[tuple[str, int]]:
    """Return which papers once bore these titles, as pairs of the title's key and the paper's id."""
    found: list[tuple[str, int]] = []
    for chunk in in_chunks(sorted(key for key in keys if key)):
        rows = session.connection().execute(
            select(_former.c.title_key, _former.c.paper_id).where(_former.c.title_key.in_(chunk))
        )
        found += [(row.title_key, row.paper_id) for row in rows]
    return sorted(found)


def keep_former_titles(session: Session, entries: Iterable[Entry]) -> None:
    """Store the former titles of papers that have their ids, as long as a paper has not too many."""
    retitled = [entry for entry in entries if entry.former]
    if not retitled:
        return
    kept = Counter[int | None]()
    for chunk in in_chunks([entry.id for entry in retitled]):
        counted = select(_former.c.paper_id, func.count()).where(_former.c.paper_id.in_(chunk))
        for paper_id, number in session.connection().execute(counted.group_by(_former.c.paper_id)):
            kept[paper_id] = number
    rows = [
        {"title_key": title, "paper_id": entry.id}
        for entry in retitled
        for title in sorted(one for one in entry.former if len(one) <= MAX_TITLE)[: max(0, MOST - kept[entry.id])]
    ]
    insert_missing(session, FormerTitle, rows)
