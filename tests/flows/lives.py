"""Random readers, papers and days, as Hypothesis draws them, and what a model knows of readers and papers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from digest.core.interests import Interest, InterestKind, distinct, interest_of
from tests.flows.test_readers_hours import shown_at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS = 6
REST = 12 * HOUR  # what lies between two digests of a reader at least
LATEST = 2 * HOUR  # what is mailed after its slot, because the issue was late
STARTS = [
    datetime(2026, 5, 18, tzinfo=UTC),
    datetime(2026, 3, 27, tzinfo=UTC),  # Europe goes forward, Lord Howe and Santiago go back a week later
    datetime(2026, 10, 22, tzinfo=UTC),  # Europe goes back
    datetime(2025, 9, 4, tzinfo=UTC),  # Santiago skips a midnight
]
ZONES = [
    "UTC", "Europe/Berlin", "America/Los_Angeles", "America/Santiago", "Asia/Kathmandu", "Asia/Tokyo",
    "Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Pago_Pago",
]  # fmt: skip
CATEGORIES = ["cs.LG", "cs.CL", "math.CO"]
AUTHORS = ["Ada Byron", "Bo Li", "José Álvarez"]
LABS = ["Mila", "Aarhus"]
WORDS = ["sparse", "attention", "pruning", "graphs", "protein", "lattice", "reward", "speech", "kernel", "galaxy"]
OTHER_WORDS = ["tensor", "quantum", "bandit", "vision", "robot", "causal", "memory", "parser", "market", "climate"]
PHRASES = ["sparse attention", "pruning", "galaxy", "lattice", "tensor"]
Time = tuple[str, int, str, int]  # zone, hour, cadence, weekday
_WANTED = {"daily": range(7), "weekdays": range(5)}


def id_written(number: int, version: int) -> str:
    """Write a paper's arXiv id as sources do, each in its way."""
    own = f"2605.{number + 1:05d}"
    return (own, f"{own}v{version}", f"https://arxiv.org/abs/{own}v{version}")[(number + version) % 3]


def folded(words: str) -> str:
    return " ".join(re.findall(r"\w+", words.lower()))


def says(text: str, phrase: str) -> bool:
    return f" {phrase} " in f" {folded(text)} "


@dataclass(frozen=True)
class Told:
    """What is known of a paper from an instant on."""

    at: datetime
    version: int
    title: str
    abstract: str
    categories: tuple[str, ...]

    def holds(self, out: str) -> bool:
        return says(self.title, out) or says(self.abstract, out) or out in map(folded, self.categories)


@dataclass(frozen=True)
class Draft:
    """A paper that is to be written."""

    words: tuple[str, ...]
    categories: tuple[str, ...]
    author: str
    lab: str
    nameless: bool  # first seen on a list that knows its title alone


@dataclass(frozen=True)
class Wishes:
    """What a reader asks for beside the time."""

    categories: tuple[str, ...]
    named: tuple[tuple[InterestKind, str], ...]
    paper_count: int
    plain_text: bool
    when_empty: bool

    @property
    def interests(self) -> tuple[Interest, ...]:
        found = [interest_of(kind, words) for kind, words in self.named]
        return distinct(one for one in found if one is not None)


@dataclass(frozen=True)
class Move:
    """What a reader does at a quarter of a day."""

    quarter: int
    who: int
    what: str
    which: int
    time: Time
    wishes: Wishes


@dataclass(frozen=True)
class Plan:
    """What happens between two midnights."""

    drafts: list[Draft]
    again: list[tuple[int, str]]
    late: timedelta
    moves: list[Move]


times = st.tuples(
    st.sampled_from(ZONES),
    st.integers(0, 23),
    st.sampled_from(["daily", "daily", "daily", "weekdays", "weekly"]),
    st.integers(0, 6),
)
named = st.one_of(
    st.tuples(st.sampled_from([InterestKind.KEYWORD, InterestKind.SEARCH]), st.sampled_from(PHRASES)),
    st.tuples(st.just(InterestKind.EXCLUSION), st.sampled_from([*PHRASES, *CATEGORIES])),
    st.tuples(st.just(InterestKind.AUTHOR), st.sampled_from(AUTHORS)),
    st.tuples(st.just(InterestKind.LAB), st.sampled_from(LABS)),
)
some_categories = st.lists(st.sampled_from(CATEGORIES), max_size=2, unique=True).map(tuple)
wishes = st.builds(
    Wishes, some_categories, st.lists(named, max_size=4).map(tuple), st.integers(5, 8), st.booleans(), st.booleans()
)
drafts = st.builds(
    Draft,
    st.lists(st.sampled_from(WORDS), min_size=6, max_size=10).map(tuple),
    st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=2, unique=True).map(tuple),
    st.sampled_from(AUTHORS),
    st.sampled_from(["", *LABS]),
    st.sampled_from([False, False, True]),
)
moves = st.builds(
    Move,
    st.integers(0, 95),
    st.integers(0, 2),
    st.sampled_from(
        [
            *["save", "save", "save", "more", "less", "mute", "time", "sooner", "sooner", "wishes"],
            *["pause", "resume", "leave", "return"],
        ]
    ),
    st.integers(0, 9),
    times,
    wishes,
)


def plans(papers: int, acts: int) -> st.SearchStrategy[Plan]:
    how = st.sampled_from(["major", "major", "minor", "cross", "elsewhere"])
    return st.builds(
        Plan,
        st.lists(drafts, min_size=papers, max_size=papers),
        st.lists(st.tuples(st.integers(0, 30), how), min_size=acts, max_size=acts),
        st.sampled_from([timedelta(), timedelta(), LATEST]),
        st.lists(moves, min_size=acts, max_size=acts).map(lambda some: sorted(some, key=lambda one: one.quarter)),
    )


@dataclass
class Reader:
    """What the model knows of one reader."""

    id: int
    address: str
    time: Time
    wishes: Wishes
    out: set[str] = field(default_factory=set)
    state: str = "confirmed"
    until: date | None = None
    steady: bool = True  # has never changed when digests come
    dates: set[date] = field(default_factory=set)
    mailed: datetime | None = None  # when the last digest came
    had: dict[int, datetime] = field(default_factory=dict)
    saved: dict[int, int] = field(default_factory=dict)
    buttons: dict[int, tuple[str, int]] = field(default_factory=dict)  # by paper: the link's token, the paper's id

    def slots(self, start: datetime, first: datetime, last: datetime) -> list[tuple[datetime, date]]:
        """List when their clock first shows their hour, or has skipped it, and on which dates they want a digest."""
        zone, hour, cadence, weekday = self.time
        wanted = _WANTED.get(cadence, (weekday,))
        return [(at, on) for at, on in shown_at(zone, start, hour) if first <= at <= last and on.weekday() in wanted]

    def today(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.time[0])).date()
