"""Where faults are played: a database of readers, a clock in a file, and what child processes do on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, func, insert, select
from sqlmodel import SQLModel

from digest.config import Settings
from digest.core.capture import Capture, Reading
from digest.core.delivery import UNSETTLED
from digest.core.paper import Listing
from digest.core.subscription import ConsentAction
from digest.flows import deliver, morning
from digest.flows.ingest import ingest_capture
from digest.flows.letters import Courier
from digest.mail.smtp import Relay
from digest.store.dialects import table_of
from digest.store.engine import open_engine, reading, writing
from digest.store.subscribers import Evidence, apply_consent, suppress
from digest.store.tables import Delivery, Subscriber, Subscription
from digest.tokens import Tokens
from digest.wiring import Services
from tests import post

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"
CUT_OFF = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)
_ZONES = ("UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
_WORDS = ("amber", "birch", "copper", "dune", "ember", "flint", "granite", "heather")
_PATIENCE = 0.4  # seconds that a relay is waited for


class Clock:
    """The time of a stage, which all its processes read from one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self._file.read_text("ascii"))

    def turn(self, to: datetime) -> None:
        """Set the time for everybody."""
        new = self._file.with_suffix(f".{os.getpid()}")
        new.write_text(to.isoformat(), "ascii")
        new.replace(self._file)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a child process needs to know; it can be pickled. `relay` is the sink's URL."""

    database: str
    clock: Clock
    relay: str
    courier: Courier | None = None
    connections: int = 4

    def open(self) -> Engine:
        """Open the database."""
        return open_engine(self.database)

    def send(
        self,
        engine: Engine,
        checkpoint: Callable[[str], None] = lambda _point: None,
        *,
        chunk: int = deliver.CHUNK,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Hand over what is due, as the task of a worker does."""
        courier = replace(
            self.courier or replace(post.courier(post.Sink()), tokens=Tokens([SECRET])), relay=self._relay
        )
        deliver.deliver_due(
            engine,
            courier,
            worker=f"worker:{os.getpid()}",
            clock=self.clock,
            limit=10_000,
            chunk=chunk,
            stopping=stopping,
            checkpoint=checkpoint,
        )

    def _relay(self) -> Relay:
        return Relay(
            self.relay, helo="localhost", connections=self.connections, timeout=_PATIENCE, final_timeout=_PATIENCE
        )

    def compose(self, engine: Engine, on: date, checkpoint: Callable[[str], None] = lambda _point: None) -> None:
        """Freeze the issue of a day and queue it, as the task of a worker does."""
        morning.freeze_and_materialise(
            engine, on, cut_off=cut_off(on), now=self.clock(), size=40, checkpoint=checkpoint
        )

    def sweep(self, engine: Engine) -> None:
        """Settle what was left lying."""
        deliver.sweep(engine, now=self.clock())


def cut_off(on: date) -> datetime:
    """The last instant that counts for the issue of a day."""
    return datetime.combine(on, CUT_OFF.timetz())


def furnish(engine: Engine, readers: int) -> None:
    """Make the tables and readers of several zones and hours, confirmed long ago."""
    SQLModel.metadata.create_all(engine)
    long_ago = CUT_OFF - timedelta(days=100)
    numbers = range(1, readers + 1)
    with writing(engine) as session:
        session.connection().execute(
            insert(table_of(Subscriber)),
            [{"address": _address(n), "address_key": _address(n), "created_at": long_ago} for n in numbers],
        )
        session.connection().execute(
            insert(table_of(Subscription)),
            [
                {
                    "subscriber_id": n,
                    "state": "confirmed",
                    "confirmed_at": long_ago,
                    "timezone": _ZONES[n % len(_ZONES)],
                    "hour": 7 + n % 3,
                    "cadence": "daily",
                    "weekday": 0,
                    "paper_count": 3,
                    "categories": [],
                }
                for n in numbers
            ],
        )


def list_papers(engine: Engine, on: date) -> None:
    """List new papers the day before an issue, enough that nobody has had them all."""
    then = cut_off(on) - timedelta(hours=10)
    listings = [
        Listing(
            source="pages",
            title=f"A study of {word} lattices, part {on.toordinal()}",
            authors=(f"Ann {word}",),
            listed_on=then.date(),
        )
        for word in _WORDS
    ]
    ingest_capture(engine, "pages", "", Capture(listings=listings), Reading(observed_at=then, origin="here"), now=then)


def leave(engine: Engine, reader: int, now: datetime) -> None:
    """Unsubscribe a reader."""
    with writing(engine) as session:
        apply_consent(session, reader, ConsentAction.UNSUBSCRIBE, Evidence(at=now, ip="", source="test"))


def ban(engine: Engine, reader: int, now: datetime) -> None:
    """Suppress a reader's address."""
    address = _address(reader)
    with writing(engine) as session:
        suppress(session, address, Tokens([SECRET]).address_hashes(address), "a complaint", now)


def confirmed(engine: Engine) -> int:
    """Count those whom the next issue is due."""
    table = table_of(Subscription)
    with reading(engine) as session:
        return session.connection().scalar(select(func.count()).where(table.c.state == "confirmed")) or 0


def next_instant(engine: Engine) -> datetime | None:
    """The earliest instant at which something becomes due or a lease ends; None once all is settled."""
    delivery = table_of(Delivery)
    with reading(engine) as session:
        waiting = session.connection().execute(
            select(func.min(func.coalesce(delivery.c.lease_until, delivery.c.due_at))).where(
                delivery.c.state.in_(UNSETTLED)
            )
        )
        found = waiting.scalar()
    if found is None:
        return None
    return found if isinstance(found, datetime) else datetime.fromisoformat(found)


def queued(engine: Engine, on: date) -> bool:
    """Tell whether the issue of a day has been made and queued."""
    from digest.store.due import issue_queued

    with reading(engine) as session:
        return issue_queued(session, on)


def installed(scene: Stage, secret: str) -> Stage:
    """Give a stage the courier of an installation: the real templates, tokens and messages."""
    settings = Settings(
        _env_file=None,
        secret_key=[secret],
        mail_from="digest@example.org",
        postal_address="12 Example Street",
        contact="hello@example.org",
    )
    return replace(scene, courier=Services(settings).courier)


def settle(scene: Stage, engine: Engine) -> None:
    """Carry on undisturbed until nothing is left to do."""
    while (after := next_instant(engine)) is not None:
        scene.clock.turn(max(after, scene.clock()) + timedelta(seconds=1))
        scene.sweep(engine)
        scene.send(engine)


def _address(reader: int) -> str:
    return f"r{reader}@example.test"
