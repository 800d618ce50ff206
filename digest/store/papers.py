"""Papers found by their address or by the ids that issues and deliveries remember."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from digest.store.dialects import table_of
from digest.store.paper_rows import in_chunks
from digest.store.tables import Paper, PaperAlias
from digest.store.unions import FORMER, former_id


def papers_by_id(session: Session, ids: Iterable[int]) -> dict[int, Paper]:
    """Return papers by id, leaving out ids that no paper has now; see `current_ids` for older ids."""
    found: dict[int, Paper] = {}
    for chunk in in_chunks(ids):
        for paper in session.exec(select(Paper).where(col(Paper.id).in_(chunk))):
            if paper.id is not None:
                found[paper.id] = paper
    return found


def other_ids(session: Session, ids: Iterable[int]) -> dict[int, set[int]]:
    """Map those of the given paper ids whose paper goes, or went, by several ids to all of these.

    Issues and deliveries keep the ids of their day; whoever compares them across days must compare papers.
    """
    current = current_ids(session, ids)
    aliases = table_of(PaperAlias)
    known: dict[int, set[int]] = {}
    for paper_id, now in current.items():
        known.setdefault(now, {now}).add(paper_id)
    for chunk in in_chunks(set(known)):
        former = select(aliases.c.slug, aliases.c.paper_id).where(
            aliases.c.paper_id.in_(chunk), aliases.c.slug.startswith(FORMER)
        )
        for slug, now in session.connection().execute(former):
            known[now].add(int(slug.removeprefix(FORMER)))
    return {paper_id: known[now] for paper_id, now in current.items() if len(known[now]) > 1}


def current_ids(session: Session, ids: Iterable[int]) -> dict[int, int]:
    """Map paper ids, as issues and deliveries remember them, to the ids those papers have now.

    An id changes when its paper turns out to be the same work as an older one; both ids then map to one. An id
    that never was a paper's is left out.
    """
    wanted = set(ids)
    papers, aliases = table_of(Paper), table_of(PaperAlias)
    connection = session.connection()
    current: dict[int, int] = {}
    for chunk in in_chunks(wanted):
        for paper_id in connection.execute(select(papers.c.id).where(papers.c.id.in_(chunk))).scalars():
            current[paper_id] = paper_id
    for chunk in in_chunks(wanted - current.keys()):
        names = {former_id(paper_id): paper_id for paper_id in chunk}
        for slug, paper_id in connection.execute(
            select(aliases.c.slug, aliases.c.paper_id).where(aliases.c.slug.in_(names))
        ):
            current[names[slug]] = paper_id
    return current
