"""The desk's draft from the newest scores: the same as one worked out anew, with the edits of this instant."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, event
from sqlmodel import select

from digest.core.edits import EditKind, edit_of
from digest.flows import editing
from digest.flows.compose import OUTLOOK_HOLDS, draft, foresee, freeze
from digest.flows.drafts import Drafts
from digest.flows.preview import preview
from digest.flows.score import score
from digest.store.engine import reading, writing
from digest.store.outlook import keep_outlook, newest_outlook
from digest.store.tables import InterestRow, Paper
from tests import post
from tests.flows.test_compose import DAY, listing, stock
from tests.post import Sink, add_reader

EDITOR = "ed@example.test"


@pytest.fixture
def scored(engine: Engine, now: datetime) -> Engine:
    """Twelve fresh papers of which a reader watches for one, scored just now."""
    stock(engine, [listing(n, (n, 10), (1, 3 * n)) for n in range(1, 13)], now - timedelta(hours=1))
    ann = add_reader(engine, "ann@example.test")
    with reading(engine) as session:
        title = session.exec(select(Paper.title).order_by(Paper.id)).first() or ""
    with writing(engine) as session:
        word = title.lower().split()[-1]
        session.add(InterestRow(subscriber_id=ann, kind="keyword", key=word, words=word, created_at=now))
    score(engine, now, size=5)
    return engine


def make(engine: Engine, kind: EditKind, now: datetime, **what: object) -> int:
    edit = edit_of(kind, **what)  # type: ignore[arg-type]  # given by name
    return editing.make_edit(engine, DAY, edit, actor=EDITOR, now=now)


def test_what_is_foreseen_is_what_is_drafted_as_of_the_same_instant(scored: Engine, now: datetime) -> None:
    assert foresee(scored, DAY, now, size=5) == draft(scored, DAY, now, size=5)
    ids = [card.paper_id for card in draft(scored, DAY, now, size=5).cards]
    assert any(card.watched for card in draft(scored, DAY, now, size=5).cards)
    make(scored, EditKind.DROP, now, paper_id=ids[0])
    make(scored, EditKind.PIN, now, paper_id=ids[-1], place=2)
    make(scored, EditKind.NOTE, now, words="Look.")
    make(scored, EditKind.SUBJECT, now, words="Of probes")
    assert foresee(scored, DAY, now, size=5) == draft(scored, DAY, now, size=5)
    frozen = freeze(scored, DAY, now, now=now, size=5)
    assert frozen is not None
    assert frozen.issue == foresee(scored, DAY, now, size=5)


def test_it_is_as_of_the_scores_and_says_so(scored: Engine, now: datetime) -> None:
    later = now + timedelta(minutes=59)
    assert foresee(scored, DAY, later, size=5) == draft(scored, DAY, now, size=5)
    assert foresee(scored, DAY, later, size=5).cut_off == now


def test_old_scores_and_a_past_day_are_not_taken(scored: Engine, now: datetime) -> None:
    for at in (now + OUTLOOK_HOLDS, now - timedelta(minutes=1)):
        assert foresee(scored, DAY, at, size=5) == draft(scored, DAY, at, size=5)
        assert foresee(scored, DAY, at, size=5).cut_off == at


def test_a_paper_that_is_gone_since_the_scores_is_left_out(scored: Engine, now: datetime) -> None:
    with writing(scored) as session:
        outlook = newest_outlook(session)
        assert outlook is not None
        keep_outlook(session, outlook._replace(ranked=[999_999, *outlook.ranked]))
    assert 999_999 not in [card.paper_id for card in foresee(scored, DAY, now, size=5).cards]


def statements(engine: Engine, drafts: Drafts, at: datetime, **asked: object) -> tuple[int, str]:
    """Look at the mail; return the number of statements and the subject."""
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        made = preview(engine, post.courier(Sink()), issued_on=DAY, at=at, drafts=drafts, **asked)  # type: ignore[arg-type]
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert not any("observation" in one for one in seen), "a look read observations"
    return len(seen), made.subject


def test_a_second_look_reads_no_papers_and_an_edit_shows_at_once(scored: Engine, now: datetime) -> None:
    drafts = Drafts(size=5)
    first, subject = statements(scored, drafts, now)
    again, same = statements(scored, drafts, now + timedelta(seconds=5), reader="ann@example.test")
    assert again < first + 8
    assert same == subject
    make(scored, EditKind.SUBJECT, now, words="Of probes")
    seen = preview(scored, post.courier(Sink()), issued_on=DAY, at=now, drafts=drafts)
    assert seen.edition.subject == "Of probes"


def test_a_new_title_shows_within_a_minute(scored: Engine, now: datetime) -> None:
    drafts = Drafts(size=5)

    def titles(at: datetime) -> list[str]:
        seen = preview(scored, post.courier(Sink()), issued_on=DAY, at=at, drafts=drafts)
        return [pick.card.title for pick in seen.edition.picks]

    before = titles(now)
    with writing(scored) as session:
        for paper in session.exec(select(Paper)):
            paper.title = f"Revised {paper.title}"
    assert titles(now + timedelta(seconds=30)) == before
    assert titles(now + timedelta(seconds=61)) == [f"Revised {title}" for title in before]


def test_a_frozen_issue_is_read_once_and_shown_as_it_is(scored: Engine, now: datetime) -> None:
    drafts = Drafts(size=5)
    preview(scored, post.courier(Sink()), issued_on=DAY, at=now, drafts=drafts)
    frozen = freeze(scored, DAY, now, now=now, size=5)
    assert frozen is not None
    laid = drafts.lay_out(scored, DAY, now)
    assert (laid.issue_id, laid.issue) == (frozen.id, frozen.issue)
    assert drafts.lay_out(scored, DAY, now + timedelta(hours=9)) is laid


def test_a_weekly_readers_week_is_laid_out_once_a_minute(scored: Engine, now: datetime) -> None:
    add_reader(scored, "wil@example.test", cadence="weekly")
    yesterday = now - timedelta(days=1)
    assert freeze(scored, yesterday.date(), now, now=now, size=5) is not None
    drafts = Drafts(size=5)
    first, _ = statements(scored, drafts, now, reader="wil@example.test")
    again, _ = statements(scored, drafts, now + timedelta(seconds=9), reader="wil@example.test")
    later, _ = statements(scored, drafts, now + timedelta(seconds=70), reader="wil@example.test")
    assert again <= first - 5
    assert later == first
    exact = preview(scored, post.courier(Sink()), issued_on=DAY, at=now, reader="wil@example.test", size=5)
    quick = preview(scored, post.courier(Sink()), issued_on=DAY, at=now, reader="wil@example.test", drafts=drafts)
    assert [pick.card.paper_id for pick in quick.edition.picks] == [pick.card.paper_id for pick in exact.edition.picks]


def test_no_more_than_a_few_issues_are_kept(scored: Engine, now: datetime) -> None:
    drafts = Drafts(size=5)
    for days in range(9):
        drafts.lay_out(scored, DAY + timedelta(days=days), now)
    assert len(drafts._kept) == 4


def test_without_scores_a_draft_is_worked_out(engine: Engine, now: datetime) -> None:
    stock(engine, [listing(n, (n, 10), (1, 3 * n)) for n in range(1, 4)], now - timedelta(hours=1))
    laid = Drafts(size=2).lay_out(engine, DAY, now)
    assert laid.issue == draft(engine, DAY, now, size=2)
