"""Somebody is told at night: of each thing once, whoever looks and however often, and once more when it is over."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from digest.core.capture import RunStatus
from digest.core.delivery import DeliveryKind, DeliveryState, Tally
from digest.core.roles import Role
from digest.errors import ConfigError
from digest.flows import watch as flow
from digest.flows.admins import appoint
from digest.flows.deliver import deliver_due
from digest.flows.facts import WATCH, Duties
from digest.flows.leading import Seat
from digest.flows.relay import note_relay
from digest.flows.watch import Told, Watchman, open_alarms
from digest.store.alarms import kept_alarms
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.notices import newest_notices
from digest.store.prune import note_chore
from digest.store.runs import begin_run, finish_run
from digest.store.tables import IssueRow, Score
from tests import post

NIGHT = datetime(2026, 5, 20, 0, 0, tzinfo=UTC)
ADMINS = ("ops@firstlight.test", "night@firstlight.test")
FIVE = timedelta(minutes=5)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def last_cut_off(now: datetime) -> datetime:
    today = now.replace(hour=6, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


class Night:
    """An installation through a night: what goes on in it by itself, and what has stopped."""

    def __init__(self, engine: Engine, **duties: Any) -> None:
        self.engine = engine
        self.clock = Clock(NIGHT)
        scopes = [("arxiv-rss", "cs.LG"), ("hf", "daily")]
        self.schema = "current"
        self.duties = Duties(last_cut_off=last_cut_off, scopes=scopes, schema=lambda _engine: self.schema, **duties)
        self.kicks = 0
        self.turn, self.both = 0, False
        self.ticking = self.working = True
        self.statuses = {"arxiv-rss": RunStatus.OK, "hf": RunStatus.QUIET}
        self.told: list[tuple[datetime, Told]] = []
        self.watchmen = [self.watchman(), self.watchman()]
        post.add_issue(engine, issued_on=date(2026, 5, 19), frozen_at=NIGHT - timedelta(hours=18))
        self.queue(date(2026, 5, 19))
        with writing(engine) as session:
            session.add(Score(paper_id=1, as_of=NIGHT, value=1.0))

    def watchman(self) -> Watchman:
        def kick() -> None:
            self.kicks += 1

        return Watchman(
            engine=self.engine,
            clock=self.clock,
            duties=self.duties,
            base_url=post.BASE,
            site_name="Firstlight",
            owners=ADMINS,
            posts=True,
            kick=kick,
        )

    def queue(self, on: date, state: str = "complete") -> None:
        issues = table_of(IssueRow)
        with writing(self.engine) as session:
            session.connection().execute(
                update(issues).where(issues.c.issued_on == on).values(state=state, queued_at=self.clock.now)
            )

    def freeze(self, state: str = "complete") -> None:
        post.add_issue(self.engine, issued_on=date(2026, 5, 20), frozen_at=self.clock.now)
        self.queue(date(2026, 5, 20), state)

    def step(self) -> None:
        """Five minutes pass: a tick, the sources on the hour, and a look by one of those who look, or by both."""
        self.clock.now += FIVE
        now = self.clock.now
        with writing(self.engine) as session:
            if now.minute == 0:
                for source, scope in self.duties.scopes:
                    run = begin_run(session, source, scope, "", now=now)
                    finish_run(session, run, self.statuses[source], "its own words", now=now)
                session.connection().execute(update(table_of(Score)).values(as_of=now))
            note_chore(session, "prune", now, "")
        if self.ticking:
            seat = Seat(self.engine, "here:1")
            seat.take(now)
            seat.end_tick(now, {})
            seat.leave(now)
        self.turn += 1
        for one in self.watchmen if self.both else [self.watchmen[self.turn % len(self.watchmen)]]:
            told, _vitals = one.look(worker=self.working)
            if told.notice_id:
                self.told.append((now, told))

    def begin(self, hour: int, minute: int = 0) -> None:
        """Come to a time of the night at once: until then everything went well."""
        self.clock.now = NIGHT.replace(hour=hour, minute=minute) - FIVE
        self.step()

    def until(self, hour: int, minute: int = 0) -> list[tuple[datetime, Told]]:
        """Let time pass until a time of the night; return what was told meanwhile."""
        before = len(self.told)
        while (self.clock.now.hour, self.clock.now.minute) != (hour, minute):
            self.step()
        return self.told[before:]

    def mails(self) -> list[str]:
        return [one.address for one in post.deliveries(self.engine, kind="alert")]


@pytest.fixture
def night(engine: Engine) -> Night:
    """A night on either database, in which two look at the same instants."""
    made = Night(engine)
    made.both = True
    return made


@pytest.fixture
def short(sqlite_engine: Engine) -> Night:
    """A night in which the kind of database does not matter, and two look by turns."""
    return Night(sqlite_engine)


def keys(told: Sequence[tuple[datetime, Told]]) -> list[tuple[list[str], list[str]]]:
    return [(list(one.began), list(one.over)) for _at, one in told]


def test_a_quiet_night_tells_nobody(short: Night) -> None:
    short.begin(0)
    short.until(5, 55)
    short.freeze()
    assert short.until(9) == []
    assert short.mails() == []


def test_a_scheduler_that_never_ran_is_told_once_an_hour_after_the_first_look(night: Night) -> None:
    night.ticking = False
    night.begin(1)
    assert night.until(1, 55) == []
    [(at, told)] = night.until(5, 55)
    assert (at, told.began) == (NIGHT.replace(hour=2), ["scheduler-missing"])
    with reading(night.engine) as session:
        [line] = open_alarms(session)
    assert (line.wakes, line.since) == (True, NIGHT.replace(hour=1))
    night.ticking = True
    night.freeze()
    assert keys(night.until(9)) == [([], ["scheduler-missing"])]


def test_a_scheduler_that_comes_within_the_hour_of_being_set_up_is_no_news(short: Night) -> None:
    short.ticking = False
    short.begin(1)
    assert short.until(1, 55) == []
    short.ticking = True
    assert short.until(5, 55) == []
    assert short.mails() == []


def test_a_late_source_is_told_once_and_its_end_once(night: Night) -> None:
    night.begin(2, 30)
    night.statuses["arxiv-rss"] = RunStatus.LATE
    [(at, told)] = night.until(5, 55)
    assert told.began == ["source-late:arxiv-rss"]
    assert at == NIGHT.replace(hour=4), "an hour after it was found late first"
    assert night.mails() == list(ADMINS)
    night.freeze()
    night.statuses["arxiv-rss"] = RunStatus.OK
    [(at, told)] = night.until(9)
    assert (told.began, told.over) == ([], ["source-late:arxiv-rss"])
    assert at == NIGHT.replace(hour=7)
    assert night.mails() == [*ADMINS, *ADMINS]


def test_an_issue_that_is_not_frozen_in_time_is_told_with_what_to_do_and_where(short: Night) -> None:
    short.begin(5)
    [(at, told)] = short.until(7)
    assert told.began == ["issue-missing"]
    assert NIGHT.replace(hour=6, minute=30) <= at <= NIGHT.replace(hour=6, minute=35)
    with reading(short.engine) as session:
        [notice] = newest_notices(session, 5)
        [line] = open_alarms(session)
    [shown] = notice.body["alarms"]
    assert "digest compose" in shown["what_to_do"]
    assert shown["link"] == f"{post.BASE}/admin/"
    assert "There is no issue of 2026-05-20" in shown["details"]
    assert line.key == "issue-missing"
    assert line.wakes


def test_an_issue_that_nobody_approved_is_told_and_one_that_an_editor_holds_is_not(sqlite_engine: Engine) -> None:
    short = Night(sqlite_engine, approval=True)
    short.begin(6)
    short.freeze("held")
    [(_at, told)] = short.until(7)
    assert told.began == ["issue-unapproved"]
    short.queue(date(2026, 5, 20), "complete")
    assert keys(short.until(9)) == [([], ["issue-unapproved"])]


def test_a_dead_scheduler_is_told_by_who_stands_in_and_once_whatever_their_number(night: Night) -> None:
    night.begin(3)
    night.ticking = night.working = False
    [(at, told)] = night.until(5, 50)
    assert told.began == ["scheduler-stopped"]
    assert at <= NIGHT.replace(hour=3, minute=5)
    night.ticking = night.working = True
    night.freeze()
    assert keys(night.until(9)) == [([], ["scheduler-stopped"])]


def test_workers_that_do_nothing_are_told_while_the_scheduler_ticks(short: Night) -> None:
    short.begin(2)
    short.working = False
    [(at, told)] = short.until(5, 50)
    assert told.began == ["workers-stopped"]
    assert at == NIGHT.replace(hour=2, minute=20)


def test_several_things_at_once_are_one_mail_with_the_gravest_first(short: Night) -> None:
    short.begin(2, 30)
    short.statuses = dict.fromkeys(short.statuses, RunStatus.FAILED)
    short.until(3, 55)
    short.ticking = False
    [(_at, told)] = short.until(4)
    assert set(told.began) == {"scheduler-stopped", "source-failed:arxiv-rss", "source-failed:hf"}
    assert len(short.mails()) == len(ADMINS)
    with reading(short.engine) as session:
        [notice] = newest_notices(session, 5)
    assert notice.body["alarms"][0]["alarm"] == "scheduler-stopped"


def test_what_comes_back_within_an_hour_is_not_told_again_and_later_it_is(short: Night) -> None:
    short.begin(1)
    for _ in range(4):  # on and off, for two hours
        short.ticking = False
        short.until(short.clock.now.hour, short.clock.now.minute // 30 * 30 + 15)
        short.ticking = True
        short.until(short.clock.now.hour + (short.clock.now.minute >= 30), 30 if short.clock.now.minute < 30 else 0)
    assert keys(short.told) == [(["scheduler-stopped"], [])]
    assert keys(short.until(5)) == [([], ["scheduler-stopped"])]
    short.ticking = False
    assert keys(short.until(5, 30)) == [(["scheduler-stopped"], [])]


def test_what_has_not_lasted_its_patience_is_neither_told_nor_kept(short: Night) -> None:
    short.begin(1)
    short.duties = replace(short.duties, mailbox=True)
    short.watchmen = [short.watchman()]
    with writing(short.engine) as session:
        from digest.store.tables import MailboxCursor

        session.add(MailboxCursor(mailbox="m", polled_at=short.clock.now - timedelta(minutes=50)))
    assert short.until(1, 20) == [], "over the limit for ten minutes"
    with reading(short.engine) as session:
        assert list(kept_alarms(session)) == ["mailbox-silent"]
    with writing(short.engine) as session:
        session.connection().execute(update(table_of(MailboxCursor)).values(polled_at=short.clock.now))
    assert short.until(1, 30) == []
    with reading(short.engine) as session:
        assert kept_alarms(session) == {}


def test_of_many_who_look_at_once_one_tells(night: Night) -> None:
    """Each in a thread of its own, with its own connection: two schedulers, workers that were started again, sites."""
    night.begin(3)
    night.ticking = False
    night.clock.now += timedelta(minutes=10)
    told: list[Told] = []
    gate = threading.Barrier(6)

    def look() -> None:
        gate.wait()
        told.append(night.watchman().look(worker=False)[0])

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 6
    assert [list(one.began) for one in told if one.notice_id] == [["scheduler-stopped"]]
    assert night.mails() == list(ADMINS)


def test_a_process_that_dies_before_it_commits_has_told_nobody_and_the_next_does(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def die(*_args: object, **_named: object) -> None:
        raise Died

    night.begin(3)
    night.ticking = False
    night.clock.now += timedelta(minutes=10)
    with monkeypatch.context() as patched:
        patched.setattr(flow, "add_notice", die)  # where the power is cut: in the midst of the transaction
        with pytest.raises(Died):
            night.watchman().look(worker=True)
    assert night.mails() == []
    assert night.watchman().look(worker=True)[0].began == ["scheduler-stopped"]
    assert night.watchman().look(worker=True)[0] == Told()


def test_a_look_that_is_older_than_what_is_kept_changes_nothing(short: Night) -> None:
    short.begin(3)
    late = short.watchman()
    object.__setattr__(late, "clock", Clock(short.clock.now - timedelta(minutes=1)))
    short.ticking = False
    short.clock.now += timedelta(minutes=4)
    assert short.watchman().look(worker=True)[0].began == ["scheduler-stopped"]
    late.look(worker=True)  # when it was still well
    with reading(short.engine) as session:
        assert [one.over_at for one in open_alarms(session)] == [None]


def test_a_relay_that_is_away_is_told_and_is_not_once_it_takes_something(night: Night) -> None:
    night.begin(2)
    note_relay(night.engine, Tally(trouble="asked to stop"), night.clock())
    note_relay(
        night.engine, Tally(trouble="x", relay="the relay at mx.example:25 refuses ada@example.org"), night.clock()
    )
    assert night.until(2, 5) == []
    note_relay(night.engine, Tally(counts={DeliveryState.SKIPPED: 3}), night.clock())  # found nothing out
    note_relay(
        night.engine, Tally(trouble="x", relay="the relay at mx.example:25 refuses ada@example.org"), night.clock()
    )
    [(at, told)] = night.until(2, 15)
    assert told.began == ["relay-away"]
    assert at == NIGHT.replace(hour=2, minute=10), "since it was found away first"
    with reading(night.engine) as session:
        [notice] = newest_notices(session, 1)
    assert "mx.example" in notice.body["alarms"][0]["details"]
    assert "ada" not in str(notice.body), "no reader's address is in an alert"
    note_relay(night.engine, Tally(counts={DeliveryState.ACCEPTED: 1}), night.clock())
    with reading(night.engine) as session:
        assert open_alarms(session)[0].over_at is None
    night.step()
    with reading(night.engine) as session:
        assert open_alarms(session)[0].over_at is not None


def test_a_run_against_a_relay_that_is_away_says_so_and_a_good_one_does_not(short: Night) -> None:
    short.watchmen[0].tell_trial()
    sink = post.Sink(away=True)
    run = {"worker": "w", "clock": short.clock}
    assert deliver_due(short.engine, post.courier(sink), **run).relay  # type: ignore[arg-type]  # by name, right
    sink.away = False
    good = deliver_due(short.engine, post.courier(sink), **run)  # type: ignore[arg-type]  # as above
    assert (good.relay, good[DeliveryState.ACCEPTED]) == ("", 2)


def test_the_mail_goes_to_owners_and_accounts_once_each_through_the_engine(night: Night) -> None:
    appoint(night.engine, "Ed@firstlight.test", Role.VIEWER, actor="ops", now=NIGHT)
    appoint(night.engine, "OPS@firstlight.test", Role.EDITOR, actor="ops", now=NIGHT)
    night.begin(1)
    night.ticking = False
    night.until(1, 10)
    sink = post.Sink()
    for _ in range(3):
        deliver_due(night.engine, post.courier(sink), worker="w", clock=night.clock)
    assert sorted(sink.recipients) == sorted([*ADMINS, "Ed@firstlight.test"])
    assert night.kicks == 1
    message = sink.message_to(ADMINS[0])
    assert "Subject: [Firstlight] The scheduler has stopped" in message
    assert "Auto-Submitted: auto-generated" in message
    assert "List-Unsubscribe" not in message
    assert {one.state for one in post.deliveries(night.engine, kind=DeliveryKind.ALERT)} == {"accepted"}


def test_a_trial_goes_every_way_and_needs_one(night: Night) -> None:
    told = night.watchmen[0].tell_trial()
    assert len(told.mails) == 2
    sink = post.Sink()
    deliver_due(night.engine, post.courier(sink), worker="w", clock=night.clock)
    assert "A trial alert" in sink.message_to(ADMINS[1])
    with reading(night.engine) as session:
        assert newest_notices(session, 1)[0].post_state == "waiting"
    deaf = replace(night.watchmen[0], owners=(), posts=False)
    with pytest.raises(ConfigError, match="DIGEST_ADMINS"):
        deaf.tell_trial()


def test_who_stands_in_is_asked_for_once_nobody_has_looked_for_two_watches(short: Night) -> None:
    one = short.watchmen[0]
    assert one.overdue(), "nobody ever did"
    short.step()
    short.clock.now += timedelta(minutes=9, seconds=59)
    assert not one.overdue()
    short.clock.now += timedelta(seconds=1)
    assert one.overdue()
    one.look(worker=False)
    assert not one.overdue(), "whoever stands in counts as well"
    with reading(short.engine) as session:
        from digest.store.prune import chore_done

        assert chore_done(session, WATCH) == NIGHT + FIVE, "and is no worker"


def test_a_schema_that_is_behind_is_told_after_a_while(short: Night) -> None:
    short.begin(1)
    short.schema = "outdated"
    [(at, found)] = short.until(2)
    assert found.began == ["schema-behind"]
    assert at == NIGHT.replace(hour=1, minute=15)
