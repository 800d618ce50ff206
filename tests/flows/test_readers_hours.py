"""Readers change zone, hour, cadence and pause whenever they like: each digest comes at its hour, once, as was told.

The flows are the real ones, on SQLite. Beside them walks a plain model: quarter of an hour by quarter of an hour it
reads each reader's clock, as a wall clock is read, and says who is owed a digest just then.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import event
from sqlmodel import SQLModel

from digest.core.arxiv_calendar import ArxivCalendar
from digest.flows.deliver import deliver_due, sweep
from digest.flows.morning import freeze_and_materialise
from digest.flows.next_digest import NextDigest, next_digest
from digest.flows.preferences import change_preferences
from digest.store.engine import open_engine
from tests import post
from tests.flows.pausing import pause, resume
from tests.post import TOKENS, Sink, add_issue, add_reader

STEP, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
CUT_OFF_HOUR = 6
EXAMPLES = int(os.environ.get("READERS_EXAMPLES", "5"))  # some weeks of three readers each; more, for a long run
STARTS = [
    datetime(2026, 3, 27, tzinfo=UTC),  # Europe, Troll; Lord Howe and Santiago a week later
    datetime(2026, 10, 23, tzinfo=UTC),  # Europe, and a week later America
    datetime(2025, 9, 4, tzinfo=UTC),  # Santiago skips a midnight
    datetime(2026, 2, 12, tzinfo=UTC),  # Casablanca, for Ramadan
    datetime(2011, 12, 26, tzinfo=UTC),  # Apia skips a day
]
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "US/Pacific",
]
schedules = st.tuples(
    st.sampled_from(ZONES),
    st.integers(0, 23),
    st.sampled_from(["daily", "daily", "weekdays", "weekly"]),
    st.integers(0, 6),
)
who = st.integers(0, 2)
a_while = st.integers(0, 4 * 36)  # quarters of an hour


@cache
def wall_clock(zone: str, start: datetime) -> dict[tuple[date, int], datetime]:
    """Read a clock every quarter of an hour for some weeks: when was each hour of each date first shown, or passed?"""
    here = ZoneInfo(zone)
    seen: dict[tuple[date, int], datetime] = {}
    for n in range(-3 * 96, 60 * 96):
        at = start + n * STEP
        shown = at.astimezone(here)
        for hour in range(shown.hour + 1):  # an hour that was skipped is met by the first that is shown after it
            seen.setdefault((shown.date(), hour), at)
    return seen


@cache
def shown_at(zone: str, start: datetime, hour: int) -> list[tuple[datetime, date]]:
    return sorted((at, on) for (on, its), at in wall_clock(zone, start).items() if its == hour)


@dataclass
class Owed:
    """What the model knows of one reader."""

    id: int
    zone: str
    hour: int
    cadence: str
    weekday: int
    paused: bool = False
    until: date | None = None
    dates: set[date] = field(default_factory=set)
    issues: set[date] = field(default_factory=set)
    last: datetime | None = None
    told: NextDigest | None = None

    def slots(self, start: datetime, first: datetime, last: datetime) -> list[tuple[datetime, date]]:
        """List the slots from `first` to `last` that they want, are awake for, and have rested for."""
        found = shown_at(self.zone, start, self.hour)
        some = found[bisect_left(found, (first, date.min)) : bisect_right(found, (last, date.max))]
        return [(at, on) for at, on in some if self.may_have(at, on)]

    def may_have(self, at: datetime, on: date) -> bool:
        wanted = {"daily": range(7), "weekdays": range(5), "weekly": (self.weekday,)}[self.cadence]
        awake = not self.paused or (self.until is not None and on >= self.until)
        rested = self.last is None or at - self.last >= 12 * HOUR
        return on.weekday() in wanted and awake and rested and on not in self.dates


class Readers(RuleBasedStateMachine):
    """Three readers, a scheduler, a worker, and the model beside them."""

    @initialize(start=st.sampled_from(STARTS), wanted=st.lists(schedules, min_size=3, max_size=3))
    def begin(self, start: datetime, wanted: list[tuple[str, int, str, int]]) -> None:
        self.folder = tempfile.mkdtemp(prefix="readers-")
        self.engine = open_engine(f"sqlite:///{self.folder}/digest.db")
        event.listen(self.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        self.engine.dispose()
        SQLModel.metadata.create_all(self.engine)
        self.start = self.now = start
        self.lived = start - STEP
        self.sink = Sink()
        self.papers = 0
        self.delay: timedelta | None = timedelta()
        self.composing: dict[datetime, datetime] = {}  # when -> the cut-off whose issue is composed then
        self.composed: set[datetime] = set()
        long_ago = start - 100 * DAY
        self.readers = []
        for n, (zone, hour, cadence, weekday) in enumerate(wanted):
            reader = add_reader(
                self.engine, f"r{n}@example.test", timezone=zone, hour=hour, cadence=cadence, weekday=weekday,
                paper_count=5, confirmed_at=long_ago,
            )  # fmt: skip
            self.readers.append(Owed(reader, zone, hour, cadence, weekday))
        self.tell()

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.dispose()
            shutil.rmtree(self.folder)

    @property
    def cut_off(self) -> datetime:
        """The last cut-off that has passed."""
        today = datetime.combine(self.now.date(), time(CUT_OFF_HOUR), UTC)
        return today if today <= self.now else today - DAY

    @property
    def moment(self) -> datetime:
        """Some minutes after the last quarter: nobody changes anything on the stroke."""
        return self.lived + timedelta(minutes=7)

    def token(self, reader: Owed) -> str:
        return TOKENS.sign("preferences", {"s": reader.id})

    def last_cut_off(self, at: datetime) -> datetime:
        today = datetime.combine(at.date(), time(CUT_OFF_HOUR), UTC)
        return today if today <= at else today - DAY

    @rule(which=who, wanted=schedules, then=a_while)
    def change(self, which: int, wanted: tuple[str, int, str, int], then: int) -> None:
        reader = self.readers[which]
        reader.zone, reader.hour, reader.cadence, reader.weekday = wanted
        change_preferences(
            self.engine, TOKENS, self.token(reader), now=self.moment, last_cut_off=self.last_cut_off(self.moment),
            categories=(), paper_count=5, hour=reader.hour, timezone=reader.zone, cadence=reader.cadence,
            weekday=reader.weekday,
        )  # fmt: skip
        self.go_on(then)

    @rule(which=who, days=st.one_of(st.none(), st.integers(1, 6)), then=a_while)
    def pause(self, which: int, days: int | None, then: int) -> None:
        reader = self.readers[which]
        today = self.moment.astimezone(ZoneInfo(reader.zone)).date()
        reader.paused, reader.until = True, None if days is None else today + days * DAY
        pause(
            self.engine, TOKENS, self.token(reader), until=reader.until, now=self.moment,
            last_cut_off=self.last_cut_off(self.moment),
        )  # fmt: skip
        self.go_on(then)

    @rule(which=who, then=a_while)
    def resume(self, which: int, then: int) -> None:
        reader = self.readers[which]
        reader.paused, reader.until = False, None
        resume(self.engine, TOKENS, self.token(reader), now=self.moment, last_cut_off=self.last_cut_off(self.moment))
        self.go_on(then)

    @rule(hours=st.sampled_from([1, 3, 13, None]), then=a_while)
    def next_issue_is_late_or_missing(self, hours: int | None, then: int) -> None:
        self.delay = None if hours is None else hours * HOUR
        self.go_on(then)

    def go_on(self, quarters: int) -> None:
        self.tell()
        for _ in range(quarters):
            self.step()
            self.now += STEP

    def step(self) -> None:
        """Live through one instant: compose what is due, send what is due, and compare with what is owed."""
        fresh = False
        self.lived = self.now
        if self.now == self.cut_off:
            if self.delay is not None:
                self.composing[self.now + self.delay] = self.now
            self.delay = timedelta()
            sweep(self.engine, now=self.now)
            fresh = True
        cut_off = self.composing.pop(self.now, None)
        if cut_off is not None:
            add_issue(self.engine, issued_on=cut_off.date(), frozen_at=self.now, papers=6, first=self.papers + 1)
            self.papers += 6
            freeze_and_materialise(self.engine, cut_off.date(), cut_off=cut_off, now=self.now, size=6)
            self.composed.add(cut_off)
            self.look_ahead()  # some may be due at this very instant
            fresh = True
        owed = self.owed(cut_off)
        before = len(self.sink.sent)
        if self.due is not None and self.due <= self.now:
            deliver_due(self.engine, post.courier(self.sink), worker="w", clock=lambda: self.now, limit=50)
        sent = sorted(address for address, _message in self.sink.sent[before:])
        assert sent == sorted(f"r{n}@example.test" for n in owed), (self.now, owed)
        for n, (at, on, issue) in owed.items():
            reader = self.readers[n]
            row = post.deliveries(self.engine, subscriber_id=reader.id, local_date=on)[0]
            assert (row.due_at, row.state, row.sent_at) == (at, "accepted", self.now)
            assert reader.told is not None
            assert reader.told.at == at, (self.now, reader)  # what the reader was told is what came
            reader.dates.add(on)
            reader.issues.add(issue)
            reader.last = at
        missed = any(reader.told and reader.told.at and reader.told.at <= self.now for reader in self.readers)
        if fresh or owed or missed:
            self.tell()

    def owed(self, cut_off: datetime | None) -> dict[int, tuple[datetime, date, date]]:
        """Say who gets a digest now: at their slot, or for one missed by half a day where the issue is new."""
        current = self.cut_off
        found = {}
        if current not in self.composed:
            return {}
        first = self.now if cut_off is None else max(cut_off, self.now - 12 * HOUR)
        for n, reader in enumerate(self.readers):
            slots = reader.slots(self.start, first, self.now)
            if slots and current.date() not in reader.issues:
                found[n] = (*slots[0], current.date())
        return found

    def look_ahead(self) -> None:
        """Note when a worker next finds something: nothing but a change or an issue makes a delivery due."""
        self.due = min((row.due_at for row in post.deliveries(self.engine, state="pending")), default=None)

    def tell(self) -> None:
        """Let each reader ask, and note when a worker next finds something."""
        self.look_ahead()
        for reader in self.readers:
            reader.told = next_digest(
                self.engine,
                reader.id,
                now=self.moment,
                last_cut_off=self.last_cut_off(self.moment),
                calendar=ArxivCalendar(),
            )


@pytest.mark.timeout(600)
def test_every_digest_comes_at_its_hour_once_and_as_told() -> None:  # checklist 82, 83, 84, 85
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # Hypothesis does not type it
        Readers,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
