"""The issues that a run or a preview cuts editions from: loaded and laid out once, merged for weekly readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import Session

from digest.core.cadence import Cadence
from digest.core.issue import Issue
from digest.core.tailor import Edition, Pick
from digest.core.weekly import merge_week
from digest.errors import TemplateFault
from digest.flows.editions import index_of
from digest.flows.lately import Lately
from digest.flows.letters import Courier, digest_letter, inert_links
from digest.store.audience import issues_between
from digest.store.issues import load_issue

if TYPE_CHECKING:
    from digest.core.issue_index import IssueIndex

_REST_OF_WEEK = timedelta(days=6)


@dataclass
class IssueShelf:
    """Issues by id and kind of cadence, each loaded once; those known `lately` stay the objects that they were."""

    lately: Lately = field(default_factory=Lately)
    _issues: dict[tuple[int, bool], Issue] = field(default_factory=dict)
    _indexes: dict[tuple[int, bool], IssueIndex] = field(default_factory=dict)

    def fetch(self, session: Session, issue_id: int, cadence: str) -> Issue:
        """Load an issue, or for a weekly cadence the week that ends with it; raises NotFound."""
        weekly = cadence == Cadence.WEEKLY
        if (issue_id, False) not in self._issues:
            self._issues[issue_id, False] = self.lately.same(load_issue(session, issue_id))
        if weekly and (issue_id, True) not in self._issues:
            self._issues[issue_id, True] = week_of(session, self._issues[issue_id, False], self.lately)
        return self._issues[issue_id, weekly]

    def index(self, session: Session, issue_id: int, cadence: str) -> IssueIndex:
        """Lay out what `fetch` loaded for tailoring, once."""
        key = issue_id, cadence == Cadence.WEEKLY
        if key not in self._indexes:
            self._indexes[key] = index_of(session, self._issues[key])
        return self._indexes[key]

    def daily(self) -> Iterator[tuple[int, Issue]]:
        """Iterate over the issues of one day, with their ids."""
        return ((issue_id, issue) for (issue_id, weekly), issue in self._issues.items() if not weekly)


def week_of(session: Session, issue: Issue, lately: Lately | None = None) -> Issue:
    """Merge an issue with those of the six days before it."""
    lately = lately or Lately()
    earlier = issues_between(session, issue.issued_on - _REST_OF_WEEK, issue.issued_on - timedelta(days=1))
    return merge_week([issue, *(lately.same(load_issue(session, one)) for one in earlier)])


def proof(courier: Courier, issue: Issue, at: datetime) -> None:
    """Make a digest of a single card of an issue, for nobody; raises TemplateFault if no card can be made one.

    One bad card is the affair of the readers who would get it; a template that fails all of them is
    found here, before anybody is mailed.
    """
    fault: TemplateFault | None = None
    for card in issue.cards:
        edition = Edition(issued_on=issue.issued_on, picks=(Pick(1, card),), note=issue.note)
        links = inert_links(courier.base_url)
        try:
            digest_letter(courier, edition, links, recipient=courier.sender.address, identity="proof", at=at)
        except TemplateFault as error:
            fault = error
            continue
        except Exception:  # noqa: BLE001  # whatever it is, it is not the template
            return
        return
    if fault is not None:
        raise fault
