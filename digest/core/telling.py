"""When an alarm is told, and when its end is: each once, however often and by whomever it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.core.alarm import Alarm
from digest.core.alarms import RULE_OF, SETTLED


class Step(StrEnum):
    """What becomes of a known alarm at a look."""

    BEGIN = "begin"  # it is new, or it comes back long after its end was told
    STAY = "stay"
    TELL = "tell"
    FORGET = "forget"  # it went before it had lasted long enough to be told
    PAUSE = "pause"  # it is gone; whether for good, the next hour shows
    RESUME = "resume"
    TELL_END = "tell the end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is kept of an alarm: since when it holds, when it was told, when it ended and when that was told."""

    key: str
    since: datetime
    told_at: datetime | None = None
    over_at: datetime | None = None
    told_over_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether its end was told: what comes now is another one."""
        return self.told_over_at is not None


def step_of(known: Known | None, alarm: Alarm | None, now: datetime) -> Step:
    """Decide what becomes of an alarm, by what is kept of it and whether it holds now."""
    if alarm is None:
        return _without(known, now)
    if known is None or known.is_over:
        return Step.BEGIN
    if known.told_at is None:
        return Step.TELL if now - known.since >= alarm.rule.patience else Step.STAY
    return Step.RESUME if known.over_at is not None else Step.STAY


def _without(known: Known | None, now: datetime) -> Step:
    if known is None or known.is_over:
        return Step.STAY
    if known.told_at is None:
        return Step.FORGET
    if known.over_at is None:
        return Step.PAUSE
    return Step.TELL_END if now - known.over_at >= SETTLED else Step.STAY


def rule_name(key: str) -> str:
    """Return the name of the rule that a key is of; it may be one of another version."""
    return key.partition(":")[0]


def title_of(key: str) -> str:
    """Say in a few words what an alarm says, by its key alone."""
    name, _, subject = key.partition(":")
    rule = RULE_OF.get(name)
    if rule is None:
        return key
    return rule.title % {"subject": subject} if subject else rule.title
