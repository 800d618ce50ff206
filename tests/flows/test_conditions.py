"""How services stand: what they answered, what is left, why they refused, and until when they are left alone."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Engine

from digest.core.capture import RunStatus
from digest.core.plan import Task
from digest.flows.refresh import refresh
from digest.flows.tick import due_work
from digest.sources.github import GitHub
from digest.sources.semantic_scholar import SemanticScholar
from digest.store.conditions import Condition, conditions
from digest.store.engine import reading
from digest.store.runs import source_overview
from tests.flows.test_refresh import NOW, _no_waiting, add_papers, run, stars  # noqa: F401  # the fixture


def condition(engine: Engine, service: str = "github") -> Condition:
    with reading(engine) as session:
        (found,) = conditions(session, [service])
        return found


def asked_at(engine: Engine, service: str) -> list[int]:
    """Return the minutes after NOW, in steps of five, at which the tick asks a service."""
    cut_off = NOW - timedelta(hours=1)
    return [
        minutes
        for minutes in range(0, 1_500, 5)
        if any(
            work.task is Task.REFRESH
            for work in due_work(engine, [], cut_off=cut_off, now=NOW + timedelta(minutes=minutes), services=[service])
        )
    ]


def test_a_service_that_was_never_asked_says_so(engine: Engine) -> None:
    assert condition(engine) == Condition(service="github", papers={"found": 0, "absent": 0, "unknown": 0}, row=None)


def test_requests_answers_and_the_budget_are_kept(engine: Engine) -> None:
    add_papers(engine, "2605.00001", "2605.00002", "2605.00003")
    headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "41", "X-RateLimit-Reset": "600"}

    def answer(request: httpx.Request) -> httpx.Response:
        found = stars(request)
        return httpx.Response(404 if request.url.path.endswith("3") else 200, headers=headers, content=found.content)

    run(engine, GitHub(), answer)
    stands = condition(engine)
    assert stands.papers == {"found": 2, "absent": 1, "unknown": 0}
    assert stands.row is not None
    assert (stands.row.requests, stands.row.refused, stands.row.answered_at) == (3, 0, NOW)
    assert (stands.row.budget_left, stands.row.budget_of) == (41, 60)
    assert stands.row.budget_resets_at == NOW + timedelta(minutes=10)
    assert stands.row.refusal == ""


def test_requests_are_counted_by_the_day(engine: Engine) -> None:
    add_papers(engine, "2605.00001")
    for hours in (0, 8, 24):
        run(engine, GitHub(), stars, now=NOW + timedelta(hours=hours))
    row = condition(engine).row
    assert row is not None
    assert (row.requests, row.counted_on) == (1, (NOW + timedelta(days=1)).date())


def test_a_refusal_is_kept_in_the_services_words_and_its_wish_is_heeded(engine: Engine) -> None:
    add_papers(engine, "2605.00001")
    refused = httpx.Response(429, headers={"Retry-After": "7200"}, json={"message": "Too Many Requests. Get a key."})
    assert run(engine, SemanticScholar(), lambda _: refused).status is RunStatus.FAILED
    row = condition(engine, "semantic-scholar").row
    assert row is not None
    assert (row.status, row.refused, row.refused_at) == (429, 1, NOW)
    assert row.refusal.endswith("answered 429 Too Many Requests: Too Many Requests. Get a key.")
    assert asked_at(engine, "semantic-scholar")[0] == 120


def test_a_failure_that_names_no_time_is_tried_again_as_planned(sqlite_engine: Engine) -> None:
    add_papers(sqlite_engine, "2605.00001")
    run(sqlite_engine, SemanticScholar(), lambda _: httpx.Response(500))
    assert asked_at(sqlite_engine, "semantic-scholar")[0] == 15


def test_a_used_up_budget_ends_the_run_before_the_service_must_refuse(sqlite_engine: Engine) -> None:
    add_papers(sqlite_engine, "2605.00001", "2605.00002", "2605.00003")
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 45 * 60)}
    report = run(sqlite_engine, GitHub(), lambda one: httpx.Response(200, headers=headers, content=stars(one).content))
    assert (report.status, report.found, report.unknown) == (RunStatus.OK, 1, 0)
    assert "used up until 06:45 UTC" in report.reason
    assert asked_at(sqlite_engine, "github")[0] == 45


def test_githubs_limit_on_bursts_is_waited_out(sqlite_engine: Engine) -> None:
    add_papers(sqlite_engine, "2605.00001")
    words = "You have exceeded a secondary rate limit"
    run(
        sqlite_engine, GitHub(), lambda _: httpx.Response(403, headers={"Retry-After": "1800"}, json={"message": words})
    )
    row = condition(sqlite_engine).row
    assert row is not None
    assert row.held_until == NOW + timedelta(minutes=30)
    assert words in row.refusal


def test_an_unreadable_body_is_told_and_holds_nothing(sqlite_engine: Engine) -> None:
    add_papers(sqlite_engine, "2605.00001")
    run(sqlite_engine, GitHub(), lambda _: httpx.Response(200, content=b'{"full_name": "a'))
    row = condition(sqlite_engine).row
    assert row is not None
    assert "not JSON, or cut short" in row.refusal
    assert row.held_until is None


def test_a_run_stopped_from_outside_is_no_quiet_one_and_goes_on_where_it_was(engine: Engine) -> None:
    add_papers(engine, "2605.00001", "2605.00002", "2605.00003")

    def stopped_at_the_second(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("2"):
            raise KeyboardInterrupt
        return stars(request)

    with (
        pytest.raises(KeyboardInterrupt),
        httpx.Client(transport=httpx.MockTransport(stopped_at_the_second)) as client,
    ):
        refresh(engine, GitHub(), client, clock=lambda: NOW, limit=10)
    with reading(engine) as session:
        (health,) = source_overview(session, NOW)
    assert (health.status, health.reason) == ("failed", "stopped from outside (1 found, 0 absent, 0 unknown)")
    assert run(engine, GitHub(), stars).found == 2
