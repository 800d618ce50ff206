"""Who shares papers with an author or a lab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import distinct, func, select
from sqlmodel import Session

from digest.store.dialects import table_of
from digest.store.portfolios import Kind, Portfolio
from digest.store.tables import Paper

_MOST_NAMES = 30  # of one paper's authors; those of a collaboration of thousands say nothing of who works with whom
_MOST_COMPANIONS = 24

_papers = table_of(Paper)


@dataclass(frozen=True, slots=True)
class Companion:
    """An author or a lab that shares papers with another one: name, slug, how many."""

    name: str
    slug: str
    papers: int


def companions(session: Session, found: Portfolio) -> dict[Kind, list[Companion]]:
    """Return the authors and the labs that share most papers with a portfolio, itself left out; three queries."""
    ids = [work.paper_id for work in found.works]
    shared = {kind: _shared(session, found, kind, ids) for kind in Kind}
    samples = {paper_id for rows in shared.values() for _slug, _count, paper_id in rows}
    spelled: dict[int, dict[Kind, dict[str, str]]] = {}
    if samples:
        papers = session.connection().execute(
            select(_papers.c.id, *(kind.names for kind in Kind)).where(_papers.c.id.in_(samples))
        )
        for paper_id, *lists in papers:
            spelled[paper_id] = {
                kind: {kind.slug_of(name): name for name in names[:_MOST_NAMES]}
                for kind, names in zip(Kind, lists, strict=True)
            }
    return {
        kind: [
            Companion(spelled[paper_id][kind][slug], slug, count)
            for slug, count, paper_id in rows
            if slug in spelled.get(paper_id, {}).get(kind, {})
        ]
        for kind, rows in shared.items()
    }


def _shared(session: Session, found: Portfolio, kind: Kind, ids: Sequence[int]) -> list[tuple[str, int, int]]:
    """Return the slugs that stand on most of the papers, on how many, and one of these."""
    links = kind.links
    conditions = [links.c.paper_id.in_(ids), links.c.position < _MOST_NAMES]
    if kind is found.kind:
        conditions.append(links.c.slug != found.slug)
    papers = func.count(distinct(links.c.paper_id))
    rows = session.connection().execute(
        select(links.c.slug, papers, func.max(links.c.paper_id))
        .where(*conditions)
        .group_by(links.c.slug)
        .order_by(papers.desc(), links.c.slug)
        .limit(_MOST_COMPANIONS)
    )
    return [(slug, count, paper_id) for slug, count, paper_id in rows]
