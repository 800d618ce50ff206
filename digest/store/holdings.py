"""Queries on everything held about one reader, row by row, for the export that they have a right to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select
from sqlmodel import Session

from digest.store.dialects import table_of
from digest.store.paper_rows import in_chunks
from digest.store.papers import current_ids
from digest.store.tables import (
    AddressChange,
    BounceEvent,
    Consent,
    Delivery,
    InterestRow,
    Paper,
    ReactionRow,
    SpecimenLetter,
    Subscriber,
    Subscription,
    Suppression,
    TasteRow,
)

Row = Mapping[str, Any]
# Where a reader's rows are, with the column that holds the reader's id; a test finds tables that are missing here.
HELD: dict[str, tuple[type[Any], str]] = {
    "subscriber": (Subscriber, "id"),
    "subscription": (Subscription, "subscriber_id"),
    "consent": (Consent, "subscriber_id"),
    "address_change": (AddressChange, "subscriber_id"),
    "interest": (InterestRow, "subscriber_id"),
    "reaction": (ReactionRow, "subscriber_id"),
    "taste": (TasteRow, "subscriber_id"),
    "delivery": (Delivery, "subscriber_id"),
    "bounce_event": (BounceEvent, "subscriber_id"),
    "specimen_letter": (SpecimenLetter, "subscriber_id"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """A paper as a reader would look it up."""

    title: str
    path: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything held: rows by table, the bans on the addresses, and the papers that the rows speak of."""

    rows: Mapping[str, Sequence[Row]]
    bans: Sequence[Row]
    papers: Mapping[int, Named]


def holdings_of(session: Session, subscriber_id: int, hashes: Sequence[str]) -> Holdings | None:
    """Return everything held about a reader whose addresses have these hashes; None if there is no such reader."""
    rows = {name: _rows(session, table_of(model), column, subscriber_id) for name, (model, column) in HELD.items()}
    if not rows["subscriber"]:
        return None
    suppression = table_of(Suppression)
    banned = session.connection().execute(select(suppression).where(suppression.c.address_hash.in_(hashes)))
    spoken_of = {row["paper_id"] for row in rows["reaction"]}
    spoken_of |= {paper for row in rows["delivery"] for paper in row["paper_ids"]}
    return Holdings(rows, [dict(row) for row in banned.mappings()], _papers(session, spoken_of))


def _rows(session: Session, table: Table, column: str, subscriber_id: int) -> list[Row]:
    statement = select(table).where(table.c[column] == subscriber_id).order_by(*table.primary_key.columns)
    return [dict(row) for row in session.connection().execute(statement).mappings()]


def _papers(session: Session, ids: set[int]) -> dict[int, Named]:
    current = current_ids(session, ids)
    paper = table_of(Paper)
    named: dict[int, Named] = {}
    for chunk in in_chunks(set(current.values())):
        found = session.connection().execute(
            select(paper.c.id, paper.c.title, paper.c.slug, paper.c.arxiv_id).where(paper.c.id.in_(chunk))
        )
        named |= {row.id: Named(row.title, f"/papers/{row.arxiv_id or row.slug}") for row in found}
    return {old: named[now] for old, now in current.items() if now in named}
