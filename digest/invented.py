"""Invented papers and readers, in a database of their own: what a rehearsal of sending starts from."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, insert, select
from sqlmodel import SQLModel

from digest.core.issue import Card, Issue
from digest.errors import ConfigError
from digest.flows.audience import materialise
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.issues import freeze_issue
from digest.store.schema import SchemaState, schema_state, upgrade
from digest.store.tables import Paper, Subscriber, Subscription

DOMAIN = "rehearsal.invalid"  # a name that can never receive mail (RFC 2606)
PAPERS = 300
EACH = 10
_BATCH = 5_000
_DOMAINS = 1_000


def require_fit(engine: Engine) -> None:
    """Refuse a database with anything in it but an earlier rehearsal; empty it of that."""
    if schema_state(engine) is SchemaState.ABSENT:
        return
    subscribers = table_of(Subscriber)
    with reading(engine) as session:
        strangers = session.connection().scalar(
            select(func.count()).where(subscribers.c.address.not_like(f"%.{DOMAIN}"))
        )
        rehearsed = session.connection().scalar(select(func.count()).select_from(subscribers))
    if strangers or not rehearsed:
        raise ConfigError("the database is not empty; a rehearsal needs one of its own, such as sqlite:///var/bench.db")
    names = [table.name for table in reversed(SQLModel.metadata.sorted_tables)]
    with writing(engine) as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")
        else:
            for name in names:
                connection.exec_driver_sql(f"DELETE FROM {name}")  # noqa: S608  # names of our own tables


def fill(engine: Engine, readers: int, now: datetime) -> None:
    """Store an issue and readers, as `invent` does, and queue it for all, due at once."""
    queue(engine, invent(engine, readers, now), now)


def queue(engine: Engine, issue_id: int, now: datetime) -> int:
    """Queue an issue for every reader, due at once; return how many."""
    return materialise(engine, issue_id, now=now, until=now + timedelta(days=1), immediately=True)


def invent(engine: Engine, readers: int, now: datetime) -> int:
    """Store an issue of a few hundred papers and readers who each follow ten of them; return the issue's id."""
    upgrade(engine)
    chance = random.Random(4)  # noqa: S311  # the same readers every time
    cards = [invented_card(number, now) for number in range(1, PAPERS + 1)]
    with writing(engine) as session:
        for card in cards:
            slug = f"rehearsal-{card.paper_id}"
            session.add(Paper(id=card.paper_id, slug=slug, title=card.title, title_key=slug, first_seen_at=now))
        session.flush()
        issue = Issue(issued_on=now.date(), cut_off=now, cards=tuple(cards))
        issue_id = freeze_issue(session, issue, now=now)
    if issue_id is None:
        raise ConfigError("the database has an issue of today already")
    for start in range(1, readers + 1, _BATCH):
        numbers = range(start, min(start + _BATCH, readers + 1))
        with writing(engine) as session:
            addresses = [f"reader-{number}@d{number % _DOMAINS}.{DOMAIN}" for number in numbers]
            session.connection().execute(
                insert(table_of(Subscriber)),
                [
                    {"id": number, "address": address, "address_key": address, "link_generation": 0, "created_at": now}
                    for number, address in zip(numbers, addresses, strict=True)
                ],
            )
            session.connection().execute(
                insert(table_of(Subscription)), [_subscription(number, chance, now) for number in numbers]
            )
    return issue_id


def _subscription(number: int, chance: random.Random, now: datetime) -> dict[str, Any]:
    return {
        "subscriber_id": number,
        "state": "confirmed",
        "cadence": "daily",
        "weekday": 0,
        "hour": 8,
        "timezone": "UTC",
        "paper_count": EACH,
        "categories": [_category(paper) for paper in chance.sample(range(1, PAPERS + 1), EACH)],
        "confirmed_at": now - timedelta(days=30),
    }


def _category(paper: int) -> str:
    """A category of each paper's own, so that following ten categories is choosing ten papers."""
    return f"cs.B{paper}"


_WORDS = (
    *("adaptive", "sparse", "latent", "causal", "neural", "spectral", "robust", "graph", "diffusion", "language"),
    *("policy", "token", "kernel", "bound", "sampling", "gradient", "attention", "memory", "retrieval", "vision"),
    *("speech", "planning", "reward", "alignment", "scaling", "training", "inference", "models"),
)


def invented_card(number: int, now: datetime) -> Card:
    """Make up one paper, the same every time."""
    chance = random.Random(number)  # noqa: S311  # no secret
    words = chance.choices(_WORDS, k=60)
    return Card(
        paper_id=number,
        rank=number,
        title=" ".join(words[:9]).capitalize() + (" für Größen" if number % 5 == 0 else ""),
        path=f"/papers/2605.{number:05d}",
        arxiv_id=f"2605.{number:05d}",
        primary_category=_category(number),
        categories=(_category(number),),
        authors=("Ines Okafor", "Pavel Lindqvist", "Mei Tanaka", "João Duarte"),
        labs=("Aarhus", "Kyoto"),
        listed_on=now.date(),
        has_code=number % 2 == 0,
        code_url=f"https://github.com/example/paper-{number}" if number % 2 == 0 else "",
        discussion_url=f"https://huggingface.co/papers/2605.{number:05d}",
        percentile=100 - number / 4,
        evidence=f"+{chance.randrange(3, 90)} upvotes in 6 h",
        summary=" ".join(words[9:]).capitalize() + ".",
    )
