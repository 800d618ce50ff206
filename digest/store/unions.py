"""Two stored papers that turn out to be one work become one row; the other's id and address still find it."""

from __future__ import annotations

from sqlalchemy import Column, and_, delete, exists, select, update
from sqlmodel import Session, SQLModel

from digest.store.dialects import insert_missing, table_of
from digest.store.tables import (
    FormerTitle,
    IssueCard,
    IssueEdit,
    ListingRow,
    ObservationRow,
    Paper,
    PaperAlias,
    PaperCredit,
    PaperStanding,
    PaperText,
    ReactionRow,
    Score,
    SignalCheck,
)

_MOVED: tuple[type[SQLModel], ...] = (ListingRow, IssueCard, IssueEdit, PaperAlias)
_MOVED_ONCE: tuple[tuple[type[SQLModel], tuple[str, ...]], ...] = (
    (ObservationRow, ("signal", "source", "at")),
    (Score, ("as_of",)),
    (SignalCheck, ("service",)),
    (PaperStanding, ()),
    (PaperCredit, ("slug",)),
    (FormerTitle, ("title_key",)),
    (ReactionRow, ("subscriber_id",)),
)


FORMER = "id/"


def former_id(paper_id: int) -> str:
    """Return the alias under which a paper that was merged away is still found by its id."""
    return f"{FORMER}{paper_id}"


def unite_rows(session: Session, survivor: int, loser: int) -> None:
    """Point everything that names the loser at the survivor, keep its addresses as aliases, delete it.

    Where both have the same observation, a score as of the same instant, an answer of the same service, a standing,
    the same credit, former title or reader's reaction, the survivor's stays. The frozen content of issue cards and the
    paper ids in deliveries keep the old id, which resolves through its alias. What was worked out from the loser's
    words goes with it: the survivor has, or gets, its own.
    """
    connection = session.connection()
    papers = table_of(Paper)
    slug = connection.execute(select(papers.c.slug).where(papers.c.id == loser)).scalar_one()
    for model in _MOVED:
        table = table_of(model)
        connection.execute(update(table).where(table.c.paper_id == loser).values(paper_id=survivor))
    for model, key in _MOVED_ONCE:
        table = table_of(model)
        kept = table.alias()
        same: list[Column[object]] = [table.c[name] for name in key]
        known = exists().where(and_(kept.c.paper_id == survivor, *(kept.c[one.name] == one for one in same)))
        connection.execute(update(table).where(table.c.paper_id == loser, ~known).values(paper_id=survivor))
        connection.execute(delete(table).where(table.c.paper_id == loser))
    texts = table_of(PaperText)
    connection.execute(delete(texts).where(texts.c.paper_id == loser))
    connection.execute(delete(papers).where(papers.c.id == loser))
    insert_missing(session, PaperAlias, [{"slug": former, "paper_id": survivor} for former in (slug, former_id(loser))])
