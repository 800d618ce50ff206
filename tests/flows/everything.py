"""A reader about whom every table holds something, and every column a value that can be recognised."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import SQLModel

from digest.store.engine import writing
from digest.store.subscribers import suppress
from digest.store.tables import (
    AddressChange,
    BounceEvent,
    Consent,
    Delivery,
    InterestRow,
    ReactionRow,
    SpecimenLetter,
    Subscriber,
    Subscription,
    TasteRow,
)
from digest.tokens import address_key
from tests import post
from tests.post import FROZEN_AT, TOKENS

ADDRESS = "Wilhelmina.Xylander@readers.test"
OLD = "wilhelmina.before@readers.test"
NEW = "wilhelmina.after@readers.test"
THEN = FROZEN_AT - timedelta(days=10)
NEEDLES = ("xylander", "wilhelmina", "203.0.113.77", "quokka", "wombat-lab")


def add_everything(engine: Engine, *, banned: bool = True) -> int:
    """Store a reader with something in every table, and an issue of which they were sent a digest."""
    issue = post.add_issue(engine, papers=5)
    with writing(engine) as session:
        reader = Subscriber(address=ADDRESS, address_key=address_key(ADDRESS), created_at=THEN)
        session.add(reader)
        session.flush()
        own = reader.id
        assert own is not None
        rows: list[SQLModel] = [
            Subscription(
                subscriber_id=own,
                state="confirmed",
                cadence="weekly",
                weekday=3,
                hour=17,
                timezone="Asia/Kathmandu",
                paper_count=23,
                categories=["hep-th"],
                language="nl",
                plain_text=True,
                when_empty=True,
                outside=False,
                confirmed_at=THEN + timedelta(minutes=1),
                unsubscribed_at=THEN - timedelta(days=400),
                paused_until=(THEN - timedelta(days=300)).date(),
                last_digest_at=THEN + timedelta(days=2),
            ),
            Consent(
                subscriber_id=own,
                action="request",
                at=THEN,
                ip="203.0.113.77",
                source="quokka page",
                wording="2026-11",
                language="de",
            ),
            AddressChange(
                subscriber_id=own,
                old_address=OLD,
                new_address=NEW,
                ip="203.0.113.77",
                asked_at=THEN + timedelta(days=3),
                letter_id=901,
                notice_id=902,
                confirmed_at=THEN + timedelta(days=4),
                objected_at=THEN + timedelta(days=5),
            ),
            InterestRow(subscriber_id=own, kind="lab", key="wombat-lab", words="Wombat-Lab", created_at=THEN),
            ReactionRow(
                subscriber_id=own, paper_id=2, leaning=-1, saved_at=THEN, saved_version=7, at=THEN + timedelta(hours=9)
            ),
            TasteRow(
                subscriber_id=own,
                words=struct.pack("<2I", 5, 4_000_000_001),
                weights=struct.pack("<2f", 0.5, -0.25),
                categories={"hep-th": 0.625},
                terms={"quokka": 1.5},
                papers=11,
                learned_at=THEN + timedelta(hours=10),
            ),
            Delivery(
                kind="digest",
                state="accepted",
                reason="a reason",
                issue_id=issue,
                subscriber_id=own,
                local_date=THEN.date(),
                due_at=THEN + timedelta(days=2, hours=1),
                expires_at=THEN + timedelta(days=3),
                attempts=2,
                message_id="<quokka@firstlight.test>",
                paper_ids=[1, 3],
                reply=f"250 taken for {ADDRESS}",
                created_at=THEN + timedelta(days=2),
                sent_at=THEN + timedelta(days=2, hours=2),
                settled_at=THEN + timedelta(days=2, hours=3),
            ),
            Delivery(
                kind="new address",
                state="accepted",
                subscriber_id=own,
                address=NEW,
                due_at=THEN,
                expires_at=THEN,
                created_at=THEN,
            ),
            BounceEvent(
                event_key="0" * 64,
                kind="soft",
                action="score",
                recipient=ADDRESS,
                status="4.2.2",
                reason=f"{ADDRESS} is over quota",
                delivery_id=1,
                subscriber_id=own,
                received_at=datetime(2026, 5, 12, 3, 4, 5, tzinfo=UTC),
            ),
        ]
        session.add_all(rows)
        session.flush()
        session.add(
            SpecimenLetter(
                delivery_id=1,
                subscriber_id=own,
                subject="For the Wombat-Lab",
                html="<p>quokka</p>",
                text="quokka and xylander",
                made_at=THEN + timedelta(hours=11),
            )
        )
    with writing(engine) as session:
        if banned:
            suppress(session, ADDRESS, TOKENS.address_hashes(ADDRESS), "hard 5.1.1", THEN + timedelta(days=6))
            suppress(session, OLD, TOKENS.address_hashes(OLD), "hard 5.1.1", THEN)
    return own
