"""What is asked of a source beside its plan: once, at its price, as the source wants, and from where it was left."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import httpx
import pytest
import stamina
from sqlalchemy import Engine
from sqlmodel import select

from digest.core.asker import Asker
from digest.core.errands import LEASE, MOST_REQUESTS
from digest.core.plan import Task
from digest.errors import DeedRefused
from digest.flows.errands import Doers, ask_to_fill_in, ask_to_run, cost_of, do_errands, stop
from digest.flows.ingest import ingest_live
from digest.flows.tick import due_work
from digest.sources.arxiv_api import ArxivApi
from digest.sources.arxiv_oai import ArxivOai
from digest.sources.arxiv_rss import ArxivRss
from digest.sources.hf import HuggingFace
from digest.store.conditions import held_services, record_traffic
from digest.store.due import last_runs
from digest.store.engine import reading, writing
from digest.store.errands import Errand, errands
from digest.store.runs import load_cursor, source_overview
from digest.store.tables import AuditEntry, IngestRun, Paper, ServiceCondition
from tests.conftest import NOW
from tests.web.conftest import Clock

TODAY = NOW.date()
HF = HuggingFace()
ED = Asker("ed@firstlight.test", NOW)


@pytest.fixture(autouse=True)
def _ask_once() -> Iterator[None]:
    stamina.set_active(False)
    yield
    stamina.set_active(True)


def day_of(request: httpx.Request) -> date:
    return date.fromisoformat(request.url.params["date"])


def listed(day: date) -> httpx.Response:
    """The list of a day as the service writes it, with one paper of its own."""
    paper = {
        "id": f"{day:%y%m}.{day.day:05}",
        "title": f"Lamps of {day}",
        "authors": [{"name": "Ada Example"}],
        "summary": "We count lamps.",
        "upvotes": 12,
        "publishedAt": f"{day}T00:00:00.000Z",
    }
    return httpx.Response(200, content=json.dumps([{"paper": paper, "publishedAt": f"{day}T00:00:00.000Z"}]).encode())


class Service:
    """A service of day lists that counts what it is asked, and may answer otherwise."""

    def __init__(self) -> None:
        self.asked: list[date] = []
        self.instead: Callable[[date], httpx.Response | None] = lambda _day: None

    def client(self) -> httpx.Client:
        def answer(request: httpx.Request) -> httpx.Response:
            day = day_of(request)
            self.asked.append(day)
            return self.instead(day) or listed(day)

        return httpx.Client(transport=httpx.MockTransport(answer))


def work(engine: Engine, service: Service, clock: Clock) -> bool:
    """Take a message from the queue, as a worker does."""
    with service.client() as client:
        doers = Doers(lambda: ingest_live(engine, HF, client, "daily", clock=clock), (HF, client))
        return do_errands(engine, "hf", "daily", doers, clock=clock)


def only(engine: Engine) -> Errand:
    with reading(engine) as session:
        (found,) = errands(session)
    return found


def waiting(engine: Engine, now: datetime) -> list[tuple[str, str]]:
    due = due_work(engine, [("hf", "daily")], cut_off=now, now=now)
    return [(one.source, one.scope) for one in due if one.task is Task.ERRAND]


def test_a_source_is_read_now_once_however_often_it_is_asked_for(engine: Engine) -> None:
    clock, service = Clock(), Service()
    assert ask_to_run(engine, "hf", "daily", ED) == "asked"
    assert ask_to_run(engine, "hf", "daily", ED) == (
        "asked already by ed@firstlight.test at 06:00 UTC, and not done yet"
    )
    assert waiting(engine, NOW) == [("hf", "daily")], "the tick finds it where the message was lost"
    assert [work(engine, service, clock), work(engine, service, clock)] == [False, False]
    assert service.asked == [TODAY - timedelta(days=1), TODAY]
    assert (only(engine).outcome, waiting(engine, NOW)) == ("done", [])
    with reading(engine) as session:
        assert [(one.action, one.target) for one in session.exec(select(AuditEntry))] == [("run source", "hf daily")]
        assert load_cursor(session, "hf", "daily").position == str(TODAY)
    clock.move(hours=1)
    assert ask_to_run(engine, "hf", "daily", Asker("ed", clock.now)) == "asked"


def test_retry_after_is_heeded_by_the_plan_and_by_what_is_asked_for(engine: Engine) -> None:
    clock, service = Clock(), Service()
    service.instead = lambda _day: httpx.Response(429, headers={"Retry-After": "7200"}, content=b"slow down, please")
    ask_to_run(engine, "hf", "daily", ED)
    work(engine, service, clock)
    assert only(engine).outcome == "failed"
    with reading(engine) as session:
        assert held_services(session, NOW) == {"hf": NOW + timedelta(hours=2)}
    assert "08:00 UTC, and is read then" in ask_to_run(engine, "hf", "daily", ED)
    for minutes, due in ((0, 0), (119, 0), (120, 1)):
        at = NOW + timedelta(minutes=minutes)
        assert len(waiting(engine, at)) == due
        planned = [one for one in due_work(engine, [("hf", "daily")], cut_off=at, now=at) if one.task is Task.INGEST]
        assert len(planned) == due, minutes
    clock.move(minutes=119)
    asked = len(service.asked)
    work(engine, service, clock)
    assert len(service.asked) == asked, "a message that comes early asks nothing"


def test_a_back_fill_goes_on_from_its_newest_page_whatever_stops_it(engine: Engine) -> None:
    clock, service = Clock(), Service()
    since = TODAY - timedelta(days=9)
    assert cost_of(engine, HF, "daily", since, pace=0.5, now=NOW).requests == 10
    ask_to_fill_in(engine, HF, "daily", since, ED, pace=0.5)
    assert ask_to_fill_in(engine, HF, "daily", since, ED, pace=0.5).startswith("asked already")

    def killed_at(day: date) -> httpx.Response | None:
        if day == since + timedelta(days=4):
            raise KeyboardInterrupt
        return None

    service.instead = killed_at
    with pytest.raises(KeyboardInterrupt):
        work(engine, service, clock)
    assert (only(engine).requests, only(engine).papers_new) == (4, 4)
    service.instead = lambda _day: None
    assert waiting(engine, clock.now) == [], "its worker may be alive"
    clock.now += LEASE
    assert waiting(engine, clock.now) == [("hf", "daily")]
    work(engine, service, clock)
    done = only(engine)
    assert (done.outcome, done.papers_new) == ("done", 10)
    assert service.asked[5:] == [since + timedelta(days=number) for number in range(2, 10)]
    with reading(engine) as session:
        assert len(session.exec(select(Paper)).all()) == 10
        assert load_cursor(session, "hf", "daily").position == "", "the day's own runs have their own cursor"


def test_a_back_fill_tells_nothing_of_how_the_source_stands(engine: Engine) -> None:
    clock, service = Clock(), Service()
    ask_to_fill_in(engine, HF, "daily", TODAY - timedelta(days=3), ED, pace=0.5)
    work(engine, service, clock)
    with reading(engine) as session:
        assert source_overview(session, NOW) == []
        assert last_runs(session, [("hf", "daily")]) == {}
        (run,) = session.exec(select(IngestRun))
    assert (run.status, run.origin) == ("ok", "back-fill from 2026-05-17")


def test_a_long_back_fill_comes_in_slices_and_can_be_stopped(engine: Engine) -> None:
    clock, service = Clock(), Service()

    def slow(_day: date) -> httpx.Response | None:
        clock.move(minutes=2)
        return None

    service.instead = slow
    ask_to_fill_in(engine, HF, "daily", TODAY - timedelta(days=9), ED, pace=0.5)
    assert work(engine, service, clock), "there is more"
    assert len(service.asked) == 3
    assert only(engine).requests == 3
    stop(engine, "hf", "daily", ED)
    assert not work(engine, service, clock)
    assert len(service.asked) == 3
    assert (only(engine).outcome, only(engine).words) == ("stopped", "by ed@firstlight.test")
    with pytest.raises(DeedRefused):
        stop(engine, "hf", "daily", ED)


def test_one_that_was_stopped_and_asked_anew_is_not_written_to_by_its_old_worker(engine: Engine) -> None:
    clock, service = Clock(), Service()
    ask_to_fill_in(engine, HF, "daily", TODAY - timedelta(days=9), ED, pace=0.5)

    def meanwhile(day: date) -> httpx.Response | None:
        if day == TODAY - timedelta(days=8):
            stop(engine, "hf", "daily", ED)
            again = Asker("flo@firstlight.test", clock.now + timedelta(seconds=1))
            ask_to_fill_in(engine, HF, "daily", TODAY - timedelta(days=4), again, pace=0.5)
        return None

    service.instead = meanwhile
    work(engine, service, clock)
    assert len(service.asked) == 2, "it ends with the page at which it learns of it"
    now = only(engine)
    assert (now.asked_by, now.requests, now.position) == ("flo@firstlight.test", 0, str(TODAY - timedelta(days=3)))
    assert now.outcome == ""


def test_failures_in_a_row_put_it_off_for_longer_and_then_end_it(engine: Engine) -> None:
    clock, service = Clock(), Service()
    service.instead = lambda _day: httpx.Response(502)
    ask_to_fill_in(engine, HF, "daily", TODAY - timedelta(days=2), ED, pace=0.5)
    waits = []
    while not only(engine).ended_at:
        work(engine, service, clock)
        if not only(engine).ended_at:
            waits.append((only(engine).next_at - clock.now) // timedelta(minutes=1))
            clock.now = only(engine).next_at
    assert waits == [5, 10, 20, 40, 80]
    assert only(engine).outcome == "failed"
    assert "502" in only(engine).words


def test_what_cannot_be_filled_in_or_costs_too_much_is_refused_before_anything_is_asked(engine: Engine) -> None:
    for source, since, words in (
        (ArxivRss(), TODAY - timedelta(days=1), "newest day only"),
        (HF, TODAY - timedelta(days=31), "within reach for 30 days"),
        (HF, TODAY, "begins before today"),
        (ArxivApi(), TODAY - timedelta(days=367), "at most a year ago"),
        (ArxivApi(), TODAY - timedelta(days=300), "results of a query"),
        (ArxivOai(), TODAY - timedelta(days=366), f"one back-fill may be {MOST_REQUESTS}"),
    ):
        with pytest.raises(DeedRefused, match=words):
            cost_of(engine, source, "cs.LG", since, pace=3, now=NOW)
    cost = cost_of(engine, ArxivOai(), "cs", TODAY - timedelta(days=19), pace=3, now=NOW)
    assert cost.words == "about 30 requests, one every 3 s: 2 minutes or more"
    assert errands_of(engine) == []


def errands_of(engine: Engine) -> list[Errand]:
    with reading(engine) as session:
        return errands(session)


def test_readings_of_one_source_that_race_are_all_counted(engine: Engine) -> None:
    together = threading.Barrier(8)

    def one() -> None:
        together.wait()
        with writing(engine) as session:
            record_traffic(session, "arxiv-rss", requests=3, refused=1, status=200, budget=None, now=NOW)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as session:
        row = session.get_one(ServiceCondition, "arxiv-rss")
    assert (row.requests, row.refused) == (24, 8)
