"""How an issue goes out, counted on both databases: by state and domain, in the servers' words, and not too often."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from digest.core.delivery import DeliveryState
from digest.core.issue import IssueState
from digest.flows.audience import materialise, sweep
from digest.flows.deliver import deliver_due
from digest.flows.progress import Progress, ProgressWatch
from digest.mail.message import Envelope
from digest.mail.smtp import Reply, Verdict
from digest.store.audience import mark_queued
from digest.store.engine import writing
from digest.store.tables import BounceEvent, Subscription
from tests import post
from tests.post import FROZEN_AT, UNTIL, Sink, accept, add_issue, add_readers, at_clock

SLOT = FROZEN_AT + timedelta(hours=2)


def answer(envelope: Envelope) -> Reply:
    """A relay that knows one provider which asks for less, and a mailbox that is not there."""
    if envelope.rcpt_to.endswith("@slow.example"):
        number = envelope.rcpt_to.partition("@")[0]
        return Reply(verdict=Verdict.DEFERRED, code=451, text=f"4.7.1 Greylisted, see id {number}")
    if envelope.rcpt_to.startswith("gone"):
        return Reply(verdict=Verdict.REJECTED, code=550, text="5.1.1 no such mailbox")
    return accept(envelope)


def queued(engine: Engine) -> int:
    issue = add_issue(engine)
    add_readers(engine, [f"r{number}@large.example" for number in range(12)])
    add_readers(engine, [f"r{number}@slow.example" for number in range(10)])
    add_readers(engine, ["one@small.example", "two@tiny.example", "gone@small.example"])
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    with writing(engine) as session:
        mark_queued(session, issue, FROZEN_AT)
    return issue


def look(engine: Engine, watch: ProgressWatch | None = None) -> Progress:
    found = (watch or ProgressWatch()).look(engine, SLOT)
    assert found is not None
    return found


def test_each_digest_is_counted_once_by_state_and_domain(engine: Engine) -> None:
    assert ProgressWatch().look(engine, SLOT) is None
    queued(engine)
    before = look(engine)
    assert (before.total, before.settled, before.refresh, before.next_due) == (25, 0, 5, SLOT)
    deliver_due(engine, post.courier(Sink(answer=answer)), worker="w", clock=at_clock(SLOT))
    seen = look(engine)
    assert seen.counts == {DeliveryState.DEFERRED: 10, DeliveryState.ACCEPTED: 14, DeliveryState.FAILED: 1}
    assert [(one.name, one.total, one.settled) for one in seen.shares] == [
        ("large.example", 12, 12),
        ("slow.example", 10, 0),
        ("", 3, 3),
    ]
    assert [(one.number, one.words[:24]) for one in seen.deferrals] == [(10, "451 4.7.1 Greylisted, se")]
    assert seen.deferrals[0].next_at is not None
    assert seen.deferrals[0].next_at > SLOT
    assert [(one.number, one.words, one.next_at) for one in seen.failures] == [(1, "550 5.1.1 no such mailbox", None)]
    assert seen.refresh == 60  # the next try is within the hour
    assert ProgressWatch().look(engine, SLOT, on=UNTIL.date()) is None


def test_what_came_back_is_counted_once_for_each_reader(engine: Engine) -> None:
    queued(engine)
    deliver_due(engine, post.courier(Sink()), worker="w", clock=at_clock(SLOT))
    sent = post.deliveries(engine, state="accepted")
    with writing(engine) as session:
        for number, (kind, of) in enumerate((("complaint", 0), ("complaint", 0), ("hard", 1), ("soft", 2))):
            session.add(
                BounceEvent(
                    event_key=str(number),
                    kind=kind,
                    action="suppress",
                    delivery_id=sent[of].id,
                    subscriber_id=sent[of].subscriber_id,
                    received_at=SLOT,
                )
            )
        for of, hours in ((3, 1), (4, 40), (5, -1)):  # after it, long after it, before it was sent
            leaving = session.get(Subscription, sent[of].subscriber_id)
            assert leaving is not None
            leaving.state, leaving.unsubscribed_at = "unsubscribed", SLOT + timedelta(hours=hours)
    back = look(engine).came_back
    assert (back.complaints, back.hard, back.left) == (1, 1, 1)


def test_a_complete_issue_stands_still_and_the_running_one_is_shown_first(engine: Engine) -> None:
    queued(engine)
    deliver_due(engine, post.courier(Sink()), worker="w", clock=at_clock(SLOT))
    sweep(engine, now=SLOT)
    done = look(engine)
    assert (done.issue.state, done.refresh, done.next_due) == (IssueState.COMPLETE, 0, None)
    add_issue(engine, issued_on=FROZEN_AT.date() - timedelta(days=1), first=40)
    running = look(engine)
    assert (running.issue.issued_on, running.issue.state) == (FROZEN_AT.date() - timedelta(days=1), IssueState.FROZEN)


def test_the_domains_are_not_counted_again_for_twenty_times_as_long_as_it_took(engine: Engine) -> None:
    queued(engine)
    ticks = iter([0.0, 2.0, 30.0, 41.9, 42.1, 44.0])
    watch = ProgressWatch(clock=lambda: next(ticks))
    assert look(engine, watch).settled == 0  # took two seconds
    deliver_due(engine, post.courier(Sink()), worker="w", clock=at_clock(SLOT))
    assert look(engine, watch).settled == 0
    assert look(engine, watch).settled == 0
    assert look(engine, watch).settled == 25
