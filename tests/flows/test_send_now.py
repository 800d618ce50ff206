"""Send now: at once on the reader's own date, never twice on one, never soon after the last; and only what may go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, update
from sqlmodel import select

from digest.core.delivery import DeliveryState
from digest.errors import EditRefused, NotFound
from digest.flows.audience import materialise
from digest.flows.deliver import deliver_due
from digest.flows.send_now import Coming, Which, coming, send_now
from digest.mail.smtp import Reply, Verdict
from digest.store.audience import mark_queued
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.tables import AuditEntry, Delivery, IssueRow, Subscription
from tests import post
from tests.post import FROZEN_AT, UNTIL, Sink, add_issue, add_reader, at_clock

DAY = FROZEN_AT.date()
EARLY = FROZEN_AT + timedelta(minutes=30)  # 04:30 UTC
EDITOR = "ed@example.test"


def queued(engine: Engine, **issue: object) -> int:
    """An issue whose deliveries are all made."""
    made = add_issue(engine, **issue)  # type: ignore[arg-type]  # given by name
    frozen = issue.get("frozen_at", FROZEN_AT)
    assert isinstance(frozen, datetime)
    materialise(engine, made, now=frozen, until=frozen + timedelta(days=1))
    with writing(engine) as session:
        mark_queued(session, made, frozen)
    return made


def go(engine: Engine, which: Which = Which.EVERYBODY, *, on: date = DAY, now: datetime = EARLY) -> int:
    return send_now(engine, on, which, actor=EDITOR, now=now)


def deliver(engine: Engine, sink: Sink, now: datetime) -> list[str]:
    before = len(sink.sent)
    deliver_due(engine, post.courier(sink), worker="w", clock=at_clock(now))
    return sorted(sink.recipients[before:])


def test_who_waits_for_an_hour_of_today_gets_it_at_once_and_only_once(engine: Engine) -> None:
    for name, hour in (("ann", 6), ("bob", 21)):
        add_reader(engine, f"{name}@example.test", hour=hour)
    issue = queued(engine)
    sink = Sink()
    assert deliver(engine, sink, EARLY) == []
    assert coming(engine, DAY, EARLY) == Coming(planned=2)
    assert go(engine) == 2
    assert coming(engine, DAY, EARLY) == Coming()
    assert deliver(engine, sink, EARLY) == ["ann@example.test", "bob@example.test"]
    assert go(engine) == 0
    # Nothing makes a second one for that date: not the slot, nor making the deliveries anew.
    materialise(engine, issue, now=EARLY, until=UNTIL)
    for hours in (2, 8, 17, 19):
        assert deliver(engine, sink, FROZEN_AT + timedelta(hours=hours)) == []


def test_whose_day_has_not_begun_keeps_the_hour(engine: Engine) -> None:
    # At 04:30 UTC it is the 20th in Auckland, where the slot at 8 of the 21st is in this issue; in Honolulu the 19th.
    add_reader(engine, "kiwi@example.test", timezone="Pacific/Auckland", hour=8)
    add_reader(engine, "hula@example.test", timezone="Pacific/Honolulu", hour=8)
    add_reader(engine, "ann@example.test", timezone="Europe/Berlin", hour=8)
    queued(engine)
    planned = {one.subscriber_id: (one.local_date, one.due_at) for one in post.deliveries(engine)}
    assert sorted(day for day, _ in planned.values()) == [DAY, DAY, date(2026, 5, 21)]
    assert coming(engine, DAY, EARLY) == Coming(planned=1, kept=2)
    assert go(engine) == 1
    sink = Sink()
    assert deliver(engine, sink, EARLY) == ["ann@example.test"]
    for one in post.deliveries(engine, state="pending"):
        assert (one.local_date, one.due_at) == planned[one.subscriber_id]
    later = datetime(2026, 5, 20, 12, 30, tzinfo=UTC)  # past midnight in Auckland, and in Honolulu
    assert go(engine, now=later) == 2
    assert deliver(engine, sink, later) == ["hula@example.test", "kiwi@example.test"]


def test_who_had_a_digest_within_twelve_hours_keeps_the_hour(engine: Engine) -> None:
    for name, last in (("ann", 11), ("bob", 12), ("new", None)):
        at = EARLY - timedelta(hours=last) if last else None
        add_reader(engine, f"{name}@example.test", hour=23, last_digest_at=at)
    queued(engine)
    assert coming(engine, DAY, EARLY) == Coming(planned=2, kept=1)
    assert go(engine) == 2
    assert deliver(engine, Sink(), EARLY) == ["bob@example.test", "new@example.test"]


def test_who_waits_for_yesterdays_still_keeps_the_hour(engine: Engine) -> None:
    add_reader(engine, "ann@example.test", hour=23)
    yesterday = FROZEN_AT - timedelta(days=1)
    queued(engine, issued_on=yesterday.date(), frozen_at=yesterday)
    with writing(engine) as session:
        late = {"state": "deferred", "due_at": EARLY + timedelta(minutes=9), "fence": 1, "expires_at": UNTIL}
        session.connection().execute(update(table_of(Delivery)).values(**late))
    queued(engine, first=30)
    with reading(engine) as session:
        made = session.exec(select(Delivery).where(Delivery.local_date == DAY)).all()
    assert [one.state for one in made] == ["pending"]
    assert coming(engine, DAY, EARLY) == Coming(kept=1)
    assert go(engine) == 0


def test_the_late_alone_are_tried_at_once(engine: Engine) -> None:
    add_reader(engine, "ann@example.test", hour=5)
    add_reader(engine, "bob@example.test", hour=9)
    queued(engine)
    busy = Reply(verdict=Verdict.DEFERRED, code=451, text="4.3.2 come back later")
    slot = FROZEN_AT + timedelta(hours=1)
    assert deliver(engine, Sink(answer=lambda _envelope: busy), slot) == []
    assert coming(engine, DAY, slot) == Coming(planned=1, late=1)
    assert go(engine, Which.LATE, now=slot) == 1
    assert deliver(engine, Sink(), slot) == ["ann@example.test"]
    assert post.deliveries(engine, state="pending")[0].due_at == FROZEN_AT + timedelta(hours=5)


def test_the_next_days_digest_comes_as_ever(engine: Engine) -> None:
    add_reader(engine, "ann@example.test", hour=21)
    queued(engine)
    sink = Sink()
    go(engine)
    deliver(engine, sink, EARLY)
    queued(engine, issued_on=UNTIL.date(), frozen_at=UNTIL, first=30)
    assert deliver(engine, sink, UNTIL + timedelta(hours=17)) == ["ann@example.test"]


def test_what_may_not_go_is_refused_with_the_reason(engine: Engine) -> None:
    add_reader(engine, "ann@example.test", hour=21)
    with pytest.raises(NotFound, match="no frozen issue of 2026-05-20"):
        go(engine)
    assert coming(engine, DAY, EARLY) is None
    issue = add_issue(engine)
    with pytest.raises(EditRefused, match="still being made"):
        go(engine)
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    with writing(engine) as session:
        mark_queued(session, issue, FROZEN_AT)
    for state, words in (("held", "approve it first"), ("complete", "nobody waits")):
        with writing(engine) as session:
            session.connection().execute(update(table_of(IssueRow)).values(state=state))
        with pytest.raises(EditRefused, match=words):
            go(engine)
    assert post.deliveries(engine)[0].due_at == FROZEN_AT + timedelta(hours=17)


def test_who_is_paused_or_banned_meanwhile_gets_nothing(engine: Engine) -> None:
    ann = add_reader(engine, "ann@example.test", hour=21)
    queued(engine)
    go(engine)
    with writing(engine) as session:
        away = update(table_of(Subscription)).where(table_of(Subscription).c.subscriber_id == ann)
        session.connection().execute(away.values(state="unsubscribed"))
    assert deliver(engine, Sink(), EARLY) == []
    assert post.deliveries(engine)[0].state == DeliveryState.SKIPPED


def test_what_a_worker_holds_is_left_to_it(engine: Engine) -> None:
    add_reader(engine, "ann@example.test", hour=21)
    queued(engine)
    with writing(engine) as session:
        held = {"state": "claimed", "fence": 1, "lease_until": UNTIL}
        session.connection().execute(update(table_of(Delivery)).values(**held))
    assert go(engine) == 0


def test_it_stands_in_the_audit_log(engine: Engine) -> None:
    add_reader(engine, "ann@example.test", hour=21)
    queued(engine)
    go(engine)
    go(engine, Which.LATE)
    with reading(engine) as session:
        audit = [(one.actor, one.action, one.target, one.detail) for one in session.exec(select(AuditEntry))]
    assert audit == [
        (EDITOR, "send now", "issue of 2026-05-20", "everybody: 1 deliveries due at once"),
        (EDITOR, "send now", "issue of 2026-05-20", "late: 0 deliveries due at once"),
    ]
