"""An alarm: a condition that holds, of a rule that says what it means and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Severity(StrEnum):
    """Whether somebody should be woken for it, or may see to it in the morning."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of alarm; `page` is a path of the desk, `patience` how long it must last before anybody is told."""

    name: str
    severity: Severity
    title: str
    when: str
    what_to_do: str
    page: str
    patience: timedelta = timedelta(0)

    @property
    def doing(self) -> str:
        """Say what to do without the marks of Markdown."""
        return self.what_to_do.replace("`", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A condition that holds now: of which rule, of what if there may be several, and since when."""

    rule: Rule
    since: datetime
    subject: str = ""
    details: str = ""

    @property
    def key(self) -> str:
        """What tells it from all others; the same as long as the condition is."""
        return f"{self.rule.name}:{self.subject}" if self.subject else self.rule.name

    @property
    def title(self) -> str:
        """Say in a few words what is wrong."""
        return self.rule.title % {"subject": self.subject} if self.subject else self.rule.title
