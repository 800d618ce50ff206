"""Which papers to ask a service for, and when again: new ones often, old ones rarely. Decides, and does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from digest.core.capture import AuthorFigure, Rejection
from digest.core.paper import Observation

LIVELY_FOR = timedelta(days=3)  # a paper that stood on a day's page this lately is treated like a new one
SCOPE = "signals"


class Finding(StrEnum):
    """What a service's answer says of one paper.

    `unknown` is no answer: a refusal, a failure, a cut body, a record of another paper. It says nothing of the paper,
    so what is stored of it stays as it was.
    """

    FOUND = "found"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A paper as a service is asked for it.

    `born_at` is when it was listed. `repositories` are those the paper names, `owner/name`, the likeliest first;
    `named` and `known_as` are which one was asked for last, and what its name was then.
    """

    paper_id: int
    arxiv_id: str = ""
    doi: str = ""
    authors: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    named: str = ""
    known_as: str = ""
    born_at: datetime
    is_lively: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one service says of one paper at one instant; `dropped` are the numbers nobody can believe."""

    finding: Finding
    observations: tuple[Observation, ...] = ()
    figures: tuple[AuthorFigure, ...] = ()
    dropped: tuple[Rejection, ...] = ()
    reason: str = ""
    named: str = ""
    known_as: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a paper is asked for, by its age: up to `days` old every `hours`, the last step for all older ones.

    An absent paper waits `patience` times as long.
    """

    steps: Sequence[tuple[float, float]]
    patience: int

    def wait(self, age: timedelta, finding: Finding) -> timedelta:
        """Return how long a paper of that age waits for the next question."""
        days = age / timedelta(days=1)
        hours = next((hours for most, hours in self.steps if days < most), self.steps[-1][1])
        return timedelta(hours=hours) * (self.patience if finding is Finding.ABSENT else 1)


PACES = {
    # Stars and points move within hours while a paper is new; an address is often announced before it works.
    "github": Pace(((2, 6), (7, 12), (30, 72), (90, 336), (365, 720), (3650, 2160)), patience=2),
    "hacker-news": Pace(((3, 6), (7, 24), (30, 168), (365, 1440), (3650, 4320)), patience=1),
    # Citations take weeks to appear, and days to be counted.
    "semantic-scholar": Pace(((7, 48), (30, 168), (365, 720), (3650, 2160)), patience=1),
    "openalex": Pace(((30, 168), (365, 720), (3650, 2880)), patience=2),
}
FALLBACK_FOR = {"openalex": "semantic-scholar"}  # asked only for what that service does not have
BY_REPOSITORY = frozenset({"github"})  # asked by the repository that a paper names, the others by its arXiv id
UNKNOWN_WAIT = timedelta(hours=1)


def born(listed_on: date | None, published_at: datetime | None, first_seen_at: datetime) -> datetime:
    """Return since when a paper has been out: the day it was listed, else when it was published or first seen here."""
    if listed_on is not None:
        return datetime.combine(listed_on, time(), UTC)
    return published_at or first_seen_at


def next_at(service: str, subject: Subject, finding: Finding, now: datetime) -> datetime:
    """Return when to ask a service for a paper again, given what it said of it now.

    A tenth more or less, by the paper's id, so that a day's papers do not all come due together.
    """
    if finding is Finding.UNKNOWN:
        return now + UNKNOWN_WAIT
    age = max(now - subject.born_at, timedelta(0))
    if subject.is_lively:
        age = min(age, LIVELY_FOR / 2)
    spread = 0.9 + (subject.paper_id * 7 % 21) / 100
    return now + PACES[service].wait(age, finding) * spread


def lively_since(service: str, now: datetime) -> datetime:
    """Return the instant before which a paper of the day's page must have been asked for to be due, plan or no plan.

    An old paper that people begin to talk about would otherwise keep the slow pace of its age.
    """
    return now - PACES[service].wait(LIVELY_FOR / 2, Finding.FOUND)


def shares(limit: int) -> tuple[int, int]:
    """Split a run's budget into papers by newness and papers by how long they have waited: four to one.

    Newness alone would never come to the old ones where a budget is small.
    """
    waiting = limit // 5
    return limit - waiting, waiting
