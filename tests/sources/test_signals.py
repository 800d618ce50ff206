"""What the services say of papers: found, absent and unknown are three answers, and no number is believed blindly."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from digest.core.refresh import Finding, Reply, Subject
from digest.errors import RefusedInput, SourceUnavailable
from digest.sources import github, hacker_news, openalex, semantic_scholar
from digest.sources.github import GitHub
from digest.sources.hacker_news import HackerNews, read_stories
from digest.sources.http import Patience
from digest.sources.openalex import OpenAlex
from digest.sources.semantic_scholar import SemanticScholar

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
SERVICES = [GitHub(), HackerNews(), SemanticScholar(), OpenAlex("ops@example.org")]
Script = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (github, hacker_news, openalex, semantic_scholar):
        quick = Patience(attempts=2, first_wait=0.001, longest_wait=0.001, retry_after=0.01, body=5)
        monkeypatch.setattr(module, "_PATIENCE", quick)


def paper(paper_id: int = 1, arxiv_id: str = "2605.01234", **more: Any) -> Subject:
    more.setdefault("repositories", ("ada/lamps",))
    return Subject(paper_id=paper_id, arxiv_id=arxiv_id, born_at=NOW, **more)


def ask(service: Any, script: Script | httpx.Response, *subjects: Subject) -> dict[int, Reply]:
    transport = httpx.MockTransport(script if callable(script) else lambda _: script)
    with httpx.Client(transport=transport) as client:
        replies: dict[int, Reply] = service.ask(client, subjects or (paper(),), NOW)
    return replies


def values(reply: Reply) -> dict[str, float]:
    return {one.signal: one.value for one in reply.observations}


def repository(**changes: object) -> dict[str, object]:
    return {"id": 7, "full_name": "ada/lamps", "stargazers_count": 38, **changes}


def story(number: int, url: str, **changes: object) -> dict[str, object]:
    return {"objectID": str(number), "url": url, "points": 10, "num_comments": 3, "_tags": ["story"], **changes}


def known(**changes: object) -> dict[str, object]:
    return {"paperId": "f00", "citationCount": 4, "influentialCitationCount": 1, "authors": [], **changes}


def work(arxiv_id: str, cited: object) -> dict[str, object]:
    return {"id": "W1", "doi": f"https://doi.org/10.48550/arXiv.{arxiv_id}", "cited_by_count": cited, "locations": []}


def page(*works: object) -> dict[str, object]:
    return {"meta": {"count": len(works)}, "results": list(works)}


FAILURES = {
    "refused": httpx.Response(403, json={"message": "Forbidden"}),
    "too many": httpx.Response(429, headers={"Retry-After": "3600"}),
    "broken": httpx.Response(500, text="oops"),
    "away": httpx.Response(503),
}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failing_service_says_nothing_of_a_paper(service: Any, failure: str) -> None:
    with pytest.raises(SourceUnavailable):
        ask(service, FAILURES[failure])


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_that_does_not_answer_in_time_says_nothing(service: Any) -> None:
    def silence(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    with pytest.raises(SourceUnavailable, match="did not answer in time"):
        ask(service, silence)


@pytest.mark.parametrize(
    ("service", "whole"),
    list(
        zip(
            SERVICES,
            [
                repository(),
                {"hits": [story(1, "https://arxiv.org/abs/2605.01234")]},
                [known()],
                page(work("2605.01234", 1)),
            ],
            strict=True,
        )
    ),
    ids=lambda given: getattr(given, "name", ""),
)
def test_a_body_cut_anywhere_is_refused(service: Any, whole: object) -> None:
    body = json.dumps(whole).encode()
    assert ask(service, httpx.Response(200, content=body))[1].finding is Finding.FOUND
    for end in range(0, len(body), 3):
        with pytest.raises(RefusedInput):
            ask(service, httpx.Response(200, content=body[:end]))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
@pytest.mark.parametrize(
    "body", [b"", b"null", b"7", b'"x"', b"{}", b"[7]", b"\xff", b"[" * 5_000, b"<html>", b'{"a":1,"a":2}']
)
def test_what_is_no_answer_is_refused(service: Any, body: bytes) -> None:
    with pytest.raises(RefusedInput):
        ask(service, httpx.Response(200, content=body))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_body_without_end_is_not_read(service: Any) -> None:
    with pytest.raises(SourceUnavailable, match="more than"):
        ask(service, httpx.Response(200, content=b" " * (9 * 1024 * 1024)))


ABSURD = [10**12, -1, 1.5, "38", None, True, [38], {"n": 1}]


@pytest.mark.parametrize("absurd", ABSURD, ids=repr)
def test_an_absurd_number_is_dropped_with_a_reason(absurd: object) -> None:
    here = "https://arxiv.org/abs/2605.01234"
    answers: list[object] = [
        repository(stargazers_count=absurd),
        {"hits": [story(1, here, points=absurd, num_comments=absurd or -1)]},
        [known(citationCount=absurd, influentialCitationCount=absurd)],
        page(work("2605.01234", absurd)),
    ]
    for service, answer in zip(SERVICES, answers, strict=True):
        reply = ask(service, httpx.Response(200, json=answer))[1]
        assert (reply.finding, reply.observations) == (Finding.UNKNOWN, ()), service
        assert reply.reason


# GitHub


def test_the_stars_of_a_repository_are_observed_now() -> None:
    reply = ask(GitHub(), httpx.Response(200, json=repository()))[1]
    (seen,) = reply.observations
    assert (seen.signal, seen.value, seen.at, seen.source) == ("github_stars", 38, NOW, "github")
    assert (reply.named, reply.known_as) == ("ada/lamps", "ada/lamps")


@pytest.mark.parametrize("status", [404, 410, 451])
def test_a_repository_that_is_not_there_is_absent(status: int) -> None:
    assert ask(GitHub(), httpx.Response(status, json={"message": "Not Found"}))[1].finding is Finding.ABSENT


def test_a_paper_without_a_repository_is_absent_without_a_request() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    assert ask(GitHub(), refuse, paper(repositories=()))[1].finding is Finding.ABSENT


def test_a_renamed_repository_is_followed_and_then_asked_for_by_its_new_name() -> None:
    asked: list[str] = []

    def moved(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path == "/repos/ada/lamps":
            there = "https://api.github.com/repositories/7"
            return httpx.Response(301, headers={"Location": there}, json={"message": "Moved Permanently", "url": there})
        return httpx.Response(200, json=repository(full_name="ada/lanterns"))

    first = ask(GitHub(), moved)[1]
    assert (first.named, first.known_as) == ("ada/lamps", "ada/lanterns")
    second = ask(GitHub(), moved, paper(named=first.named, known_as=first.known_as))[1]
    assert asked == ["/repos/ada/lamps", "/repositories/7", "/repos/ada/lanterns"]
    assert (second.finding, second.named, second.known_as) == (Finding.FOUND, "ada/lamps", "ada/lanterns")


def test_a_rename_is_forgotten_when_the_paper_names_another_repository() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json=repository())

    ask(GitHub(), answer, paper(repositories=("ada/candles",), named="ada/lamps", known_as="ada/lanterns"))
    assert asked == ["/repos/ada/candles"]


def test_the_second_repository_is_asked_for_where_the_first_is_gone() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        gone = request.url.path.endswith("/lamps")
        return httpx.Response(404, json={}) if gone else httpx.Response(200, json=repository(full_name="ada/torches"))

    reply = ask(GitHub(), answer, paper(repositories=("ada/lamps", "ada/torches")))[1]
    assert (reply.finding, reply.named) == (Finding.FOUND, "ada/torches")


def test_a_used_up_hour_says_so_and_when_it_ends() -> None:
    reset = int(NOW.timestamp()) + 1_800
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    with pytest.raises(SourceUnavailable, match="DIGEST_GITHUB_TOKEN") as caught:
        ask(GitHub(), httpx.Response(403, headers=headers, json={"message": "API rate limit exceeded"}))
    assert caught.value.retry_after == 1_800


def test_one_withheld_repository_does_not_stand_for_the_service() -> None:
    blocked = httpx.Response(403, json={"message": "Repository access blocked", "block": {"reason": "tos"}})
    assert ask(GitHub(), blocked)[1].finding is Finding.ABSENT


def test_a_wrong_token_is_named() -> None:
    with pytest.raises(SourceUnavailable, match="DIGEST_GITHUB_TOKEN"):
        ask(GitHub(), httpx.Response(401, json={"message": "Bad credentials"}))


def test_a_hostile_name_is_refused() -> None:
    with pytest.raises(RefusedInput):
        ask(GitHub(), httpx.Response(200, json=repository(full_name="ada/<script>")))


# Hacker News


def test_points_and_comments_are_added_over_the_stories_of_this_paper_only() -> None:
    hits = [
        story(1, "https://arxiv.org/abs/2605.01234v2"),
        story(2, "http://arxiv.org/pdf/2605.01234.pdf?download=1#page=3", points=5, num_comments=None),
        story(2, "http://arxiv.org/pdf/2605.01234.pdf", points=5, num_comments=0),
        story(3, "https://arxiv.org/abs/2605.01235", points=900),
        story(4, "https://example.org/arxiv.org/abs/2605.01234", points=900),
        story(5, "https://arxiv.org/abs/2605.01234", points=900, _tags=["comment"]),
        story(6, "https://arxiv.org.evil.example/abs/2605.01234", points=900),
        "no story",
        story(7, None),  # type: ignore[arg-type]
    ]
    reply = ask(HackerNews(), httpx.Response(200, json={"hits": hits}))[1]
    assert values(reply) == {"hn_points": 15, "hn_comments": 3}


def test_a_paper_that_nobody_posted_is_absent_not_zero() -> None:
    reply = ask(HackerNews(), httpx.Response(200, json={"hits": [story(3, "https://arxiv.org/abs/2605.01235")]}))[1]
    assert (reply.finding, reply.observations) == (Finding.ABSENT, ())


def test_one_absurd_story_does_not_spoil_the_others() -> None:
    here = "https://arxiv.org/abs/2605.01234"
    reply = ask(HackerNews(), httpx.Response(200, json={"hits": [story(1, here), story(2, here, points=10**12)]}))[1]
    assert values(reply) == {"hn_points": 10, "hn_comments": 6}
    assert "1000000000000" in reply.dropped[0].reason


# Semantic Scholar


def test_a_batch_is_asked_by_arxiv_id_and_null_is_absent() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert json.loads(request.content) == {"ids": ["ARXIV:2605.01234", "ARXIV:math/0309136"]}
        return httpx.Response(200, json=[known(externalIds={"ArXiv": "2605.01234"}), None])

    replies = ask(SemanticScholar(), answer, paper(), paper(2, "math/0309136"))
    assert values(replies[1]) == {"citations": 4, "influential_citations": 1}
    assert (replies[2].finding, replies[2].observations) == (Finding.ABSENT, ())


def test_a_batch_of_papers_that_are_all_unknown_to_the_service_is_absent() -> None:
    body = {"error": "No valid paper ids given"}
    assert ask(SemanticScholar(), httpx.Response(400, json=body))[1].finding is Finding.ABSENT
    with pytest.raises(RefusedInput, match="Unrecognized"):
        ask(SemanticScholar(), httpx.Response(400, json={"error": "Unrecognized or unsupported fields: [x]"}))


def test_a_record_of_another_paper_says_nothing_of_this_one() -> None:
    reply = ask(SemanticScholar(), httpx.Response(200, json=[known(externalIds={"ArXiv": "2605.09999"})]))[1]
    assert (reply.finding, reply.observations) == (Finding.UNKNOWN, ())
    assert "2605.09999" in reply.reason


def test_a_batch_of_another_length_is_refused() -> None:
    with pytest.raises(RefusedInput, match="2 papers, asked for 1"):
        ask(SemanticScholar(), httpx.Response(200, json=[known(), known()]))


def test_figures_of_authors_come_under_the_names_the_paper_gives() -> None:
    authors = [
        {"name": "A. Example", "hIndex": 5, "paperCount": 9, "citationCount": 80},
        {"name": "<b>Nobody</b>", "hIndex": 1, "paperCount": 9, "citationCount": 80},
        {"name": "Bo Twin", "hIndex": 2, "paperCount": 9, "citationCount": 80},
        {"name": "B. Twin", "hIndex": 3, "paperCount": 9, "citationCount": 80},
        {"name": "Cy Half", "hIndex": None, "paperCount": 9, "citationCount": 80},
    ]
    subject = paper(authors=("Ada Example", "Bo Twin", "Bea Twin", "Cy Half"))
    reply = ask(SemanticScholar(), httpx.Response(200, json=[known(authors=authors)]), subject)[1]
    assert [(one.author, one.figure, one.value) for one in reply.figures] == [
        ("Ada Example", "h_index", "5"),
        ("Ada Example", "papers", "9"),
        ("Ada Example", "citations", "80"),
    ]


@pytest.mark.parametrize(
    "changes",
    [{"hIndex": 10, "paperCount": 9, "citationCount": 900}, {"hIndex": 9, "paperCount": 9, "citationCount": 80}],
)
def test_an_impossible_h_index_is_dropped_with_a_reason(changes: dict[str, int]) -> None:
    authors = [{"name": "Ada Example", **changes}]
    reply = ask(SemanticScholar(), httpx.Response(200, json=[known(authors=authors)]), paper(authors=("Ada Example",)))[
        1
    ]
    assert (reply.finding, reply.figures) == (Finding.FOUND, ())
    assert "h-index" in reply.dropped[0].reason


# OpenAlex


def test_works_are_asked_by_doi_in_the_operators_name_and_matched_by_doi_or_copy() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params["mailto"] == "ops@example.org"
        assert request.url.params["filter"] == (
            "doi:10.1000/lamps.7|10.48550/arxiv.2605.01234|10.48550/arxiv.2605.05678|10.48550/arxiv.2605.09999"
        )
        copied = {
            "doi": "https://doi.org/10.1000/other",
            "cited_by_count": 9,
            "locations": [{"landing_page_url": "http://arxiv.org/abs/2605.05678v2"}],
        }
        published = {"doi": "https://doi.org/10.1000/LAMPS.7", "cited_by_count": 6}
        return httpx.Response(200, json=page(work("2605.01234", 2), published, copied, work("2605.00001", 99)))

    subjects = paper(doi="10.1000/Lamps.7"), paper(2, "2605.05678", doi="no doi, really|10.1/x"), paper(3, "2605.09999")
    replies = ask(OpenAlex("ops@example.org"), answer, *subjects)
    assert values(replies[1]) == {"citations": 6}
    assert values(replies[2]) == {"citations": 9}
    assert replies[3].finding is Finding.ABSENT


def test_a_page_that_does_not_list_all_works_is_refused() -> None:
    with pytest.raises(RefusedInput, match="counts 3 works and lists 1"):
        ask(OpenAlex(), httpx.Response(200, json={"meta": {"count": 3}, "results": [work("2605.01234", 1)]}))


def test_a_story_and_its_tree_of_comments_can_be_read() -> None:
    leaf = {"type": "comment", "children": []}
    tree = {"id": 7, "type": "story", "url": "https://arxiv.org/abs/2605.01234", "points": 4}
    (read,) = read_stories(json.dumps({**tree, "children": [{**leaf, "children": [leaf, leaf]}]}).encode(), "tree")
    assert (read.arxiv_id, read.points, read.comments) == ("2605.01234", 4, 3)
