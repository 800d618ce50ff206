"""Queries on what tailoring asks of papers beside their cards: abstracts, prints, credits, saved ones revised."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, func, select
from sqlmodel import Session

from digest.core.delivery import DeliveryKind
from digest.core.prints import Print, print_of
from digest.core.reading import Beyond
from digest.core.versions import is_major
from digest.store.addressees import COUNTS_AS_SENT
from digest.store.batch import dialect_of, values_of_batch
from digest.store.dialects import table_of
from digest.store.paper_rows import in_chunks
from digest.store.papers import current_ids
from digest.store.tables import Delivery, ListingRow, Paper, PaperCredit, PaperText, ReactionRow
from digest.store.tables.columns import BigKey

_paper = table_of(Paper)
_text = table_of(PaperText)
_credit = table_of(PaperCredit)
_listing = table_of(ListingRow)
_reaction = table_of(ReactionRow)
_delivery = table_of(Delivery)

_BEHIND = timedelta(days=2)  # at most so much is a mail's local date behind the day on which it was sent


class Revision(NamedTuple):
    """A new version of a paper that a subscriber saved, and the day it was announced."""

    subscriber_id: int
    paper_id: int
    announced_on: date


def beyond(session: Session, ids: Collection[int]) -> dict[int, Beyond]:
    """Return what is known of papers beside their cards, also of those that were merged into others since."""
    current = current_ids(session, ids)
    wanted = sorted(set(current.values()))
    credited: dict[int, list[str]] = {}
    found: dict[int, Beyond] = {}
    for chunk in in_chunks(wanted):
        listed = select(_credit.c.paper_id, _credit.c.slug).where(_credit.c.paper_id.in_(chunk))
        for paper_id, slug in session.connection().execute(listed):
            credited.setdefault(paper_id, []).append(slug)
        rows = session.connection().execute(
            select(_paper.c.id, _paper.c.abstract, _text.c.words, _text.c.counts)
            .join(_text, _text.c.paper_id == _paper.c.id, isouter=True)
            .where(_paper.c.id.in_(chunk))
        )
        for paper_id, abstract, words, counts in rows:
            its = Print(words, counts) if words is not None else None
            found[paper_id] = Beyond(abstract, its, tuple(sorted(credited.get(paper_id, ()))))
    return {paper_id: found[now] for paper_id, now in current.items() if now in found}


def revisions(session: Session, ids: Collection[int], subscribers: Collection[int] | None = None) -> list[Revision]:
    """List the major new versions, among papers, of what subscribers (or any) saved in an earlier version.

    Which version is major: `core.versions.is_major`, told by the text that was read first and the present one.
    """
    wanted = set(ids)
    rows = _saved_by(session, subscribers) if subscribers is not None else _saved_among(session, wanted)
    saved = [(row.subscriber_id, row.paper_id) for row in rows if row.paper_id in wanted]
    days = _major(session, {paper_id for _, paper_id in saved})
    return [Revision(reader, paper_id, days[paper_id]) for reader, paper_id in saved if paper_id in days]


def _saved_by(session: Session, subscribers: Collection[int]) -> Sequence[Row[Any]]:
    batch = {"batch": json.dumps(list(subscribers))}
    return session.connection().execute(_theirs(dialect_of(session)), batch).all()


def _saved_among(session: Session, ids: Collection[int]) -> list[Row[Any]]:
    return [
        row
        for chunk in in_chunks(sorted(ids))
        for row in session.connection().execute(_saved_earlier().where(_reaction.c.paper_id.in_(chunk)))
    ]


def _saved_earlier() -> Select[Any]:
    return (
        select(_reaction.c.subscriber_id, _reaction.c.paper_id)
        .join(_paper, _paper.c.id == _reaction.c.paper_id)
        .where(_reaction.c.saved_at.is_not(None), _reaction.c.saved_version < _paper.c.version)
    )


@cache
def _theirs(dialect: str) -> Select[Any]:
    rows, its_reader = values_of_batch(dialect, BigKey)
    return _saved_earlier().join(rows, _reaction.c.subscriber_id == its_reader)


def saved_since(session: Session, since: date) -> list[int]:
    """List the papers that somebody saved in an earlier version than one announced since a day."""
    rows = session.connection().execute(
        select(_paper.c.id)
        .join(_listing, (_listing.c.paper_id == _paper.c.id) & (_listing.c.version == _paper.c.version))
        .join(_reaction, _reaction.c.paper_id == _paper.c.id)
        .where(
            _listing.c.listed_on >= since,
            _reaction.c.saved_at.is_not(None),
            _reaction.c.saved_version < _paper.c.version,
        )
        .distinct()
        .order_by(_paper.c.id)
    )
    return list(rows.scalars())


def sent_since(session: Session, revised: Iterable[Revision], *, but: Collection[int] = ()) -> set[tuple[int, int]]:
    """Return the (subscriber, paper) pairs of new versions that were sent since they were announced.

    Deliveries in `but` do not count: those being made now.
    """
    since = {(one.subscriber_id, one.paper_id): _midnight(one.announced_on) for one in revised}
    if not since:
        return set()
    rows = session.connection().execute(
        select(
            _delivery.c.id,
            _delivery.c.subscriber_id,
            _delivery.c.due_at,
            _delivery.c.sent_at,
            _delivery.c.paper_ids,
        ).where(
            _delivery.c.subscriber_id.in_({subscriber for subscriber, _ in since}),
            _delivery.c.kind.in_((DeliveryKind.DIGEST, DeliveryKind.WELCOME)),
            _delivery.c.local_date >= min(since.values()).date() - _BEHIND,
            _delivery.c.state.in_(COUNTS_AS_SENT),
        )
    )
    skipped = set(but)
    return {
        (row.subscriber_id, paper_id)
        for row in rows
        if row.id not in skipped
        for paper_id in row.paper_ids
        if (announced := since.get((row.subscriber_id, paper_id))) and (row.sent_at or row.due_at) >= announced
    }


def _midnight(day: date) -> datetime:
    # By instants: west of Greenwich a mail of this very day has yesterday's date, and would not count as sent.
    return datetime.combine(day, time(), UTC)


def _major(session: Session, ids: Collection[int]) -> dict[int, date]:
    """Return the days on which the present versions of papers were announced, of those that are major."""
    if not ids:
        return {}
    rows = session.connection().execute(
        select(
            _paper.c.id,
            _paper.c.title,
            _paper.c.abstract,
            _text.c.words,
            _text.c.counts,
            func.min(_listing.c.listed_on),
        )
        .join(_text, _text.c.paper_id == _paper.c.id)
        .join(_listing, (_listing.c.paper_id == _paper.c.id) & (_listing.c.version == _paper.c.version))
        .where(_paper.c.id.in_(ids), _listing.c.listed_on.is_not(None))
        .group_by(_paper.c.id, _text.c.paper_id)
    )
    return {
        paper_id: day
        for paper_id, title, abstract, words, counts, day in rows
        if is_major(Print(words, counts), print_of(f"{title}\n{abstract}"))
    }
