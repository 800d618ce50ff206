"""Refreshing signals: what is due is asked for, what is said is kept, what is unknown changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from digest.core.capture import RunStatus
from digest.core.paper import Observation
from digest.flows.refresh import LONGEST, Refreshed, SignalService, refresh
from digest.sources import github, hacker_news, openalex, semantic_scholar
from digest.sources.github import GitHub
from digest.sources.hacker_news import HackerNews
from digest.sources.http import Patience
from digest.sources.openalex import OpenAlex
from digest.sources.semantic_scholar import SemanticScholar
from digest.store.engine import reading, writing
from digest.store.observations import add_observations
from digest.store.runs import source_overview
from digest.store.tables import AuthorFigureRow, IngestRun, ObservationRow, Paper, RejectedRecord, SignalCheck
from digest.store.unions import unite_rows

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Patience(attempts=2, first_wait=0.001, longest_wait=0.001, retry_after=0.01, body=5)
    for module in (github, hacker_news, openalex, semantic_scholar):
        monkeypatch.setattr(module, "_PATIENCE", quick)


def add_papers(engine: Engine, *ids: str, listed_on: date | None = date(2026, 5, 19), code: bool = True) -> list[int]:
    with writing(engine) as session:
        papers = [
            Paper(
                arxiv_id=one,
                slug=one,
                title=f"On the lamps of {one}",
                title_key=f"on the lamps of {one}",
                authors=["Ada Example"],
                abstract=f"Code: https://github.com/ada/lamps-{one}" if code else "",
                listed_on=listed_on,
                first_seen_at=NOW,
            )
            for one in ids
        ]
        session.add_all(papers)
        session.flush()
        return [paper.id or 0 for paper in papers]


def run(engine: Engine, service: SignalService, answer: Answer, *, now: datetime = NOW, limit: int = 100) -> Refreshed:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        return refresh(engine, service, client, clock=lambda: now, limit=limit)


def stars(request: httpx.Request) -> httpx.Response:
    name = request.url.path.removeprefix("/repos/")
    return httpx.Response(200, json={"full_name": name, "stargazers_count": 38})


def scholar(request: httpx.Request) -> httpx.Response:
    author = {"name": "A. Example", "hIndex": 5, "paperCount": 9, "citationCount": 80}
    known = {"paperId": "f", "citationCount": 4, "influentialCitationCount": 1, "authors": [author]}
    ids = json.loads(request.content)["ids"]
    return httpx.Response(200, json=[None if one.endswith("9") else known for one in ids])


def status(code: int) -> Answer:
    return lambda _: httpx.Response(code, json={"message": "no"})


def silence(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


def cut(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b'[{"paperId": "f", "citationCount": 4')


def checks(session: Session) -> dict[tuple[int, str], SignalCheck]:
    return {(one.paper_id, one.service): one for one in session.exec(select(SignalCheck))}


def stored(engine: Engine) -> tuple[object, ...]:
    """Everything a service's answers have led to, except when it is asked again."""
    with reading(engine) as session:
        seen = session.exec(select(ObservationRow).order_by(col(ObservationRow.id)))
        figures = session.exec(select(AuthorFigureRow).order_by(col(AuthorFigureRow.id)))
        return (
            [(one.paper_id, one.signal, one.source, one.at, one.value) for one in seen],
            [(one.author_id, one.figure, one.value, one.observed_at) for one in figures],
            [(paper.id, paper.code_url) for paper in session.exec(select(Paper).order_by(col(Paper.id)))],
            {key: (one.asked_at, one.answer, one.named, one.known_as) for key, one in checks(session).items()},
        )


def last_run(engine: Engine) -> IngestRun:
    with reading(engine) as session:
        return session.exec(select(IngestRun).order_by(col(IngestRun.id).desc())).first()  # type: ignore[return-value]


def test_stars_are_kept_with_the_instant_and_the_repository(engine: Engine) -> None:
    (paper_id,) = add_papers(engine, "2605.00001")

    report = run(engine, GitHub(), stars)

    assert report.as_plain() == {
        "service": "github",
        "status": "ok",
        "found": 1,
        "absent": 0,
        "unknown": 0,
        "observations": 1,
        "rejected": 0,
    }
    with reading(engine) as session:
        (seen,) = session.exec(select(ObservationRow))
        assert (seen.signal, seen.source, seen.at, seen.value) == ("github_stars", "github", NOW, 38)
        check = checks(session)[paper_id, "github"]
        assert (check.answer, check.asked_at, check.known_as) == ("found", NOW, "ada/lamps-2605.00001")
        assert NOW < check.next_at < NOW + timedelta(hours=8)
        paper = session.get_one(Paper, paper_id)
        assert (paper.code_url, paper.has_code) == ("https://github.com/ada/lamps-2605.00001", True)
        (health,) = source_overview(session, NOW)
        assert (health.source, health.status, health.listings, health.reason[:7]) == ("github", "ok", 1, "1 found")


def test_a_link_to_the_code_that_a_source_states_stays(engine: Engine) -> None:
    (paper_id,) = add_papers(engine, "2605.00001")
    with writing(engine) as session:
        session.get_one(Paper, paper_id).code_url = "https://github.com/ada/stated"
    run(engine, GitHub(), stars)
    with reading(engine) as session:
        assert session.get_one(Paper, paper_id).code_url == "https://github.com/ada/stated"
        assert checks(session)[paper_id, "github"].known_as == "ada/stated"


def test_found_and_absent_are_told_apart_and_authors_get_their_figures(engine: Engine) -> None:
    there, missing = add_papers(engine, "2605.00001", "2605.00009")

    report = run(engine, SemanticScholar(), scholar)

    assert (report.found, report.absent, report.unknown, report.observations) == (1, 1, 0, 2)
    with reading(engine) as session:
        assert checks(session)[there, "semantic-scholar"].answer == "found"
        assert checks(session)[missing, "semantic-scholar"].answer == "absent"
        assert {one.paper_id for one in session.exec(select(ObservationRow))} == {there}
        figures = {one.figure: one for one in session.exec(select(AuthorFigureRow))}
        assert {name: one.value for name, one in figures.items()} == {"h_index": "5", "papers": "9", "citations": "80"}
        assert {one.source for one in figures.values()} == {"semantic-scholar"}


FAILURES: dict[str, Answer] = {
    "403": status(403),
    "429": status(429),
    "500": status(500),
    "503": status(503),
    "time-out": silence,
    "cut body": cut,
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("service", [GitHub(), HackerNews(), SemanticScholar(), OpenAlex()], ids=lambda one: one.name)
def test_a_failure_leaves_what_is_stored_as_it_was_and_is_told(
    sqlite_engine: Engine, service: SignalService, failure: str
) -> None:
    add_papers(sqlite_engine, "2605.00001", "2605.00009")
    run(sqlite_engine, GitHub(), stars)
    run(sqlite_engine, SemanticScholar(), scholar)
    before = stored(sqlite_engine)
    much_later = NOW + timedelta(days=30)

    report = run(sqlite_engine, service, FAILURES[failure], now=much_later)

    assert report.status is RunStatus.FAILED
    assert report.found == report.absent == report.observations == 0
    assert report.unknown
    told = last_run(sqlite_engine)
    assert (told.source, told.scope, told.status, told.reason) == (service.name, "signals", "failed", report.reason)
    assert told.finished_at == much_later
    seen, figures, papers, answers = stored(sqlite_engine)
    assert (seen, figures, papers) == before[:3]
    assert {key: answers[key] for key in before[3]} == before[3]  # type: ignore[index, attr-defined]
    assert {answers[key][1] for key in answers.keys() - before[3].keys()} <= {"unknown"}  # type: ignore[index, attr-defined]
    with reading(sqlite_engine) as session:
        assert session.exec(select(RejectedRecord)).first() is not None


@pytest.mark.parametrize("failure", FAILURES)
def test_the_next_run_after_a_failure_asks_again(sqlite_engine: Engine, failure: str) -> None:
    add_papers(sqlite_engine, "2605.00001")
    run(sqlite_engine, GitHub(), FAILURES[failure])
    assert run(sqlite_engine, GitHub(), stars, now=NOW + timedelta(minutes=30)).status is RunStatus.QUIET
    assert run(sqlite_engine, GitHub(), stars, now=NOW + timedelta(hours=1)).found == 1


def test_one_paper_that_breaks_the_service_does_not_hold_up_the_others(sqlite_engine: Engine) -> None:
    add_papers(sqlite_engine, "2605.00001", "2605.00002", "2605.00003")

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500) if request.url.path.endswith("3") else stars(request)

    assert run(sqlite_engine, GitHub(), answer).found == 0
    assert run(sqlite_engine, GitHub(), answer, now=NOW + timedelta(minutes=15)).found == 2


def test_one_unreadable_body_among_good_ones_is_told_and_does_not_fail_the_run(sqlite_engine: Engine) -> None:
    add_papers(sqlite_engine, "2605.00001", "2605.00002", "2605.00003")
    report = run(sqlite_engine, GitHub(), lambda one: cut(one) if one.url.path.endswith("2") else stars(one))
    assert (report.status, report.found, report.unknown, report.rejected) == (RunStatus.OK, 2, 1, 1)
    assert "not JSON, or cut short" in last_run(sqlite_engine).reason


def test_a_run_that_is_killed_goes_on_where_it_was(engine: Engine) -> None:
    add_papers(engine, "2605.00001", "2605.00002", "2605.00003")
    asked: list[str] = []

    def dies_at_the_third(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) == 3:
            raise RuntimeError("killed")
        return stars(request)

    with pytest.raises(RuntimeError, match="killed"):
        run(engine, GitHub(), dies_at_the_third)
    told = last_run(engine)
    assert (told.status, told.listings, told.observations) == ("failed", 2, 2)

    assert run(engine, GitHub(), stars).found == 1
    assert len(stored(engine)[0]) == 3  # type: ignore[arg-type]


def test_a_slow_run_stops_in_time_and_says_so(sqlite_engine: Engine) -> None:
    add_papers(sqlite_engine, "2605.00001", "2605.00002")
    instants = iter([NOW, NOW, NOW + 2 * LONGEST, NOW + 2 * LONGEST])
    with httpx.Client(transport=httpx.MockTransport(stars)) as client:
        report = refresh(sqlite_engine, GitHub(), client, clock=lambda: next(instants), limit=10)
    assert (report.status, report.found) == (RunStatus.OK, 1)
    assert "stopped after 8 minutes" in report.reason


def test_a_paper_is_asked_for_again_when_its_time_has_come(engine: Engine) -> None:
    add_papers(engine, "2605.00001")
    found = [run(engine, GitHub(), stars, now=NOW + timedelta(hours=hours)).found for hours in (0, 1, 4, 8, 9)]
    assert found == [1, 0, 0, 1, 0]


def asked_for(engine: Engine, service: SignalService, limit: int, now: datetime = NOW) -> list[str]:
    asked: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.removeprefix("/repos/ada/lamps-"))
        return stars(request)

    run(engine, service, note, limit=limit, now=now)
    return asked


def test_a_small_budget_goes_to_the_newest_and_a_fifth_to_the_oldest(engine: Engine) -> None:
    days = [date(2026, 5, 10) + timedelta(days=number) for number in range(8)]
    for number, day in enumerate(days):
        add_papers(engine, f"2605.0000{number}", listed_on=day)
    assert asked_for(engine, GitHub(), 5) == ["2605.00007", "2605.00006", "2605.00005", "2605.00004", "2605.00000"]
    assert asked_for(engine, GitHub(), 5) == ["2605.00003", "2605.00002", "2605.00001"]


def test_an_old_paper_on_the_days_page_is_due_before_its_time(engine: Engine) -> None:
    (paper_id,) = add_papers(engine, "2401.00001", listed_on=date(2024, 1, 2))
    assert asked_for(engine, GitHub(), 5) == ["2401.00001"]
    later = NOW + timedelta(days=2)
    assert asked_for(engine, GitHub(), 5, later) == []
    with writing(engine) as session:
        add_observations(session, [(paper_id, Observation("hf_page_rank", later, 3, "hf", of=20))])
    assert asked_for(engine, GitHub(), 5, later) == ["2401.00001"]
    assert asked_for(engine, GitHub(), 5, later + timedelta(hours=1)) == []


def test_a_paper_that_mentions_no_repository_is_not_asked_for(sqlite_engine: Engine) -> None:
    add_papers(sqlite_engine, "2605.00001", code=False)
    assert run(sqlite_engine, GitHub(), stars).status is RunStatus.QUIET


def test_openalex_is_asked_only_for_what_semantic_scholar_does_not_have(engine: Engine) -> None:
    add_papers(engine, "2605.00001", "2605.00009")

    def works(request: httpx.Request) -> httpx.Response:
        assert request.url.params["filter"] == "doi:10.48550/arxiv.2605.00009"
        work = {"doi": "https://doi.org/10.48550/arxiv.2605.00009", "cited_by_count": 7}
        return httpx.Response(200, json={"meta": {"count": 1}, "results": [work]})

    assert run(engine, OpenAlex(), works).status is RunStatus.QUIET
    run(engine, SemanticScholar(), scholar)
    assert run(engine, OpenAlex(), works).found == 1


def test_absurd_stars_are_set_aside_with_their_reason(engine: Engine) -> None:
    add_papers(engine, "2605.00001")
    report = run(engine, GitHub(), lambda _: httpx.Response(200, json={"full_name": "a/b", "stargazers_count": 10**12}))
    assert (report.unknown, report.observations, report.rejected) == (1, 0, 1)
    with reading(engine) as session:
        (rejected,) = session.exec(select(RejectedRecord))
        assert "1000000000000 is not believable" in rejected.reason


def test_a_paper_merged_away_while_it_is_asked_for_passes_its_answer_on(engine: Engine) -> None:
    survivor, loser = add_papers(engine, "2605.00001", "2605.00002")

    def merging(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("2"):
            with writing(engine) as session:
                unite_rows(session, survivor, loser)
        return stars(request)

    report = run(engine, GitHub(), merging)
    assert report.found == 2
    with reading(engine) as session:
        assert set(checks(session)) == {(survivor, "github")}
        assert {one.paper_id for one in session.exec(select(ObservationRow))} == {survivor}


@pytest.mark.parametrize("services", [["github"], ["github", "openalex"]])
def test_merging_two_papers_keeps_the_survivors_answers(engine: Engine, services: Sequence[str]) -> None:
    survivor, loser = add_papers(engine, "2605.00001", "2605.00002")
    later = NOW + timedelta(hours=1)
    with writing(engine) as session:
        session.add(SignalCheck(paper_id=survivor, service="github", asked_at=NOW, answer="found", next_at=later))
        for service in services:
            session.add(SignalCheck(paper_id=loser, service=service, asked_at=NOW, answer="absent", next_at=later))
    with writing(engine) as session:
        unite_rows(session, survivor, loser)
    with reading(engine) as session:
        kept = {key: one.answer for key, one in checks(session).items()}
    assert kept[survivor, "github"] == "found"
    assert len(kept) == len(services)
