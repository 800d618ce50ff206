"""What a reader typed into the boxes of their preferences, read with the help of what is known here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine, select
from sqlmodel import Session

from digest.core.boxes import Box, own_address, read_box, to_find
from digest.core.interests import Interest, InterestKind
from digest.core.text import title_key
from digest.store.dialects import table_of
from digest.store.engine import reading
from digest.store.known_names import meant, spelt
from digest.store.paper_rows import in_chunks
from digest.store.portfolios import Kind
from digest.store.site import find_paper
from digest.store.tables import Paper

_MOST_LOOKED_UP = 60  # lines of a box that only a query each can read
_MOST_GUESSED = 8  # names that others are proposed for
_FOLDERS = {InterestKind.AUTHOR: "authors", InterestKind.LAB: "labs", InterestKind.PAPER: "papers"}
_NAMED = {InterestKind.AUTHOR: Kind.AUTHOR, InterestKind.LAB: Kind.LAB}
_papers = table_of(Paper)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known here of a reader's interests.

    `titles` are those of papers to start from, by arXiv id or slug; `strangers` authors and labs that no paper here
    names, each with the names that may be meant.
    """

    titles: Mapping[str, str] = field(default_factory=dict)
    strangers: tuple[tuple[Interest, tuple[str, ...]], ...] = ()


def read_boxes(engine: Engine, typed: Mapping[InterestKind, str]) -> dict[InterestKind, Box]:
    """Read the boxes, each line by itself; addresses of this site and titles of papers are looked up."""
    with reading(engine) as session:
        return {kind: read_box(kind, text, _found(session, kind, to_find(kind, text))) for kind, text in typed.items()}


def name_at(engine: Engine, address: str) -> tuple[InterestKind, str] | None:
    """Return what the address of an author, a lab or a paper stands for, as it is typed into its box."""
    read = own_address(address)
    if read is None:
        return None
    kind = next(kind for kind, folder in _FOLDERS.items() if folder == read[0])
    with reading(engine) as session:
        found = _found(session, kind, [address])
    return (kind, found[address]) if address in found else None


def known_of(engine: Engine, interests: Iterable[Interest]) -> Known:
    """Look up the papers and names among interests."""
    wanted = list(interests)
    with reading(engine) as session:
        titles = _titles(session, [one.key for one in wanted if one.kind is InterestKind.PAPER])
        strangers: list[tuple[Interest, tuple[str, ...]]] = []
        for kind, named in _NAMED.items():
            mine = [one for one in wanted if one.kind is kind]
            there = spelt(session, named, [one.key for one in mine])
            for one in mine:
                if one.key not in there:
                    guesses = meant(session, named, one.key) if len(strangers) < _MOST_GUESSED else ()
                    strangers.append((one, tuple(guesses)))
    return Known(titles=titles, strangers=tuple(strangers))


def _found(session: Session, kind: InterestKind, lines: list[str]) -> dict[str, str]:
    if kind is InterestKind.PAPER:
        papers = {line: _paper(session, line) for line in lines[:_MOST_LOOKED_UP]}
        return {line: paper.arxiv_id or paper.slug for line, paper in papers.items() if paper is not None}
    if kind not in _NAMED:
        return {}
    slugs = {line: read[1] for line in lines if (read := own_address(line)) and read[0] == _FOLDERS[kind]}
    names = spelt(session, _NAMED[kind], slugs.values())
    return {line: names[slug] for line, slug in slugs.items() if slug in names}


def _paper(session: Session, line: str) -> Paper | None:
    address = own_address(line)
    if address is not None and address[0] == "papers":
        return find_paper(session, address[1])
    found = find_paper(session, line)
    key = title_key(line)
    if found is None and len(key.split()) > 1:
        titled = session.connection().execute(select(_papers.c.slug).where(_papers.c.title_key == key).limit(2)).all()
        found = find_paper(session, titled[0].slug) if len(titled) == 1 else None
    return found


def _titles(session: Session, names: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in in_chunks(names):
        for column in (_papers.c.arxiv_id, _papers.c.slug):
            query = select(column, _papers.c.title).where(column.in_(chunk))
            found.update((name, title) for name, title in session.connection().execute(query))
    return found
