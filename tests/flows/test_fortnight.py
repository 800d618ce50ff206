"""Two weeks of Firstlight in a few seconds: real ticks, real flows, eight time zones, two changes of the clock.

Whatever happens in them (quiet weekends, a source that fails for a day, a worker that is killed, readers who come, go
and move), nobody gets two digests on a date, a digest outside their hour, or a paper twice; and every delivery is
accounted for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import Engine, event
from sqlmodel import select

from digest.core.capture import Capture, Cursor, Fetched, Reading, RunStatus
from digest.core.delivery import FINAL, DeliveryState
from digest.core.paper import Listing
from digest.core.plan import Task, Work
from digest.errors import SourceUnavailable
from digest.flows import subscribe
from digest.flows.deliver import _Run, deliver_due, sweep
from digest.flows.ingest import ingest_live
from digest.flows.morning import freeze_and_materialise
from digest.flows.preferences import change_preferences
from digest.flows.score import score
from digest.flows.tick import due_work
from digest.mail.message import Envelope
from digest.store import audience
from digest.store.engine import reading
from digest.store.tables import Delivery, IngestRun, IssueRow
from tests import post
from tests.post import TOKENS, Sink, add_reader

DAYS = 14
CUT_OFF_HOUR = 6
HOUR = timedelta(hours=1)
SATURDAY = 5
READERS = {
    "utc@example.test": ("UTC", 6, "daily"),
    "utc-late@example.test": ("UTC", 5, "daily"),  # the last hour before the cut-off
    "berlin@example.test": ("Europe/Berlin", 2, "daily"),  # an hour that is skipped or comes twice
    "berlin-work@example.test": ("Europe/Berlin", 8, "weekdays"),
    "london@example.test": ("Europe/London", 1, "daily"),  # likewise
    "new-york@example.test": ("America/New_York", 1, "daily"),  # likewise
    "new-york-noon@example.test": ("America/New_York", 12, "weekly"),
    "los-angeles@example.test": ("America/Los_Angeles", 7, "weekdays"),
    "kolkata@example.test": ("Asia/Kolkata", 11, "daily"),  # 05:30 UTC
    "tokyo@example.test": ("Asia/Tokyo", 7, "daily"),
    "chatham@example.test": ("Pacific/Chatham", 20, "daily"),
    "leaver@example.test": ("UTC", 9, "daily"),
    "nine@example.test": ("UTC", 9, "daily"),
    "nine-too@example.test": ("UTC", 9, "daily"),
    "mover@example.test": ("America/Los_Angeles", 20, "daily"),
}
MOVED_TO = ("Asia/Tokyo", 8)


class Killed(BaseException):
    """What ends a process, in a test that stays alive."""


@dataclass
class Feed:
    """arXiv, as far as it matters: new papers at midnight from Monday to Friday, and one day on which it is down."""

    first: date
    down_on: date
    name: str = "arxiv-rss"

    def read(self, body: bytes, reading: Reading) -> Capture:
        raise NotImplementedError

    def fetch(self, client: httpx.Client, scope: str, cursor: Cursor, now: datetime) -> Iterator[Fetched]:
        today = now.date()
        if today == self.down_on:
            raise SourceUnavailable("the feed answers 503")
        if today.weekday() >= SATURDAY or cursor.position == today.isoformat():
            yield Fetched(Capture(status=RunStatus.QUIET), cursor)
            return
        day = (today - self.first).days
        listings = [
            Listing(
                source=self.name,
                title=f"Study {number} of day {day} on lattices",
                arxiv_id=f"26{today.month:02d}.{today.day:02d}{number:03d}",
                authors=(f"Ann Author{number}",),
                abstract="A lattice is studied.",
                categories=("cs.LG",),
                listed_on=today,
            )
            for number in range(12)
        ]
        yield Fetched(Capture(listings=listings), Cursor(position=today.isoformat()))


@dataclass
class World:
    """Everything that a scheduler and a worker do, at a clock that the test moves."""

    engine: Engine
    start: datetime
    now: datetime = field(init=False)
    feed: Feed = field(init=False)
    sink: Sink = field(init=False)
    taken: list[tuple[str, datetime]] = field(default_factory=list)
    asked: Counter[Task] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.now = self.start
        self.feed = Feed(self.start.date(), down_on=self.start.date() + timedelta(days=6))
        self.sink = Sink(after_dot=self.note)

    def note(self, envelope: Envelope) -> None:
        self.taken.append((envelope.rcpt_to, self.now))

    def clock(self) -> datetime:
        return self.now

    @property
    def cut_off(self) -> datetime:
        """The last cut-off that has passed."""
        today = datetime.combine(self.now.date(), time(CUT_OFF_HOUR), UTC)
        return today if today <= self.now else today - timedelta(days=1)

    def tick(self) -> None:
        """Do what is due, as the scheduler finds it and the workers do it; composing is asked for twice."""
        for work in due_work(self.engine, [("arxiv-rss", "cs.LG")], cut_off=self.cut_off, now=self.now):
            self.asked[work.task] += 1
            self.do(work)
            if work.task is Task.COMPOSE:
                self.do(work)
        self.deliver()

    def do(self, work: Work) -> None:
        match work.task:
            case Task.INGEST:
                with httpx.Client() as client:
                    ingest_live(self.engine, self.feed, client, work.scope, clock=self.clock)
            case Task.SCORE if self.now.hour == 0:  # once a day is enough here: an issue scores for itself
                score(self.engine, self.now)
            case Task.SWEEP:
                sweep(self.engine, now=self.now)
            case Task.DELIVER:
                self.deliver()
            case Task.COMPOSE:
                assert work.issued_on is not None
                cut_off = datetime.combine(work.issued_on, time(CUT_OFF_HOUR), UTC)
                freeze_and_materialise(self.engine, work.issued_on, cut_off=cut_off, now=self.now, size=60)

    def deliver(self) -> None:
        while deliver_due(self.engine, post.courier(self.sink), worker="w", clock=self.clock, limit=5).total:
            pass

    def deliver_and_die(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a worker be killed between a relay's reply and its commit; nothing of it is tidied up."""

        def killed(point: str) -> None:
            if point == "answered":
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(_Run, "_wind_up", lambda _run: None)
            with pytest.raises(Killed):
                deliver_due(
                    self.engine, post.courier(self.sink), worker="doomed", clock=self.clock, limit=5, checkpoint=killed
                )

    def instants(self) -> list[datetime]:
        """Every hour, and the instants between hours at which somebody's slot lies."""
        days = [self.start + timedelta(days=n) for n in range(DAYS)]
        hourly = [day + HOUR * n for day in days for n in range(24)]
        between = [day + timedelta(hours=hour, minutes=minute) for day in days for hour, minute in ((5, 30), (6, 15))]
        return [*sorted(hourly + between), self.start + timedelta(days=DAYS)]


def slot_of(zone: str, hour: int, on: date) -> datetime:
    """Say, independently of Firstlight, when a clock shows an hour; where it never does, when the gap ends."""
    at = datetime.combine(on, time(hour), ZoneInfo(zone)).astimezone(UTC)
    shown = at.astimezone(ZoneInfo(zone))
    return at if shown.hour == hour else at.replace(minute=0)  # zoneinfo reads a skipped time with the old offset


def expected_dates(world: World, zone: str, hour: int, cadence: str) -> list[date]:
    """List the local dates whose slots the issues of the fortnight serve, from the first cut-off on."""
    first = datetime.combine(world.start.date(), time(CUT_OFF_HOUR), UTC)
    days = [world.start.date() + timedelta(days=n) for n in range(-1, DAYS + 2)]
    wanted = {"daily": range(7), "weekdays": range(5), "weekly": (0,)}[cadence]
    end = first + timedelta(days=DAYS)
    return [day for day in days if day.weekday() in wanted and first <= slot_of(zone, hour, day) < end]


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(datetime(2026, 10, 20, tzinfo=UTC), id="Europe and America go back"),  # 25 October, 1 November
        pytest.param(datetime(2026, 3, 17, tzinfo=UTC), id="Europe goes forward"),  # 29 March
    ],
)
def test_a_fortnight_keeps_every_promise(
    sqlite_engine: Engine, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a power cut would cost is tested elsewhere; a fortnight of waiting for the disk is not.
    event.listen(sqlite_engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    sqlite_engine.dispose()
    live(World(sqlite_engine, start), monkeypatch)


def live(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, start = world.engine, world.start
    confirmed = start - timedelta(days=10)
    ids = {
        address: add_reader(
            engine, address, timezone=zone, hour=hour, cadence=cadence, paper_count=5, confirmed_at=confirmed
        )
        for address, (zone, hour, cadence) in READERS.items()
    }
    left_at = start + timedelta(days=5, hours=7)
    moved_at = start + timedelta(days=8, hours=15)
    joined_at = start + timedelta(days=3, hours=10)
    killed_at = start + timedelta(days=9, hours=9)
    for instant in world.instants():
        world.now = instant
        if world.now == left_at:
            token = TOKENS.sign("unsubscribe", {"s": ids["leaver@example.test"]})
            subscribe.unsubscribe(engine, TOKENS, token, now=world.now, ip="", source="one-click")
        if world.now == moved_at:
            token = TOKENS.sign("preferences", {"s": ids["mover@example.test"]})
            zone, hour = MOVED_TO
            change_preferences(
                engine, TOKENS, token, now=world.now, categories=(), paper_count=5, hour=hour, timezone=zone,
                last_cut_off=world.cut_off,
            )  # fmt: skip
        if world.now == joined_at:
            subscribe.request(
                engine, TOKENS, "new@example.test", now=world.now, ip="", source="form", hour=18, special_use=True
            )
            world.deliver()
            link = post.link_in(world.sink.message_to("new@example.test"), "/confirm")
            joined = subscribe.confirm(engine, TOKENS, link, now=world.now, ip="")
            assert joined.welcomed
            ids["new@example.test"] = joined.subscriber_id
        if world.now == killed_at:
            assert post.deliveries(engine, state="pending", due_at=killed_at)
            world.deliver_and_die(monkeypatch)
        world.tick()
    sweep(engine, now=world.now + timedelta(days=2))

    with reading(engine) as session:
        rows = list(session.exec(select(Delivery).where(Delivery.kind == "digest")))
        welcomes = list(session.exec(select(Delivery).where(Delivery.kind == "welcome")))
        issues = list(session.exec(select(IssueRow)))
        failed_runs = session.exec(select(IngestRun).where(IngestRun.status == "failed")).all()
        tallies = {issue.id: audience.tally(session, issue.id or 0) for issue in issues}
    address_of = {number: address for address, number in ids.items()}
    of: dict[str, list[Delivery]] = defaultdict(list)
    for row in rows:
        of[address_of[row.subscriber_id or 0]].append(row)

    # Every delivery is settled, or says why it was not sent; the states add up, and what was accepted was taken.
    assert all(row.state in FINAL for row in rows)
    assert all(row.reason for row in rows if row.state != "accepted")
    assert sum(tally.total for tally in tallies.values()) == len(rows)
    assert all(tally.unsettled == 0 for tally in tallies.values())
    assert {issue.state for issue in issues} == {"complete"}
    doubtful = [row for row in rows if row.state == "unknown"]
    assert len(doubtful) == 1  # the one that the killed worker had handed over
    mailed = [row for row in [*rows, *welcomes] if row.state in {"accepted", "unknown"}]
    assert len(world.sink.sent) == len(mailed) + 1  # and the mail that asked for consent
    assert len(failed_runs) > 1
    assert world.asked[Task.COMPOSE] == DAYS + 7  # once for each day, and while there is nothing to show yet

    # Nobody twice on a date; at least twelve hours between two digests; in the reader's own hour; no paper twice.
    for address, theirs in of.items():
        theirs.sort(key=lambda row: row.due_at)
        assert len({row.local_date for row in theirs}) == len(theirs), address
        sent = [row for row in theirs if row.state in {"accepted", "unknown"}]
        assert all(b.due_at - a.due_at >= 12 * HOUR for a, b in pairwise(sent)), address
        for row in sent:
            assert row.sent_at is not None
            assert row.local_date is not None
            patience = 2 * HOUR if killed_at <= row.due_at < killed_at + HOUR else HOUR
            assert timedelta(0) <= row.sent_at - row.due_at < patience, (address, row)
            zone, hour = READERS.get(address, ("UTC", 18, ""))[:2]
            if address == "mover@example.test" and row.created_at >= moved_at:
                zone, hour = MOVED_TO
            assert row.due_at == slot_of(zone, hour, row.local_date), (address, row)
        papers = Counter(
            paper for row in mailed if address_of[row.subscriber_id or 0] == address for paper in row.paper_ids
        )
        assert set(papers.values()) == {1}, address

    # Nobody is forgotten: a delivery for each date on which one was due.
    for address in READERS.keys() - {"leaver@example.test", "mover@example.test"}:
        assert [row.local_date for row in of[address]] == expected_dates(world, *READERS[address]), address
    assert max(row.due_at for row in of["leaver@example.test"] if row.state == "accepted") < left_at
    assert [row.state for row in of["leaver@example.test"]][-1] == DeliveryState.SKIPPED
    assert [row.local_date for row in of["new@example.test"]] == [
        joined_at.date() + timedelta(days=n) for n in range(1, DAYS - 3)
    ]
    moves = [row.local_date for row in of["mover@example.test"] if row.local_date is not None]
    assert max(b - a for a, b in pairwise(moves)) <= timedelta(days=2)
