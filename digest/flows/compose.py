"""The issue of a day: drafted from what was known at the cut-off, frozen once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.edits import Edits, arranged, in_force
from digest.core.issue import Issue
from digest.core.lineup import line_up
from digest.core.trend import Appraisal, TrendScore, trend_scores
from digest.flows.score import ISSUE_SIZE, appraised
from digest.flows.watched import beyond_ranking
from digest.store.dialects import one_writer
from digest.store.edits import ISSUES, edits_of
from digest.store.engine import reading, writing
from digest.store.issues import StoredIssue, by_date, freeze_issue
from digest.store.outlook import Outlook, newest_outlook, scores_at
from digest.store.papers import current_ids, papers_by_id
from digest.store.scores import store_scores
from digest.store.site import card_of
from digest.store.tables import Score
from digest.store.texts import novelty_of

OUTLOOK_HOLDS = timedelta(hours=2)  # so long after the scores, which come every hour


def draft(engine: Engine, issued_on: date, cut_off: datetime, *, size: int = ISSUE_SIZE) -> Issue:
    """Compose the issue of a date from what was known at the cut-off (aware), writing nothing.

    The trend is computed as of the cut-off itself, not taken from stored scores: the same state gives the same
    issue, to the byte. An issue without cards means that nothing is in the window.
    """
    with reading(engine) as session:
        return _compose(session, issued_on, cut_off.astimezone(UTC), size)[0]


def foresee(engine: Engine, issued_on: date, at: datetime, *, size: int = ISSUE_SIZE) -> Issue:
    """Draft the issue of a date as `draft` does, but from the newest scores where these are not two hours old.

    The draft is then as of those scores (its `cut_off` says so), with the edits of this instant: a look at the desk
    need not wait until every paper of the window was read and scored anew.
    """
    with reading(engine) as session:
        outlook = newest_outlook(session)
        if outlook is not None and timedelta(0) <= at - outlook.as_of < OUTLOOK_HOLDS:
            return _foreseen(session, issued_on, outlook, size)
        return _compose(session, issued_on, at.astimezone(UTC), size)[0]


def rests_on(session: Session, issued_on: date, at: datetime) -> tuple[date, datetime, tuple[int, ...]] | None:
    """Say what a foreseen draft rests on: the same answer, the same order. None where it would be worked out."""
    outlook = newest_outlook(session)
    if outlook is None or not timedelta(0) <= at - outlook.as_of < OUTLOOK_HOLDS:
        return None
    return issued_on, outlook.as_of, tuple(one.id for one in edits_of(session, issued_on))


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
    order += beyond_ranking(session, [one for one in contenders if one.paper_id not in named], named, cut_off)
    scores = {score.paper_id: score for score in trend_scores(appraisals, order)}
    return _issue(session, issued_on, cut_off, edits, order, len(ranked), scores), appraisals


def _foreseen(session: Session, issued_on: date, outlook: Outlook, size: int) -> Issue:
    edits = in_force(edits_of(session, issued_on))
    order = arranged(outlook.ranked[: size + len(edits.drops)], edits, size)
    named = {*order, *edits.drops}
    ranked = len(order)
    order += [paper_id for paper_id in outlook.beyond if paper_id not in named]
    current = current_ids(session, order)  # papers may have been merged since
    order = [paper_id for paper_id in order if current.get(paper_id) == paper_id]
    return _issue(session, issued_on, outlook.as_of, edits, order, ranked, scores_at(session, order, outlook.as_of))


def _issue(  # noqa: PLR0917  # what an issue is made of
    session: Session,
    issued_on: date,
    cut_off: datetime,
    edits: Edits,
    order: Sequence[int],
    ranked: int,
    scores: Mapping[int, Score | TrendScore],
) -> Issue:
    """Make the cards of an issue; all but the first `ranked` papers are there for readers who watch."""
    papers = papers_by_id(session, order)
    watched = set(order[ranked:])
    known = [paper_id for paper_id in order if paper_id in papers]
    novelties = novelty_of(session, known)
    cards = tuple(
        replace(
            card_of(papers[paper_id], scores.get(paper_id), rank, novelty=novelties.get(paper_id)),
            watched=paper_id in watched,
            pinned=paper_id in edits.pins,
        )
        for rank, paper_id in enumerate(known, start=1)
    )
    lines = {"note": edits.note, "subject": edits.subject, "preheader": edits.preheader}
    return Issue(issued_on=issued_on, cut_off=cut_off, cards=cards, **lines)
