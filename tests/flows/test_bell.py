"""What is told outside of the mail, against a real server that answers, refuses, stalls, drips and leads elsewhere."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import stamina
from pydantic import ValidationError
from sqlalchemy import Engine

from digest.config import read_settings
from digest.core.warm_up import WarmUp
from digest.errors import ConfigError
from digest.flows.bell import Bell
from digest.flows.deliver import deliver_due, materialise
from digest.mail.hook import check_hook
from digest.store.dialects import table_of
from digest.store.engine import reading, writing
from digest.store.heartbeats import newest_call, take_call
from digest.store.notices import Notice, add_notice, newest_notices, take_post
from digest.store.tables import AlarmRow, Delivery, IssueRow
from digest.store.vitals import IssueStanding, newest_issues
from tests import post
from tests.post import FROZEN_AT

NOW = datetime(2026, 5, 21, 6, 30, tzinfo=UTC)
DAY = date(2026, 5, 20)
SECRET = "a secret of the receiver's and ours"
FACTS = {
    "alarm": "brake",
    "severity": "page",
    "title": "The brake has stopped sending",
    "details": "1 issue is held.",
    "since": NOW.isoformat(),
    "over_at": None,
    "what_to_do": "Find the cause.",
    "link": "https://firstlight.test/admin/deliveries",
}
BODY = {
    "kind": "alarm",
    "site": "Firstlight",
    "desk": "https://firstlight.test/admin/",
    "at": NOW.isoformat(),
    "alarms": [FACTS],
    "over": [],
    "left_out": 0,
}


class Receiver(http.server.ThreadingHTTPServer):
    """Answers by a list of statuses, the last of them for ever; keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int | str] = [200]
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, body))
        statuses = self.server.statuses
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        if status == "stall":
            time.sleep(2)
            return
        if status == "hang up":
            self.close_connection = True
            return
        if status == "endless":
            self.send_response(200)
            self.end_headers()
            while True:
                try:
                    self.wfile.write(b"x" * 65536)
                except OSError:
                    return
        self.send_response(int(status))
        if 300 <= int(status) < 400:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815  # the standard library's name

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Try again at once, as often as ever."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bell(engine: Engine, clock: Clock, receiver: Receiver) -> Bell:
    return Bell(
        engine=engine,
        clock=clock,
        client=lambda: httpx.Client(timeout=0.5),
        cut_off=lambda on: datetime(on.year, on.month, on.day, 6, tzinfo=UTC),
        webhook=f"{receiver.url}/alerts?key=hidden",
        secret=SECRET,
        heartbeat=f"{receiver.url}/beat/hidden",
    )


def add(engine: Engine, body: dict[str, Any] | None = None, now: datetime = NOW) -> int:
    with writing(engine) as session:
        return add_notice(session, body or BODY, [], posted=True, now=now)[0]


def newest(engine: Engine) -> Notice:
    with reading(engine) as session:
        return newest_notices(session, 1)[0]


def test_what_is_posted_is_signed_as_our_own_webhook_is_and_names_itself(
    engine: Engine, bell: Bell, receiver: Receiver
) -> None:
    add(engine)
    assert [answer.taken for _id, answer in bell.post_waiting()] == [True]
    [(method, path, headers, body)] = receiver.asked
    assert (method, path) == ("POST", "/alerts?key=hidden")
    check_hook([SECRET], headers["firstlight-timestamp"], headers["firstlight-signature"], body, now=NOW)
    told = json.loads(body)
    assert told["id"] == newest(engine).uid
    assert told["alarms"] == [FACTS]
    assert told["text"].startswith("Firstlight: The brake has stopped sending.")
    assert newest(engine).post_state == "posted"
    assert bell.post_waiting() == []


@pytest.mark.parametrize("trouble", [500, 503, 429, "stall", "hang up"])
def test_what_may_pass_is_tried_again_and_the_same_is_sent(
    engine: Engine, bell: Bell, clock: Clock, receiver: Receiver, trouble: int | str
) -> None:
    receiver.statuses = [trouble]
    add(engine)
    [(_id, answer)] = bell.post_waiting()
    assert not answer.taken
    assert "hidden" not in answer.words
    assert len(receiver.asked) == 3
    assert newest(engine).post_state == "waiting"
    assert bell.post_waiting() == [], "not before the next watch"
    clock.now += timedelta(minutes=5)
    receiver.statuses = [200]
    assert [each.taken for _id, each in bell.post_waiting()] == [True]
    assert len({json.loads(body)["id"] for *_rest, body in receiver.asked}) == 1
    assert newest(engine).post_state == "posted"


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410])
def test_a_redirect_is_not_followed_and_a_refusal_is_not_asked_again(
    engine: Engine, bell: Bell, clock: Clock, receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status]
    add(engine)
    [(_id, answer)] = bell.post_waiting()
    assert len(receiver.asked) == 1
    assert f"answered {status}" in answer.words
    assert newest(engine).post_state == "refused"
    clock.now += timedelta(hours=1)
    assert bell.post_waiting() == []


def test_an_answer_without_an_end_is_not_read(engine: Engine, bell: Bell, receiver: Receiver) -> None:
    receiver.statuses = ["endless"]
    add(engine)
    began = time.monotonic()
    assert [answer.taken for _id, answer in bell.post_waiting()] == [True]
    assert time.monotonic() - began < 2


def test_a_receiver_that_is_away_holds_up_one_notice_and_all_are_posted_when_it_is_back(
    engine: Engine, bell: Bell, clock: Clock, receiver: Receiver
) -> None:
    receiver.statuses = [503]
    for _ in range(3):
        add(engine)
    assert len(bell.post_waiting()) == 1
    clock.now += timedelta(minutes=5)
    receiver.statuses = [200]
    assert [answer.taken for _id, answer in bell.post_waiting()] == [True, True, True]


def test_after_a_day_it_is_given_up(engine: Engine, bell: Bell, clock: Clock) -> None:
    add(engine)
    clock.now += timedelta(days=1)
    assert bell.post_waiting() == []
    assert newest(engine).post_state == "given up"


def test_of_several_who_post_one_does_and_another_takes_over_from_one_that_died(
    engine: Engine, bell: Bell, clock: Clock, receiver: Receiver
) -> None:
    add(engine)
    threads = [threading.Thread(target=bell.post_waiting) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.asked) == 1
    add(engine)
    with writing(engine) as session:
        assert take_post(session, clock.now) is not None  # and is killed
    assert bell.post_waiting() == []
    clock.now += timedelta(minutes=10)
    assert [answer.taken for _id, answer in bell.post_waiting()] == [True]


# The heartbeat.


def issue(state: str = "complete", on: date = DAY) -> IssueStanding:
    return IssueStanding(on, state, {"accepted": 3})


def test_a_good_day_is_told_once_however_often_it_is_looked_at(
    engine: Engine, bell: Bell, clock: Clock, receiver: Receiver
) -> None:
    assert bell.beat([issue()]) == DAY
    for _ in range(20):
        clock.now += timedelta(minutes=5)
        assert bell.beat([issue()]) is None
    assert [(method, path) for method, path, *_rest in receiver.asked] == [("GET", "/beat/hidden")]
    with reading(engine) as session:
        called = newest_call(session)
    assert called is not None
    assert (called.day, called.state) == (DAY, "answered")
    assert bell.beat([issue(on=date(2026, 5, 21)), issue()]) == date(2026, 5, 21)


@pytest.mark.parametrize("state", ["frozen", "sending", "held"])
def test_a_day_that_is_not_complete_is_not_told(bell: Bell, receiver: Receiver, state: str) -> None:
    assert bell.beat([issue(state)]) is None
    assert bell.beat([]) is None
    assert receiver.asked == []


def test_a_day_with_an_open_alarm_is_told_once_it_is_over_and_not_after_a_day_and_a_half(
    engine: Engine, bell: Bell, clock: Clock, receiver: Receiver
) -> None:
    with writing(engine) as session:
        session.add(AlarmRow(key="brake", severity="page", since=NOW, seen_at=NOW, told_at=NOW))
    assert bell.beat([issue()]) is None
    with writing(engine) as session:
        session.connection().execute(table_of(AlarmRow).update().values(over_at=NOW))
    assert bell.beat([issue()]) is None, "it may come back within the hour"
    with writing(engine) as session:
        session.connection().execute(table_of(AlarmRow).update().values(told_over_at=NOW))
    clock.now = datetime(2026, 5, 21, 18, 0, tzinfo=UTC)
    assert bell.beat([issue()]) is None
    assert receiver.asked == []
    clock.now -= timedelta(seconds=1)
    assert bell.beat([issue()]) == DAY


def test_a_call_that_was_not_heard_is_made_again_and_one_in_doubt_is_not(
    engine: Engine, bell: Bell, clock: Clock, receiver: Receiver
) -> None:
    receiver.statuses = [503]
    assert bell.beat([issue()]) is None
    assert len(receiver.asked) == 3
    assert bell.beat([issue()]) is None, "not before the next watch"
    assert len(receiver.asked) == 3
    clock.now += timedelta(minutes=5)
    receiver.statuses = [200]
    assert bell.beat([issue()]) == DAY
    receiver.asked.clear()
    with writing(engine) as session:  # and the process dies with its call under way
        assert take_call(session, date(2026, 5, 21), clock.now, again_after=timedelta(0)) == 1
    clock.now += timedelta(hours=2)
    assert bell.beat([issue(on=date(2026, 5, 21))]) is None
    assert receiver.asked == []


def test_a_day_that_sent_what_its_cap_allowed_is_good(engine: Engine, bell: Bell, clock: Clock) -> None:
    post.add_readers(engine, [f"r{n}@example.test" for n in range(6)])
    post.add_reader(engine, "late@example.test", hour=12)
    post.add_reader(engine, "hers@example.test")
    queue = post.add_issue(engine, frozen_at=FROZEN_AT)
    materialise(engine, queue, now=FROZEN_AT, until=FROZEN_AT + timedelta(days=1))
    with writing(engine) as session:
        session.connection().execute(table_of(IssueRow).update().values(queued_at=FROZEN_AT))

    def beat(warm_up: WarmUp | None, at: datetime) -> date | None:
        clock.now = at
        with reading(engine) as session:
            standing = newest_issues(session, 1)
        return replace(bell, warm_up=warm_up, cut_off=lambda _on: FROZEN_AT).beat(standing)

    def put(number: int, **columns: object) -> None:
        with writing(engine) as session:
            its = table_of(Delivery).c.subscriber_id == number
            session.connection().execute(table_of(Delivery).update().where(its).values(**columns))

    five = WarmUp(5, DAY, 2)
    morning, noon = FROZEN_AT + timedelta(hours=4), FROZEN_AT + timedelta(hours=9)
    courier = replace(post.courier(post.Sink()), warm_up=five)
    deliver_due(engine, courier, worker="w", clock=lambda: FROZEN_AT + timedelta(hours=3))
    assert beat(five, morning) is None, "a slot is still to come"
    assert beat(replace(five, first=6), noon) is None, "there is room"
    assert beat(None, noon) is None
    for state in ("claimed", "sending", "deferred"):
        put(8, state=state, attempts=1)
        assert beat(five, noon) is None, state
    put(8, state="pending", attempts=1)
    assert beat(five, noon) is None, "a second try needs no room, and has not come yet"
    put(8, state="pending", attempts=0)
    assert beat(five, noon + timedelta(days=1)) is None, "the next day has room again"
    with writing(engine) as session:
        session.connection().execute(table_of(IssueRow).update().values(state="held"))
    assert beat(five, noon) is None
    with writing(engine) as session:
        session.connection().execute(table_of(IssueRow).update().values(state="sending"))
    assert beat(five, noon) == DAY
    assert beat(five, noon) is None, "once"


def test_several_who_call_at_once_call_once(bell: Bell, receiver: Receiver) -> None:
    gate = threading.Barrier(5)

    def beat() -> None:
        gate.wait()
        bell.beat([issue()])

    threads = [threading.Thread(target=beat) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.asked) == 1


# The settings.


@pytest.mark.parametrize(
    "url",
    [
        "alerts.example.org",
        "ftp://alerts.example.org/",
        "https://",
        "https://alerts.example.org/a b",
        "https://alerts.example.org/\r\nX: y",
        "https://name:word@alerts.example.org/",
        "https://alerts.example.org:99999/",
        "https://alerts.example.org/#part",
        "https://älerts.example.org/",
    ],
)
def test_an_address_that_cannot_be_called_is_refused_at_the_start_by_its_name(url: str) -> None:
    for name in ("alert_webhook", "heartbeat_url"):
        with pytest.raises((ConfigError, ValidationError), match=f"(?i){name}"):
            read_settings(**{name: url, "alert_secret": SECRET.replace(" ", "-")})


def test_a_webhook_without_a_strong_secret_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match="openssl rand"):
        read_settings(alert_webhook="https://alerts.example.org/x")
    with pytest.raises(ConfigError, match="DIGEST_ALERT_SECRET"):
        read_settings(alert_webhook="https://alerts.example.org/x", alert_secret="short")
