"""The editions of a chunk of claims, cut all at once before their letters are made one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from sqlmodel import Session

from digest.core.tailor import Asked, Edition, tailor_many
from digest.flows.editions import coming_back, editions_of, wishes_of
from digest.flows.shelf import IssueShelf
from digest.store.addressees import Reader
from digest.store.deliveries import Claim

if TYPE_CHECKING:
    from digest.core.issue_index import IssueIndex

_log = structlog.get_logger(__name__)
Had = Callable[[int | None], frozenset[int]]


@dataclass
class Cuts:
    """What claims ask of an issue, and their editions; both are gone once taken."""

    _asked: dict[int, tuple[IssueIndex, Asked]] = field(default_factory=dict)
    _cut: dict[int, Edition] = field(default_factory=dict)

    def look_up(
        self, session: Session, shelf: IssueShelf, claims: Sequence[Claim], readers: Mapping[int, Reader], had: Had
    ) -> None:
        """Look up what claims on issues that the shelf holds ask of these."""
        ids = {claimed.id for claimed in claims}
        wishes = wishes_of(session, {claimed.subscriber_id or 0: readers[claimed.id] for claimed in claims})
        together: dict[tuple[int, str], list[Claim]] = {}
        for claimed in claims:
            together.setdefault((claimed.issue_id or 0, readers[claimed.id].cadence), []).append(claimed)
        for (issue_id, cadence), those in together.items():
            index = shelf.index(session, issue_id, cadence)
            whose = {claimed.subscriber_id or 0 for claimed in those}
            back = coming_back(session, index.issue, whose, but=ids)
            for claimed in those:
                key = claimed.subscriber_id or 0
                asked = Asked(wishes[key], had(claimed.subscriber_id), back.get(key, frozenset()))
                self._asked[claimed.id] = index, asked

    def cut(self) -> None:
        """Cut what was looked up. What fails here is cut again alone when it is taken, and fails alone."""
        wanted = [(key, index, asked) for key, (index, asked) in self._asked.items() if key not in self._cut]
        try:
            self._cut.update(editions_of(wanted))
        except Exception:  # noqa: BLE001  # one reader's wishes must not stop the others', whatever they are
            _log.exception("chunk_uncut", readers=len(wanted))

    def take(self, claimed: Claim, made: frozenset[int]) -> Edition:
        """Return the edition of a claim, without the papers of letters that were made for its reader meanwhile."""
        index, asked = self._asked.pop(claimed.id)
        edition = self._cut.pop(claimed.id, None)
        if edition is None or not made.isdisjoint(pick.card.paper_id for pick in edition.picks):
            fewer = asked._replace(already_sent=asked.already_sent | made, revised=asked.revised - made)
            edition = tailor_many(index, [fewer])[0]
        return edition

    def drop(self, claimed: Claim) -> None:
        """Forget a claim for which no letter is made."""
        self._asked.pop(claimed.id, None)
        self._cut.pop(claimed.id, None)
