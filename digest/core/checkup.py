"""What a look at an installation finds: one line for each check, and what to do where something is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    UNKNOWN = "could not be checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` says what to do, empty where there is nothing to do."""

    check: str
    health: Health
    words: str
    remedy: str = ""

    def as_plain(self) -> dict[str, str]:
        """Return the finding as plain values."""
        return {"check": self.check, "health": str(self.health), "words": self.words, "remedy": self.remedy}


def ok(check: str, words: str, remedy: str = "") -> Finding:
    """Make a finding of something that is as it should be."""
    return Finding(check, Health.OK, words, remedy)


def warning(check: str, words: str, remedy: str = "") -> Finding:
    """Make a finding of something to look at."""
    return Finding(check, Health.WARNING, words, remedy)


def failure(check: str, words: str, remedy: str) -> Finding:
    """Make a finding of something that must be mended."""
    return Finding(check, Health.FAILURE, words, remedy)


def unchecked(check: str, words: str, remedy: str = "") -> Finding:
    """Make a finding of something that could not be checked."""
    return Finding(check, Health.UNKNOWN, words, remedy)


def fails(findings: Iterable[Finding]) -> bool:
    """Say whether anything among the findings must be mended."""
    return any(one.health is Health.FAILURE for one in findings)
