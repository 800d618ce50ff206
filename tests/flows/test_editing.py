"""Edits on their way into the issue: carried, attributed, undone, refused too late, never lost to a race."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.edits import EditKind, edit_of
from digest.core.issue import Issue, IssueState
from digest.errors import EditRefused, NotFound
from digest.files import templates_folder
from digest.flows import compose, editing
from digest.flows.audience import materialise
from digest.flows.compose import draft, freeze
from digest.flows.deliver import deliver_due
from digest.flows.preview import preview
from digest.mail.render import Renderer
from digest.store.engine import reading, writing
from digest.store.issues import by_date
from digest.store.tables import AuditEntry, Delivery, IssueRow, Paper, Subscriber
from tests import post
from tests.flows.test_compose import DAY, listing, stock
from tests.flows.test_preview import _TOKEN, html_of

EDITOR = "ed@example.test"
PIN, DROP, NOTE = EditKind.PIN, EditKind.DROP, EditKind.NOTE


@pytest.fixture
def stocked(engine: Engine, now: datetime) -> Engine:
    """Seven fresh papers and one that is too old for the window."""
    fresh = [listing(n, (n, 10), (1, 3 * n)) for n in range(1, 8)]
    stock(engine, [*fresh, listing(8, listed_on=date(2026, 1, 5))], now - timedelta(hours=1))
    return engine


def _ids(engine: Engine) -> dict[int, int]:
    """Paper ids by the number in their arXiv ids."""
    with reading(engine) as session:
        return {int((paper.arxiv_id or "0.0")[-5:]): paper.id or 0 for paper in session.exec(select(Paper))}


def _numbers(issue: Issue) -> list[int]:
    return [int((card.arxiv_id or "0")[-5:]) for card in issue.cards]


def _audit(engine: Engine) -> list[tuple[str, str, str, str]]:
    with reading(engine) as session:
        return [(row.actor, row.action, row.target, row.detail) for row in session.exec(select(AuditEntry))]


def test_what_editors_do_stands_in_the_draft_and_in_the_frozen_issue(stocked: Engine, now: datetime) -> None:
    ids = _ids(stocked)
    before = _numbers(draft(stocked, DAY, now))
    second, last = before[1], before[-1]
    for edit in (
        edit_of(DROP, paper_id=ids[second]),
        edit_of(PIN, paper_id=ids[last], place=1),
        edit_of(PIN, paper_id=ids[8], place=3),
        edit_of(NOTE, words="Look at the third."),
        edit_of(EditKind.SUBJECT, words="Lamps, of all things"),
    ):
        editing.make_edit(stocked, DAY, edit, actor=EDITOR, now=now)
    drafted = draft(stocked, DAY, now)
    stored = freeze(stocked, DAY, now, now=now)
    assert stored is not None
    assert stored.issue == drafted
    assert stored.issue.content_hash == drafted.content_hash
    rest = [number for number in before if number not in (second, last)]
    assert _numbers(drafted) == [last, rest[0], 8, *rest[1:]]
    assert [card.rank for card in drafted.cards] == list(range(1, 8))
    assert [card.pinned for card in drafted.cards[:4]] == [True, False, True, False]
    assert (drafted.note, drafted.subject) == ("Look at the third.", "Lamps, of all things")
    assert [row[:2] for row in _audit(stocked)] == [
        (EDITOR, kind) for kind in ("drop", "pin", "pin", "note", "subject")
    ]


def test_an_edit_that_is_undone_never_was(stocked: Engine, now: datetime) -> None:
    ids = _ids(stocked)
    before = draft(stocked, DAY, now)
    number = editing.make_edit(stocked, DAY, edit_of(DROP, paper_id=ids[7]), actor=EDITOR, now=now)
    assert draft(stocked, DAY, now) != before
    editing.undo(stocked, DAY, number, actor="other@example.test", now=now)
    assert draft(stocked, DAY, now) == before
    with pytest.raises(EditRefused, match="taken back already"):
        editing.undo(stocked, DAY, number, actor=EDITOR, now=now)
    with pytest.raises(EditRefused, match="taken back already"):
        editing.undo(stocked, DAY + timedelta(days=1), number, actor=EDITOR, now=now)
    assert _audit(stocked)[-1] == ("other@example.test", "undo", f"issue of {DAY}", f"edit {number}")


def test_a_frozen_issue_takes_no_edit_any_more(stocked: Engine, now: datetime) -> None:
    number = editing.make_edit(stocked, DAY, edit_of(NOTE, words="Good morning"), actor=EDITOR, now=now)
    frozen = freeze(stocked, DAY, now, now=now)
    for late in (
        lambda: editing.make_edit(stocked, DAY, edit_of(NOTE, words="Too late"), actor=EDITOR, now=now),
        lambda: editing.undo(stocked, DAY, number, actor=EDITOR, now=now),
    ):
        with pytest.raises(EditRefused, match="is frozen and does not change"):
            late()
    with reading(stocked) as session:
        kept = by_date(session, DAY)
    assert frozen is not None
    assert kept is not None
    assert kept.issue == frozen.issue


def test_an_edit_between_the_draft_and_the_freezing_is_not_lost(
    stocked: Engine, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, edited = compose._compose, []

    def slow(*given: object) -> object:
        made = real(*given)  # type: ignore[arg-type]  # passed on as they came
        if not edited:
            edited.append(editing.make_edit(stocked, DAY, edit_of(NOTE, words="Just in time"), actor=EDITOR, now=now))
        return made

    monkeypatch.setattr(compose, "_compose", slow)
    stored = freeze(stocked, DAY, now, now=now)
    assert stored is not None
    assert stored.issue.note == "Just in time"


def test_who_names_no_paper_is_told_so(stocked: Engine, now: datetime) -> None:
    assert editing.paper_named(stocked, " 2605.00003 ") == _ids(stocked)[3]
    assert editing.paper_named(stocked, str(_ids(stocked)[3])) == _ids(stocked)[3]
    for name in ("2605.99999", "999999", "no-such", "", "9" * 40):
        with pytest.raises(NotFound, match="arXiv id"):
            editing.paper_named(stocked, name)
    with pytest.raises(NotFound, match="no paper has the id"):
        editing.make_edit(stocked, DAY, edit_of(DROP, paper_id=999_999), actor=EDITOR, now=now)


@pytest.mark.parametrize(
    ("deeds", "needs_approval", "state"),
    [
        ("", False, IssueState.FROZEN),
        ("", True, IssueState.HELD),
        ("approve", True, IssueState.FROZEN),
        ("hold", False, IssueState.HELD),
        ("hold approve", False, IssueState.FROZEN),
        ("approve edit", True, IssueState.HELD),
        ("approve edit approve", True, IssueState.FROZEN),
        ("approve hold", True, IssueState.HELD),
    ],
)
def test_whether_an_issue_goes_out_was_decided_before_it_was_frozen(
    stocked: Engine, now: datetime, deeds: str, needs_approval: bool, state: IssueState
) -> None:
    for deed in deeds.split():
        if deed == "edit":
            editing.make_edit(stocked, DAY, edit_of(NOTE, words="One more thing"), actor=EDITOR, now=now)
        else:
            {"approve": editing.approve, "hold": editing.hold}[deed](stocked, DAY, actor=EDITOR, now=now)
    freeze(stocked, DAY, now, now=now, needs_approval=needs_approval)
    with reading(stocked) as session:
        stored = by_date(session, DAY)
    assert stored is not None
    assert stored.state is state
    editing.approve(stocked, DAY, actor=EDITOR, now=now)
    editing.hold(stocked, DAY, actor=EDITOR, now=now)
    editing.hold(stocked, DAY, actor=EDITOR, now=now)
    with reading(stocked) as session:
        again = by_date(session, DAY)
    assert again is not None
    assert again.state is IssueState.HELD


def test_what_has_not_left_is_given_up_with_its_reason(stocked: Engine, now: datetime) -> None:
    with pytest.raises(NotFound, match="no frozen issue"):
        editing.cancel(stocked, DAY, actor=EDITOR, now=now)
    stored = freeze(stocked, DAY, now, now=now)
    assert stored is not None
    states = ("pending", "claimed", "deferred", "sending", "accepted", "unknown")
    with writing(stocked) as session:
        for number, state in enumerate(states):
            reader = Subscriber(address=f"r{number}@example.test", address_key=f"r{number}", created_at=now)
            session.add(reader)
            session.flush()
            session.add(
                Delivery(
                    kind="digest",
                    state=state,
                    issue_id=stored.id,
                    subscriber_id=reader.id,
                    local_date=DAY,
                    due_at=now,
                    expires_at=now + timedelta(days=1),
                    created_at=now,
                )
            )
    assert editing.cancel(stocked, DAY, actor=EDITOR, now=now) == 3
    with reading(stocked) as session:
        rows = session.exec(select(Delivery).order_by(Delivery.id)).all()  # type: ignore[arg-type]  # a column here
        assert [row.state for row in rows] == ["skipped"] * 3 + list(states[3:])
        assert {row.reason for row in rows[:3]} == {"an editor cancelled what had not left"}
        assert session.exec(select(IssueRow)).one().state == "frozen"
    assert _audit(stocked)[-1][1:] == ("cancel", f"issue of {DAY}", "3 deliveries given up")


def test_the_previewed_mail_of_an_edited_issue_is_what_is_sent_byte_for_byte(  # checklist 70
    stocked: Engine, now: datetime
) -> None:
    ids = _ids(stocked)
    ann = post.add_reader(stocked, "ann@example.test", categories=["cs.LG"], paper_count=5)
    for edit in (
        edit_of(PIN, paper_id=ids[8], place=1),
        edit_of(DROP, paper_id=ids[7]),
        edit_of(NOTE, words="Look at the <first> of them."),
        edit_of(EditKind.SUBJECT, words="Lamps, of all things"),
        edit_of(EditKind.PREHEADER, words="And what they shade"),
    ):
        editing.make_edit(stocked, DAY, edit, actor=EDITOR, now=now)
    sink = post.Sink()
    plain = post.courier(sink)
    courier = replace(plain, renderer=Renderer(templates_folder(), plain.base_url, plain.sender))

    def shown() -> str:
        seen = preview(stocked, courier, issued_on=DAY, at=now, reader="ann@example.test")
        assert seen.subject == "Lamps, of all things"
        assert seen.edition.picks[0].card.paper_id == ids[8]
        return seen.html

    drafted = shown()
    stored = freeze(stocked, DAY, now, now=now)
    assert stored is not None
    frozen = shown()
    materialise(stocked, stored.id, now=now, until=now + timedelta(days=1), immediately=True)
    deliver_due(stocked, courier, worker="w", clock=post.at_clock(now))
    message = sink.message_to("ann@example.test")
    sent = html_of(message)
    assert "\nSubject: Lamps, of all things\r" in message
    assert "Look at the &lt;first&gt; of them." in sent
    assert "And what they shade" in sent
    assert drafted == frozen
    assert frozen.rstrip("\n") == _TOKEN.sub(r"/preview/\1", sent).rstrip("\n")
    assert ann
