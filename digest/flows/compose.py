"""The issue of a day: drafted from what was known at the cut-off, frozen once."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.edits import arranged, in_force
from digest.core.issue import Issue
from digest.core.lineup import Contender, by_strength, line_up
from digest.core.trend import Appraisal, trend_scores
from digest.flows.score import appraised
from digest.store.beyond import revisions, saved_since
from digest.store.dialects import one_writer
from digest.store.edits import ISSUES, edits_of
from digest.store.engine import reading, writing
from digest.store.issues import StoredIssue, by_date, freeze_issue
from digest.store.papers import current_ids, papers_by_id
from digest.store.scores import WINDOW, store_scores
from digest.store.site import card_of
from digest.store.texts import novelty_of
from digest.store.watching import watched_papers

ISSUE_SIZE = 500  # cards: enough that a reader of one small category finds some
_MOST_WATCHED = 500  # more that some reader watches for
_REVISED_SINCE = timedelta(days=2)  # so long a new version of a saved paper stays in issues, as a day may have none


def draft(engine: Engine, issued_on: date, cut_off: datetime, *, size: int = ISSUE_SIZE) -> Issue:
    """Compose the issue of a date from what was known at the cut-off (aware), writing nothing.

    The trend is computed as of the cut-off itself, not taken from stored scores: the same state gives the same
    issue, to the byte. An issue without cards means that nothing is in the window.
    """
    with reading(engine) as session:
        return _compose(session, issued_on, cut_off.astimezone(UTC), size)[0]


def freeze(
    engine: Engine,
    issued_on: date,
    cut_off: datetime,
    *,
    now: datetime,
    size: int = ISSUE_SIZE,
    needs_approval: bool = False,
) -> StoredIssue | None:
    """Freeze the issue of a date, once: whoever comes later, or second, gets the stored one with `created` False.

    The scores it rests on are stored with it, and the editors' edits are in it. It is frozen as held where an editor
    held it, or where it `needs_approval` and nobody gave it. Returns None, and stores nothing, where there is nothing
    to show.
    """
    cut_off = cut_off.astimezone(UTC)
    with reading(engine) as session:
        stored = by_date(session, issued_on)
        if stored is not None:
            return stored
        edits = edits_of(session, issued_on)
        issue, appraisals = _compose(session, issued_on, cut_off, size)
    if not issue.cards:
        return None
    with writing(engine) as session:
        one_writer(session, "papers")
        one_writer(session, ISSUES)
        ids = {card.paper_id for card in issue.cards}
        meanwhile = edits_of(session, issued_on)
        if meanwhile != edits or current_ids(session, ids) != {paper_id: paper_id for paper_id in ids}:
            # Papers were merged, or the issue was edited, since: compose again, while nobody else can.
            issue, appraisals = _compose(session, issued_on, cut_off, size)
        said = in_force(meanwhile)
        held = bool(said.held_by) or (needs_approval and not said.approved_by)
        won = freeze_issue(session, issue, now=now, held=held) is not None
        if won:
            store_scores(session, cut_off, trend_scores(appraisals))
    with reading(engine) as session:
        stored = by_date(session, issued_on)
    return replace(stored, created=won) if stored is not None else None


def _compose(session: Session, issued_on: date, cut_off: datetime, size: int) -> tuple[Issue, list[Appraisal]]:
    appraisals, contenders = appraised(session, cut_off)
    edits = in_force(edits_of(session, issued_on))
    order = arranged(line_up(contenders, size + len(edits.drops)), edits, size)
    ranked = set(order)
    named = ranked | edits.drops
    order += _beyond(session, [one for one in contenders if one.paper_id not in named], named, cut_off)
    scores = {score.paper_id: score for score in trend_scores(appraisals, order)}
    papers = papers_by_id(session, order)
    known = [paper_id for paper_id in order if paper_id in papers]
    novelties = novelty_of(session, known)
    cards = tuple(
        replace(
            card_of(papers[paper_id], scores.get(paper_id), rank, novelty=novelties.get(paper_id)),
            watched=paper_id not in ranked,
            pinned=paper_id in edits.pins,
        )
        for rank, paper_id in enumerate(known, start=1)
    )
    lines = {"note": edits.note, "subject": edits.subject, "preheader": edits.preheader}
    return Issue(issued_on=issued_on, cut_off=cut_off, cards=cards, **lines), appraisals


def _beyond(session: Session, rest: Sequence[Contender], named: Set[int], cut_off: datetime) -> list[int]:
    """Find what readers watch for beyond the ranking: fresh papers, strongest first, then saved ones revised.

    What is `named` already, ranked or dropped, is left out.
    """
    since = (cut_off - WINDOW).date()
    fresh = by_strength(one for one in rest if one.listed_on is not None and one.listed_on >= since)
    found = watched_papers(session, fresh, _MOST_WATCHED)
    saved = [one for one in saved_since(session, (cut_off - _REVISED_SINCE).date()) if one not in named]
    revised = {one.paper_id for one in revisions(session, saved)}.difference(found)
    return found + sorted(revised)[:_MOST_WATCHED]
