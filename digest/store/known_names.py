"""Authors and labs that papers known here name: how they are spelt, and which are meant by a name that none has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlmodel import Session

from digest.store.dialects import table_of
from digest.store.paper_rows import in_chunks
from digest.store.portfolios import Kind
from digest.store.tables import Author, Paper, PaperCredit

_COMPARED = 3_000  # spellings that are compared with one name
_ALIKE = 0.72  # of difflib's ratio; `yan-dauphin` and `yann-n-dauphin` have 0.88
_LONG = 4  # letters of a lab's word that tell it from others

_papers, _authors, _credits = table_of(Paper), table_of(Author), table_of(PaperCredit)


def spelt(session: Session, kind: Kind, slugs: Iterable[str]) -> dict[str, str]:
    """Return how those of the names that are known here are spelt, by slug; a fixed number of queries a chunk."""
    links, found = kind.links, dict[str, str]()
    for chunk in in_chunks(set(slugs)):
        first = select(links.c.slug, func.min(links.c.paper_id)).where(links.c.slug.in_(chunk)).group_by(links.c.slug)
        rows = session.connection().execute(
            select(links.c.slug, links.c.position, kind.names)
            .join(_papers, _papers.c.id == links.c.paper_id)
            .where(tuple_(links.c.slug, links.c.paper_id).in_(first))
        )
        for slug, position, names in rows:
            if position < len(names):
                found.setdefault(slug, names[position])
        if kind is Kind.AUTHOR:
            for table in (_authors, _credits):
                named = select(table.c.slug, table.c.name).where(table.c.slug.in_(chunk))
                for slug, name in session.connection().execute(named):
                    found.setdefault(slug, name)
    return found


def meant(session: Session, kind: Kind, slug: str, *, limit: int = 3) -> list[str]:
    """Return the known names nearest to one that is not known, as they are spelt, the nearest first."""
    words = slug.split("-")
    column = kind.links.c.slug
    if kind is Kind.AUTHOR:
        # The same first name, or the same surname and initial: one of them is rarely misspelt together with the other.
        begun = [_begins(column, f"{words[0]}-")] if len(words[0]) > 1 else []
        near = [*begun, _begins(column, words[0][:1]) & column.endswith(f"-{words[-1]}")]
        near += [_begins(column, words[1][:1]) & column.endswith(f"-{words[0]}") for _turned in words[1:2]]
    else:
        longest = max(words, key=len)
        near = [column.contains(longest)] if len(longest) >= _LONG else []
        near += [_begins(column, words[0][:_LONG])]
    candidates: set[str] = set()
    for condition in near:
        query = select(column).where(condition).distinct().limit(_COMPARED)
        candidates.update(session.connection().execute(query).scalars())
    nearest = _nearest(slug, words, sorted(candidates), limit)
    names = spelt(session, kind, nearest)
    return [names[one] for one in nearest if one in names]


def _nearest(slug: str, words: Sequence[str], candidates: Sequence[str], limit: int) -> list[str]:
    close = difflib.get_close_matches(slug, candidates, n=limit, cutoff=_ALIKE)
    turned = difflib.get_close_matches("-".join([*words[1:], words[0]]), candidates, n=limit, cutoff=0.9)
    holding = [one for one in candidates if set(words) <= set(one.split("-"))][:limit]
    return list(dict.fromkeys([*close, *turned, *holding]))[:limit]


def _begins(column: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    # A range of letters, which an index serves under any collation; LIKE only sorts out what a locale puts between.
    stem, last = beginning.rstrip("-")[:-1], beginning.rstrip("-")[-1:]
    after = stem + chr(ord(last) + 1) if last.isalpha() and last != "z" else f"{stem}{last}zzzz"
    return column.between(stem + last, after) & column.startswith(beginning)
