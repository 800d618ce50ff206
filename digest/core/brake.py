"""When to stop sending by itself: too many complaints, too many refused addresses, or everybody refusing us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import ceil
from typing import NamedTuple

LONG = timedelta(hours=72)  # complaints come in the days after, and over a weekend nothing is sent
RECENT = timedelta(hours=1)  # what is wrong with this very run


class Limit(NamedTuple):
    """Shares of the messages handed over from which on the brake warns and stops."""

    warn: float
    stop: float


COMPLAINTS = Limit(0.001, 0.003)  # what Gmail and Yahoo ask of bulk senders
HARD_BOUNCES = Limit(0.02, 0.05)
# How many cases there must be before a share means anything.
_FEWEST_TO_WARN, _FEWEST_TO_STOP = 2, 3
_FEWEST_HARD = 20
_POLICY_WARN, _POLICY_STOP, _FEWEST_POLICY = 0.05, 0.20, 20
_SYSTEMIC_STOP, _FEWEST_SYSTEMIC = 0.05, 10

# Refusals that say who we are is not believed: they meet every message alike, and no reader can mend them.
SYSTEMIC = frozenset({"5.7.25", "5.7.26", "5.7.27", "5.7.28", "5.7.30", "5.7.40", "5.7.509", "5.7.515"})


class Pull(StrEnum):
    """How hard the brake is pulled."""

    GO_ON = "go on"
    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of the messages of a time: `policy` has the refusals for policy (5.7.x) by their status."""

    accepted: int = 0
    rejected: int = 0
    hard: int = 0
    complaints: int = 0
    policy: Mapping[str, int] = field(default_factory=dict)

    @property
    def handed_over(self) -> int:
        """How many messages the relay decided about for good; never less than what is held against them."""
        return max(self.accepted + self.rejected, self.hard, self.complaints, sum(self.policy.values()))


def harmless_from(held_against: Counts) -> int:
    """Return the number of messages from which on what is held against them is too small a share to speak of.

    Nobody need count further. Zero where there are too few cases to speak of at all.
    """
    policy = sum(held_against.policy.values())
    needed = [
        held_against.complaints / COMPLAINTS.warn if held_against.complaints >= _FEWEST_TO_WARN else 0,
        held_against.hard / HARD_BOUNCES.warn if held_against.hard >= _FEWEST_HARD else 0,
        policy / _SYSTEMIC_STOP if policy >= _FEWEST_SYSTEMIC else 0,
    ]
    return ceil(max(needed))


@dataclass(frozen=True, slots=True)
class Brake:
    """Whether to go on, and the reasons in words, the gravest first."""

    pull: Pull
    words: tuple[str, ...] = ()

    @property
    def stops(self) -> bool:
        """Whether nothing more of any issue may be sent until somebody looks."""
        return self.pull is Pull.STOP


def judge(long: Counts, recent: Counts) -> Brake:
    """Decide from what became of the messages of the last 72 hours and of the last hour."""
    found = [
        _complaints(long),
        *(_hard(counts, name) for counts, name in ((long, "72 hours"), (recent, "hour"))),
        _systemic(recent),
        _policy(recent),
    ]
    said = [one for one in found if one is not None]
    for pull in (Pull.STOP, Pull.WARN):
        if any(one[0] is pull for one in said):
            ordered = sorted(said, key=lambda one: one[0] is not Pull.STOP)
            return Brake(pull, tuple(dict.fromkeys(words for _pull, words in ordered)))
    return Brake(Pull.GO_ON)


def _complaints(counts: Counts) -> tuple[Pull, str] | None:
    share = _share(counts.complaints, counts)
    words = (
        f"{counts.complaints} complaints about {counts.handed_over} messages in 72 hours ({share:.2%}); "
        "providers want less than 0.1 % and act from 0.3 % on"
    )
    if share >= COMPLAINTS.stop and counts.complaints >= _FEWEST_TO_STOP:
        return Pull.STOP, words
    return (Pull.WARN, words) if share >= COMPLAINTS.warn and counts.complaints >= _FEWEST_TO_WARN else None


def _hard(counts: Counts, during: str) -> tuple[Pull, str] | None:
    share = _share(counts.hard, counts)
    if counts.hard < _FEWEST_HARD or share < HARD_BOUNCES.warn:
        return None
    words = f"{counts.hard} of {counts.handed_over} messages bounced hard in the last {during} ({share:.1%})"
    return (Pull.STOP if share >= HARD_BOUNCES.stop else Pull.WARN), words


def _systemic(counts: Counts) -> tuple[Pull, str] | None:
    named = {status: number for status, number in counts.policy.items() if status in SYSTEMIC}
    number = sum(named.values())
    if number < _FEWEST_SYSTEMIC:
        return None
    codes = ", ".join(sorted(named))
    words = f"{number} messages were refused in the last hour because we are not believed to be us ({codes})"
    stop = _share(number, counts) >= _SYSTEMIC_STOP
    return (Pull.STOP if stop else Pull.WARN), f"{words}; see: digest doctor"


def _policy(counts: Counts) -> tuple[Pull, str] | None:
    number = sum(counts.policy.values())
    share = _share(number, counts)
    if number < _FEWEST_POLICY or share < _POLICY_WARN:
        return None
    words = f"{number} of {counts.handed_over} messages were refused for policy in the last hour ({share:.0%})"
    return (Pull.STOP if share >= _POLICY_STOP else Pull.WARN), words


def _share(number: int, counts: Counts) -> float:
    return number / counts.handed_over if counts.handed_over else 0.0
