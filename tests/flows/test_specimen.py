"""A test letter: what the desk shows, through the code that sends all mail, to one editor, counted nowhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.delivery import DeliveryKind, DeliveryState
from digest.errors import EditRefused
from digest.files import templates_folder
from digest.flows.audience import materialise
from digest.flows.deliver import deliver_due
from digest.flows.erasure import erase
from digest.flows.preview import Preview, preview
from digest.flows.specimen import send_specimen
from digest.mail.render import Renderer
from digest.store.audience import tally
from digest.store.engine import reading, writing
from digest.store.tables import AuditEntry, IssueRow, SpecimenLetter
from tests import post
from tests.flows.test_preview import html_of
from tests.post import BASE, FROZEN_AT, SENDER, TOKENS, UNTIL, Sink, add_issue, add_reader, at_clock

EDITOR = "ed@example.test"
NOON = FROZEN_AT + timedelta(hours=8)


def shown(engine: Engine, sink: Sink, reader: str | None = None) -> Preview:
    return preview(engine, post.courier(sink), issued_on=FROZEN_AT.date(), at=NOON, reader=reader)


def send(engine: Engine, seen: Preview) -> int:
    return send_specimen(engine, seen, EDITOR, actor=EDITOR, now=NOON)


def deliver(engine: Engine, sink: Sink) -> int:
    return deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(NOON)).total


def test_what_was_shown_is_what_comes_marked_as_a_test_and_with_inert_links(engine: Engine) -> None:  # checklist 70
    add_issue(engine)
    ann = add_reader(engine, "ann@example.test", categories=["cs.LG"], paper_count=7)
    sink = Sink()
    for reader in (None, "ann@example.test"):
        seen = shown(engine, sink, reader)
        send(engine, seen)
        assert deliver(engine, sink) == 1
        assert sink.recipients[-1] == EDITOR
        message = sink.message_to(EDITOR)
        assert f"Subject: [Test] {seen.subject}\r\n" in message
        assert html_of(message).rstrip("\n") == seen.html.rstrip("\n")
        assert "/preview/unsubscribe" in message
        assert f"List-Unsubscribe: <{BASE}/preview/unsubscribe>\r\n" in message
        assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in message
        assert "Auto-Submitted" not in message
    mine = post.deliveries(engine, subscriber_id=ann)
    assert mine == []


def test_a_test_of_the_real_mail_has_every_part_of_it(engine: Engine) -> None:
    add_issue(engine)
    sink = Sink()
    renderer = Renderer(templates_folder(), BASE, SENDER)
    courier = post.courier(sink, renderer)  # type: ignore[arg-type]  # the real one in place of the plain one
    seen = preview(engine, courier, issued_on=FROZEN_AT.date(), at=NOON)
    send(engine, seen)
    deliver_due(engine, courier, worker="w", clock=at_clock(NOON))
    assert html_of(sink.message_to(EDITOR)).rstrip("\n") == seen.html.rstrip("\n")
    assert "text/plain" in sink.message_to(EDITOR)


def test_it_may_be_repeated_and_counts_in_no_audience(engine: Engine) -> None:
    issue = add_issue(engine)
    add_reader(engine, "ann@example.test")
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    sink = Sink()
    first, second = (send(engine, shown(engine, sink)) for _ in range(2))
    assert first != second
    deliver(engine, sink)
    assert sorted(sink.recipients) == ["ann@example.test", EDITOR, EDITOR]
    ids = [line for _, message in sink.sent for line in message.split("\r\n") if line.startswith("Message-ID")]
    assert len(set(ids)) == 3
    with reading(engine) as session:
        assert tally(session, issue).total == 1
    tests = post.deliveries(engine, kind=DeliveryKind.SPECIMEN)
    assert [(one.state, one.issue_id, one.subscriber_id, one.paper_ids) for one in tests] == [
        (DeliveryState.ACCEPTED, None, None, [])
    ] * 2


def test_a_held_issue_does_not_hold_its_test(engine: Engine) -> None:
    add_issue(engine)
    with writing(engine) as session:
        session.exec(select(IssueRow)).one().state = "held"
    sink = Sink()
    send(engine, shown(engine, sink))
    assert deliver(engine, sink) == 1


def test_an_edit_after_the_test_was_sent_does_not_change_it(engine: Engine) -> None:
    sink = Sink()
    seen = preview(engine, post.courier(sink), issued_on=UNTIL.date(), at=NOON)
    send(engine, seen)
    add_issue(engine, issued_on=UNTIL.date(), frozen_at=UNTIL)
    deliver(engine, sink)
    assert html_of(sink.message_to(EDITOR)).rstrip("\n") == seen.html.rstrip("\n")


def test_a_reader_who_was_erased_meanwhile_is_shown_to_nobody(engine: Engine) -> None:
    add_issue(engine)
    ann = add_reader(engine, "ann@example.test")
    sink = Sink()
    send(engine, shown(engine, sink, "ann@example.test"))
    erase(engine, TOKENS, [ann], actor="test", now=NOON)
    with reading(engine) as session:
        assert session.exec(select(SpecimenLetter)).all() == []
    deliver(engine, sink)
    assert sink.recipients == []
    (delivery,) = post.deliveries(engine, kind=DeliveryKind.SPECIMEN)
    assert (delivery.state, delivery.reason) == ("skipped", "the letter was forgotten before it was sent")


def test_the_audit_log_names_the_editor_and_no_reader(engine: Engine) -> None:
    add_issue(engine)
    add_reader(engine, "ann@example.test")
    sink = Sink()
    send(engine, shown(engine, sink, "ann@example.test"))
    send(engine, shown(engine, sink))
    with reading(engine) as session:
        audit = [(one.actor, one.action, one.target, one.detail) for one in session.exec(select(AuditEntry))]
    issue = f"issue of {FROZEN_AT.date()}"
    assert audit == [
        (EDITOR, "send test", issue, "one reader's mail"),
        (EDITOR, "send test", issue, "a reader without preferences"),
    ]


def test_nobody_gets_more_than_thirty_tests_an_hour(engine: Engine) -> None:
    add_issue(engine)
    seen = shown(engine, Sink())
    for _ in range(30):
        send(engine, seen)
    with pytest.raises(EditRefused, match="30 test mails within the hour"):
        send(engine, seen)
    send_specimen(engine, seen, "other@example.test", actor=EDITOR, now=NOON)
    send_specimen(engine, seen, EDITOR, actor=EDITOR, now=NOON + timedelta(hours=1))
