"""Too much comes back: issues are held, somebody is told why, and lets them go."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import select

from digest.core.brake import Pull
from digest.core.delivery import DeliveryKind, DeliveryState
from digest.flows.bounce import receive
from digest.flows.brake import BrakeWatch, apply_brake, brake, release_brake
from digest.flows.deliver import deliver_due, materialise
from digest.mail.smtp import Reply, Verdict
from digest.store.audience import mark_queued
from digest.store.engine import reading, writing
from digest.store.tables import AuditEntry, BounceEvent, Delivery, IssueRow
from tests.mail.returned import ORIGINAL, arf
from tests.post import FROZEN_AT, TOKENS, UNTIL, Sink, add_issue, add_readers, at_clock, courier, deliveries

NOW = FROZEN_AT + timedelta(hours=3)
HOUR = timedelta(hours=1)


def running(engine: Engine, readers: int) -> int:
    """An issue that is queued for some readers."""
    add_readers(engine, [f"r{number}@reader.test" for number in range(readers)])
    issue = add_issue(engine)
    materialise(engine, issue, now=NOW, until=UNTIL)
    with writing(engine) as session:
        mark_queued(session, issue, NOW)
    return issue


def state(engine: Engine, issue: int) -> str:
    with reading(engine) as session:
        return session.exec(select(IssueRow.state).where(IssueRow.id == issue)).one()


def pulled(engine: Engine, now: datetime = NOW) -> Pull:
    with reading(engine) as session:
        return brake(session, now).pull


def complain(engine: Engine, one: Delivery, now: datetime = NOW) -> None:
    original = ORIGINAL.replace("<0123abcd@firstlight.test>", one.message_id)
    message = arf(original=original).replace(b"<complaint-1@", f"<complaint-{one.id}@".encode())
    receive(engine, TOKENS, message, now=now)


def actions(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as session:
        return [(row.actor, row.action) for row in session.exec(select(AuditEntry).order_by(AuditEntry.id))]


def test_complaints_hold_the_issue_and_a_release_counts_anew(engine: Engine) -> None:  # checklist 81
    issue = running(engine, 40)
    deliver_due(engine, courier(Sink()), worker="w", clock=at_clock(NOW), limit=30)
    sent = deliveries(engine, state=DeliveryState.ACCEPTED)
    complain(engine, sent[0])
    assert apply_brake(engine, NOW).pull is Pull.GO_ON
    complain(engine, sent[1])
    assert apply_brake(engine, NOW).pull is Pull.WARN
    assert state(engine, issue) == "sending"
    complain(engine, sent[2])
    judged = apply_brake(engine, NOW)
    assert judged.stops
    assert "3 complaints about 30 messages" in judged.words[0]
    assert state(engine, issue) == "held"
    sink = Sink()
    deliver_due(engine, courier(sink), worker="w", clock=at_clock(NOW))
    assert sink.sent == []
    apply_brake(engine, NOW)
    assert actions(engine) == [("the brake", "stop")]

    assert release_brake(engine, actor="editor@firstlight.test", now=NOW) == [issue]
    assert state(engine, issue) == "frozen"
    assert apply_brake(engine, NOW + HOUR).pull is Pull.GO_ON
    deliver_due(engine, courier(sink), worker="w", clock=at_clock(NOW))
    assert len(sink.sent) == 10
    assert actions(engine)[-1] == ("editor@firstlight.test", "release brake")
    assert release_brake(engine, actor="x", now=NOW) == []


def test_refusals_of_who_we_are_stop_the_run_and_ban_nobody(engine: Engine) -> None:  # checklist 46
    issue = running(engine, 60)
    answer = Reply(verdict=Verdict.REJECTED, code=550, text="5.7.26 this mail is unauthenticated")
    sink = Sink(answer=lambda _envelope: answer)
    watch = BrakeWatch(every=timedelta(0))
    for _ in range(6):
        if watch.look(engine, at_clock(NOW)).stops:
            break
        deliver_due(engine, courier(sink), worker="w", clock=at_clock(NOW), limit=10)
    assert state(engine, issue) == "held"
    assert len(deliveries(engine, state=DeliveryState.FAILED)) == 10
    assert len(deliveries(engine, state=DeliveryState.PENDING)) == 50
    with reading(engine) as session:
        assert session.connection().execute(text("SELECT count(*) FROM suppression")).scalar_one() == 0


def test_an_issue_that_somebody_else_holds_is_not_let_go(sqlite_engine: Engine) -> None:
    issue = running(sqlite_engine, 1)
    with writing(sqlite_engine) as session:
        session.connection().execute(text("UPDATE issue SET state = 'held'"))
    release_brake(sqlite_engine, actor="x", now=NOW)
    assert state(sqlite_engine, issue) == "held"


def test_old_harm_and_reports_that_prove_nothing_do_not_count(engine: Engine) -> None:
    running(engine, 30)
    deliver_due(engine, courier(Sink()), worker="w", clock=at_clock(NOW))
    for number in range(40):
        receive(engine, TOKENS, arf().replace(b"complaint-1", f"forged-{number}".encode()), now=NOW)
    assert pulled(engine) is Pull.GO_ON
    for one in deliveries(engine)[:3]:
        complain(engine, one)
        complain(engine, one)
    assert pulled(engine) is Pull.STOP
    assert pulled(engine, NOW + 73 * HOUR) is Pull.GO_ON


def test_mail_that_somebody_waits_for_goes_on(engine: Engine) -> None:
    running(engine, 30)
    deliver_due(engine, courier(Sink()), worker="w", clock=at_clock(NOW), limit=20)
    for one in deliveries(engine, state=DeliveryState.ACCEPTED)[:3]:
        complain(engine, one)
    with writing(engine) as session:
        session.add(
            Delivery(
                kind=DeliveryKind.SIGN_IN,
                state="pending",
                address="a@x.test",
                due_at=NOW,
                expires_at=UNTIL,
                created_at=NOW,
            )
        )
    apply_brake(engine, NOW)
    sink = Sink()
    deliver_due(engine, courier(sink), worker="w", clock=at_clock(NOW))
    assert sink.recipients == ["a@x.test"]


def test_looking_costs_a_few_statements_and_not_at_every_chunk(sqlite_engine: Engine) -> None:
    asked: list[str] = []
    event.listen(sqlite_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    watch = BrakeWatch()
    for seconds in range(15):
        watch.look(sqlite_engine, at_clock(NOW + timedelta(seconds=seconds)))
    looked = len([one for one in asked if one.startswith("SELECT")])
    assert looked == 3
    watch.look(sqlite_engine, at_clock(NOW + timedelta(seconds=15)))
    assert len([one for one in asked if one.startswith("SELECT")]) == 2 * looked


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_policy_counts_as_a_policy_whatever_its_kind(sqlite_engine: Engine, kind: str) -> None:
    with writing(sqlite_engine) as session:
        for number in range(20):
            row = BounceEvent(
                event_key=str(number), kind=kind, action="policy", status="5.7.1", subscriber_id=number, received_at=NOW
            )
            session.add(row)
    assert pulled(sqlite_engine) is Pull.STOP
