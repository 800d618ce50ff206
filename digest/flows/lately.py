"""The issues that a process has sent lately, so that one which is read again is the same object."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from digest.core.issue import Issue

_MOST = 16  # issues: two weeks of days, for weekly readers


@dataclass
class Lately:
    """Outlives the runs of a process. Rows are rendered once for each card, which is known by its identity.

    Every run reads its issues anew, to see that they are what was frozen; without this each would bring cards of its
    own, equal to those of the run before, and have all their rows rendered and kept once more.
    """

    _issues: dict[date, Issue] = field(default_factory=dict)

    def same(self, issue: Issue) -> Issue:
        """Return the issue as it is known already, if it is equal to that; else it is known from now on."""
        known = self._issues.get(issue.issued_on)
        if known == issue:
            return known
        self._issues[issue.issued_on] = issue
        while len(self._issues) > _MOST:
            del self._issues[min(self._issues)]
        return issue
