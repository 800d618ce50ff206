"""Queries on what readers said they are interested in, and on what they made of papers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, select
from sqlmodel import Session

from digest.core.interests import Interest, InterestKind
from digest.store.batch import dialect_of, values_of_batch
from digest.store.dialects import changed, insert_missing, table_of
from digest.store.tables import InterestRow, ReactionRow
from digest.store.tables.columns import BigKey

_interest = table_of(InterestRow)
_reaction = table_of(ReactionRow)


class Reaction(NamedTuple):
    """What a reader made of a paper: `leaning` is 1, 0 or -1; a saved one has the instant, and the version if known."""

    paper_id: int
    leaning: int
    saved_at: datetime | None
    saved_version: int | None
    at: datetime


def interests_of(session: Session, subscribers: Collection[int]) -> dict[int, tuple[Interest, ...]]:
    """Return the interests of those subscribers who have any, each reader's by kind and key."""
    batch = {"batch": json.dumps(list(subscribers))}
    rows = session.connection().execute(_whose(dialect_of(session)), batch)
    found: dict[int, list[Interest]] = {}
    for subscriber_id, kind, key, words in rows:
        found.setdefault(subscriber_id, []).append(Interest(InterestKind(kind), key, words))
    return {subscriber_id: tuple(interests) for subscriber_id, interests in found.items()}


@cache
def _whose(dialect: str) -> Select[Any]:
    rows, its_reader = values_of_batch(dialect, BigKey)
    return (
        select(_interest.c.subscriber_id, _interest.c.kind, _interest.c.key, _interest.c.words)
        .select_from(rows)
        .join(_interest, _interest.c.subscriber_id == its_reader)
        .order_by(_interest.c.subscriber_id, _interest.c.kind, _interest.c.key)
    )


def put_interests(session: Session, subscriber_id: int, interests: Sequence[Interest], now: datetime) -> None:
    """Let a reader's interests be these: what is no longer among them goes, what was there keeps its date."""
    known = {(one.kind, one.key) for one in interests_of(session, [subscriber_id]).get(subscriber_id, ())}
    wanted = {(one.kind, one.key): one for one in interests}
    for kind, key in known - wanted.keys():
        session.connection().execute(
            delete(_interest).where(
                _interest.c.subscriber_id == subscriber_id, _interest.c.kind == kind, _interest.c.key == key
            )
        )
    add_interests(session, subscriber_id, [one for name, one in wanted.items() if name not in known], now)


def add_interests(session: Session, subscriber_id: int, interests: Iterable[Interest], now: datetime) -> None:
    """Add interests that the reader does not have yet."""
    rows = [
        {"subscriber_id": subscriber_id, "kind": one.kind, "key": one.key, "words": one.words, "created_at": now}
        for one in interests
    ]
    insert_missing(session, InterestRow, rows)  # a second press of the button is no error


def watched(session: Session, kinds: Collection[InterestKind]) -> dict[InterestKind, frozenset[str]]:
    """Return the keys that any reader has, by kind."""
    rows = session.connection().execute(
        select(_interest.c.kind, _interest.c.key).where(_interest.c.kind.in_(kinds)).distinct()
    )
    found: dict[InterestKind, set[str]] = {kind: set() for kind in kinds}
    for kind, key in rows:
        found[InterestKind(kind)].add(key)
    return {kind: frozenset(keys) for kind, keys in found.items()}


def reactions_of(session: Session, subscriber_id: int) -> list[Reaction]:
    """Return what a reader made of papers, the newest first."""
    rows = session.connection().execute(
        select(*(_reaction.c[name] for name in Reaction._fields))
        .where(_reaction.c.subscriber_id == subscriber_id)
        .order_by(_reaction.c.at.desc(), _reaction.c.paper_id.desc())
    )
    return [Reaction(*row) for row in rows]


def added_since(session: Session, subscriber_id: int, at: datetime) -> tuple[Interest, ...]:
    """Return the interests that a reader was given after an instant."""
    rows = session.connection().execute(
        select(_interest.c.kind, _interest.c.key, _interest.c.words)
        .where(_interest.c.subscriber_id == subscriber_id, _interest.c.created_at > at)
        .order_by(_interest.c.kind, _interest.c.key)
    )
    return tuple(Interest(InterestKind(kind), key, words) for kind, key, words in rows)


def drop_interest(session: Session, subscriber_id: int, kind: InterestKind, key: str) -> bool:
    """Take an interest from a reader; False if they do not have it."""
    return (
        changed(
            session,
            delete(_interest).where(
                _interest.c.subscriber_id == subscriber_id, _interest.c.kind == kind, _interest.c.key == key
            ),
        )
        == 1
    )
