"""What cutting editions needs from the store: what readers wish, and what is known of papers beside their cards."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlmodel import Session

from digest.core.issue import Issue
from digest.core.tailor import Asked, Edition, Preferences, tailor_many
from digest.store.addressees import Reader
from digest.store.beyond import beyond, revisions, sent_since
from digest.store.interests import interests_of
from digest.store.tastes import tastes_of
from digest.store.texts import frequencies

if TYPE_CHECKING:
    from digest.core.issue_index import IssueIndex


def index_of(session: Session, issue: Issue) -> IssueIndex:
    """Lay out an issue for tailoring, with the abstracts and prints of its papers."""
    from digest.core.issue_index import IssueIndex  # noqa: PLC0415 - numpy comes with the first edition
    from digest.core.liking import Rarity  # noqa: PLC0415

    common = frequencies(session)
    known = beyond(session, {card.paper_id for card in issue.cards})
    return IssueIndex(issue, known, Rarity(common.papers, common.counts))


def wishes_of(session: Session, readers: Mapping[int, Reader]) -> dict[int, Preferences]:
    """Return what readers, by subscriber id, want in their editions."""
    interests = interests_of(session, readers)
    tastes = tastes_of(session, readers)
    return {
        subscriber_id: Preferences(
            categories=reader.categories,
            paper_count=reader.paper_count,
            interests=interests.get(subscriber_id, ()),
            taste=tastes.get(subscriber_id),
            outside=reader.outside,
        )
        for subscriber_id, reader in readers.items()
    }


def coming_back(
    session: Session, issue: Issue, subscribers: Collection[int], *, but: Collection[int] = ()
) -> dict[int, frozenset[int]]:
    """Return, by subscriber id, the papers of an issue that may come back: saved, revised since, and not sent as such.

    Deliveries in `but` are those being made now.
    """
    found = revisions(session, {card.paper_id for card in issue.cards}, subscribers)
    sent = sent_since(session, found, but=but)
    back: dict[int, frozenset[int]] = {}
    for one in found:
        if (one.subscriber_id, one.paper_id) not in sent:
            back[one.subscriber_id] = back.get(one.subscriber_id, frozenset()) | {one.paper_id}
    return back


def editions_of(wanted: Sequence[tuple[int, IssueIndex, Asked]]) -> dict[int, Edition]:
    """Cut the editions of claims, all those of one issue at once."""
    by_issue: dict[int, list[tuple[int, IssueIndex, Asked]]] = {}
    for one in wanted:
        by_issue.setdefault(id(one[1]), []).append(one)
    found: dict[int, Edition] = {}
    for those in by_issue.values():
        editions = tailor_many(those[0][1], [asked for _, _, asked in those])
        found.update(zip((key for key, _, _ in those), editions, strict=True))
    return found
