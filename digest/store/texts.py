"""What is worked out from papers' words: which papers wait for it, their prints, and what is near a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import delete, exists, func, insert, select, union_all
from sqlmodel import Session

from digest.core.prints import PLACES, Print
from digest.store.dialects import ROWS_PER_STATEMENT, insert_missing, one_writer, table_of
from digest.store.paper_rows import in_chunks
from digest.store.papers import current_ids
from digest.store.tables import Paper, PaperNeighbour, PaperText, WordFrequency

_STREAMED = 2_000  # rows
_paper = table_of(Paper)
_text = table_of(PaperText)
_neighbour = table_of(PaperNeighbour)
_frequency = table_of(WordFrequency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What was worked out for one paper; `nearest` holds earlier papers' ids with cosines."""

    paper_id: int
    listed_on: date
    words: Print
    distance: float | None
    novelty: float | None
    nearest: tuple[tuple[int, float], ...] = ()


class Printed(NamedTuple):
    """A stored print, the day its paper was listed, and how far it was from earlier work."""

    paper_id: int
    listed_on: date
    words: Print
    distance: float | None


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In how many of `papers` papers each word stands: a little-endian int32 a place."""

    papers: int
    counts: bytes


def unread(session: Session) -> list[tuple[date, int]]:
    """List the papers that have an abstract and whose words were not read yet: day and id, in this order.

    The day is that of the listing; without one, that of the publication, or on which the paper was first seen here.
    """
    # By an index alone: the rows of papers are long, and almost all of them are read already.
    waiting = session.connection().execute(select(_paper.c.id).where(~exists().where(_text.c.paper_id == _paper.c.id)))
    found: list[tuple[date, int]] = []
    for chunk in in_chunks(waiting.scalars().all()):
        rows = session.connection().execute(
            select(_paper.c.id, _paper.c.listed_on, _paper.c.published_at, _paper.c.first_seen_at).where(
                _paper.c.id.in_(chunk), _paper.c.abstract != ""
            )
        )
        found += [(listed or (published or seen).date(), paper_id) for paper_id, listed, published, seen in rows]
    return sorted(found)


def texts_of(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return the title and abstract of papers."""
    found: dict[int, str] = {}
    for chunk in in_chunks(ids):
        rows = session.connection().execute(
            select(_paper.c.id, _paper.c.title, _paper.c.abstract).where(_paper.c.id.in_(chunk))
        )
        found.update((paper_id, f"{title}\n{abstract}") for paper_id, title, abstract in rows)
    return found


def prints_listed(session: Session, after: date | None, first: date, last: date, most: int) -> Iterator[Printed]:
    """Stream the prints of papers listed after one day and until the last.

    Before the first day that matters, at most about so many papers, the latest.
    """
    since = (
        select(_text.c.listed_on)
        .where(_text.c.listed_on < first)
        .order_by(_text.c.listed_on.desc())
        .offset(most)
        .limit(1)
    )
    oldest = session.connection().scalar(since)
    days = [_text.c.listed_on <= last]
    if after is not None:
        days.append(_text.c.listed_on > after)
    if oldest is not None:
        days.append(_text.c.listed_on >= oldest)
    columns = (_text.c.paper_id, _text.c.listed_on, _text.c.words, _text.c.counts, _text.c.distance)
    query = select(*columns).where(*days).execution_options(yield_per=_STREAMED)
    for paper_id, day, words, counts, far in session.connection().execute(query):
        yield Printed(paper_id, day, Print(words, counts), far)


def store_worked(session: Session, worked: Sequence[Worked]) -> list[int]:
    """Store what was worked out for papers that are still there and have nothing yet; return their ids."""
    one_writer(session, "papers")
    ids = [one.paper_id for one in worked]
    near = {other for one in worked for other, _ in one.nearest}
    there = {paper_id for paper_id, now in current_ids(session, {*ids, *near}).items() if paper_id == now}
    known = set[int]()
    for chunk in in_chunks(ids):
        known.update(
            session.connection().execute(select(_text.c.paper_id).where(_text.c.paper_id.in_(chunk))).scalars()
        )
    new = [one for one in worked if one.paper_id in there and one.paper_id not in known]
    if not new:
        return []
    texts = [
        {
            "paper_id": one.paper_id,
            "listed_on": one.listed_on,
            "words": one.words.words,
            "counts": one.words.counts,
            "distance": one.distance,
            "novelty": one.novelty,
        }
        for one in new
    ]
    session.connection().execute(insert(_text).execution_options(**ROWS_PER_STATEMENT), texts)
    neighbours = [
        {"paper_id": one.paper_id, "other_id": other, "cosine": cosine}
        for one in new
        for other, cosine in one.nearest
        if other in there
    ]
    insert_missing(session, PaperNeighbour, neighbours)
    return [one.paper_id for one in new]


def frequencies(session: Session) -> Frequencies:
    """Return how common words are; all zeros before any paper was read."""
    row = session.connection().execute(select(_frequency.c.papers, _frequency.c.counts)).first()
    return Frequencies(row.papers, row.counts) if row else Frequencies(0, bytes(4 * PLACES))


def store_frequencies(session: Session, found: Frequencies) -> None:
    """Store how common words are, in place of what was stored."""
    session.connection().execute(delete(_frequency))
    session.connection().execute(insert(_frequency), {"id": 1, "papers": found.papers, "counts": found.counts})


def novelty_of(session: Session, ids: Sequence[int]) -> dict[int, float]:
    """Return the novelty of those papers of which it is known."""
    found: dict[int, float] = {}
    for chunk in in_chunks(ids):
        rows = session.connection().execute(
            select(_text.c.paper_id, _text.c.novelty).where(_text.c.paper_id.in_(chunk), _text.c.novelty.is_not(None))
        )
        found.update((paper_id, novelty) for paper_id, novelty in rows)
    return found


def neighbours(session: Session, paper_id: int, *, limit: int = 8) -> tuple[int, ...]:
    """Return the papers nearest to one by their words, earlier and later ones, nearest first."""
    earlier = select(_neighbour.c.other_id.label("id"), _neighbour.c.cosine).where(_neighbour.c.paper_id == paper_id)
    later = select(_neighbour.c.paper_id.label("id"), _neighbour.c.cosine).where(_neighbour.c.other_id == paper_id)
    both = union_all(earlier, later).subquery()
    nearest = func.max(both.c.cosine)
    query = select(both.c.id).group_by(both.c.id).order_by(nearest.desc(), both.c.id.desc()).limit(limit)
    return tuple(session.connection().execute(query).scalars())


def found_words(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, Print | None]]:
    """Return the titles, as keys, and the prints of papers; None where their words were not read."""
    found: dict[int, tuple[str, Print | None]] = {}
    for chunk in in_chunks(ids):
        rows = session.connection().execute(
            select(_paper.c.id, _paper.c.title_key, _text.c.words, _text.c.counts)
            .join(_text, _text.c.paper_id == _paper.c.id, isouter=True)
            .where(_paper.c.id.in_(chunk))
        )
        found.update(
            (paper_id, (title, Print(words, weights) if words is not None else None))
            for paper_id, title, words, weights in rows
        )
    return found
