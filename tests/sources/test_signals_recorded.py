"""Recorded answers of GitHub, Hacker News, Semantic Scholar and OpenAlex, with the numbers they hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from digest.core.refresh import Finding, Subject
from digest.errors import RefusedInput, SourceUnavailable
from digest.sources.github import GitHub
from digest.sources.hacker_news import HackerNews, read_stories
from digest.sources.openalex import OpenAlex, arxiv_ids_of, read_works
from digest.sources.semantic_scholar import SemanticScholar, read_batch
from tests.sources.recorded_counts import RECORDS

NOW = datetime(2026, 5, 20, 6, tzinfo=UTC)
pytestmark = pytest.mark.shared


@pytest.fixture
def wire(shared: Path) -> Path:
    return shared / "data" / "wire"


def subject(paper_id: int = 1, arxiv_id: str = "1201.0490", **more: Any) -> Subject:
    return Subject(paper_id=paper_id, arxiv_id=arxiv_id, born_at=NOW, **more)


@pytest.mark.parametrize(("kind", "stars"), [("raw", 0), ("normalized", 42)])
def test_githubs_repository(wire: Path, kind: str, stars: int) -> None:
    (recorded,) = json.loads((wire / "github" / f"octokit_get-repository_{kind}.json").read_text())
    body = json.dumps(recorded["response"]).encode()
    assert GitHub().records(body, "github") == [{"repository": "octokit-fixture-org/hello-world", "stars": stars}]


def test_githubs_rename(wire: Path) -> None:
    recorded = json.loads((wire / "github" / "octokit_rename-repository_raw.json").read_text())
    answers = {one["path"]: one for one in recorded if one["method"] == "get"}
    old = next(path for path in answers if path.startswith("/repos/"))

    def replay(request: httpx.Request) -> httpx.Response:
        one = answers[request.url.path]
        headers = dict(zip(one["rawHeaders"][::2], one["rawHeaders"][1::2], strict=True))
        kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        return httpx.Response(one["status"], headers=kept, json=one["response"])

    name = old.removeprefix("/repos/")
    with httpx.Client(transport=httpx.MockTransport(replay)) as client:
        reply = GitHub().ask(client, [subject(repositories=(name,))], NOW)[1]
    assert (reply.finding, reply.named, reply.known_as) == (Finding.FOUND, name, f"{name}-newname")
    assert [one.value for one in reply.observations] == [0]


def test_githubs_other_answers_are_no_repository(wire: Path) -> None:
    for path in sorted((wire / "github").glob("*_raw.json")):
        for one in json.loads(path.read_text()):
            if "/issues" in one["path"] or "/labels" in one["path"] or one["status"] in (301, 307):
                with pytest.raises(RefusedInput):
                    GitHub().records(json.dumps(one["response"]).encode(), path.name)


def test_hacker_news_search(wire: Path) -> None:
    body = (wire / "hn_algolia" / "search_restrict_url.json").read_bytes()
    stories = read_stories(body, "search")
    assert [(one.points, one.comments) for one in stories] == [(270, 103), (173, 84), (58, 9), (3, 0)]
    assert {one.arxiv_id for one in stories} == {""}
    assert HackerNews().reply(body, "search", subject(), NOW).finding is Finding.ABSENT


def test_hacker_news_story(wire: Path) -> None:
    (story,) = read_stories((wire / "hn_algolia" / "item_tree_8828543.json").read_bytes(), "story")
    assert (story.story_id, story.points) == ("8828543", 270)
    assert story.comments == 104


def test_semantic_scholars_batch(wire: Path) -> None:
    body = (wire / "s2" / "bodies" / "test_get_papers_return_not_found_0.json").read_bytes()
    # Recorded for papers without an arXiv id, so that any could have been asked for.
    replies = SemanticScholar().replies(body, "batch", [subject(number) for number in range(4)], NOW)
    assert [reply.finding for reply in replies.values()] == [Finding.ABSENT, *[Finding.FOUND] * 3]
    assert [[one.value for one in reply.observations] for reply in replies.values()] == [
        [],
        [10670, 578],
        [2185, 245],
        [0, 0],
    ]


def test_semantic_scholars_authors(wire: Path) -> None:
    authors = json.loads((wire / "s2" / "bodies" / "test_get_paper_authors_0.json").read_text())["data"]
    body = json.dumps([{"paperId": "cb1e", "citationCount": 2185, "authors": authors}]).encode()
    named = subject(authors=("Esther Duflo", "Abhijit Banerjee", "Rachel Glennerster", "Cynthia Kinnan"))
    reply = SemanticScholar().replies(body, "batch", [named], NOW)[1]
    figures = {(one.author, one.figure): int(one.value) for one in reply.figures}
    assert figures["Esther Duflo", "h_index"] == 91
    assert figures["Esther Duflo", "papers"] == 282
    assert figures["Cynthia Kinnan", "citations"] == 3189
    assert len(figures) == 12


REFUSED = {  # recorded refusals, and what is no answer of the service
    "s2/bodies/test_bad_query_parameters_0.json": "Unrecognized or unsupported fields",
    "s2/bodies/test_debug_0.json": "Forbidden",
    "s2/bodies/test_get_recommended_papers_from_lists_negative_only_0.json": "No positive paper examples given",
    "s2/bodies/test_not_found_0.json": "Paper with id 0 not found",
    "s2/bodies/test_not_found_1.json": "Author with id 0 not found",
    "s2/index.json": "it has neither",
}
ASKED = {"github": GitHub(), "hn_algolia": HackerNews(), "s2": SemanticScholar(), "openalex": OpenAlex()}


def test_every_recorded_answer_is_read_or_refused_in_the_services_words(wire: Path) -> None:
    counted, refused = {}, {}
    for folder, service in ASKED.items():
        for path in sorted((wire / folder).rglob("*.json")):
            name = path.relative_to(wire).as_posix()
            try:
                counted[name] = len(service.records(path.read_bytes(), path.name))
            except RefusedInput as fault:
                refused[name] = str(fault)
    assert counted == RECORDS
    assert refused.keys() == REFUSED.keys()
    assert all(words in refused[name] for name, words in REFUSED.items())


def test_a_recorded_rename_is_told_step_by_step(wire: Path) -> None:
    body = (wire / "github" / "octokit_rename-repository_raw.json").read_bytes()
    said = [
        one.get("repository", "").partition("ukeod")[2] or one.get("status", 200)
        for one in GitHub().records(body, "rename")
    ]
    assert said == [200, "-newname", 301, "-newname", 307, "-newname", 204]


def test_recorded_figures_of_authors_are_read(wire: Path) -> None:
    (turing,) = SemanticScholar().records((wire / "s2" / "vcr_Author.json").read_bytes(), "author")
    assert turing == {"author": "A. Turing", "h_index": 23, "papers": 60, "citations": 12415}


def test_every_recorded_body_of_semantic_scholar_is_a_batch_or_refused(wire: Path) -> None:
    read = 0
    for path in sorted((wire / "s2").rglob("*.json")):
        try:
            read += len(read_batch(path.read_bytes(), path.name))
        except RefusedInput:
            continue
    assert read >= 12


def test_semantic_scholars_refusals_are_no_absence(wire: Path) -> None:
    bodies = wire / "s2" / "bodies"
    for name, status in (("test_debug_0", 403), ("test_not_found_0", 404), ("test_bad_query_parameters_0", 400)):
        answer = httpx.Response(status, content=(bodies / f"{name}.json").read_bytes())
        with (
            httpx.Client(transport=httpx.MockTransport(lambda _, answer=answer: answer)) as client,
            pytest.raises((SourceUnavailable, RefusedInput)),
        ):
            SemanticScholar().ask(client, [subject()], NOW)


def test_openalex_works(wire: Path) -> None:
    cited = {}
    for path in sorted((wire / "openalex").glob("work_*.json")):
        (work,) = read_works(path.read_bytes(), path.name)
        cited[path.stem] = work["cited_by_count"]
        assert arxiv_ids_of(work) == ({"1201.0490"} if path.stem == "work_W2101234009" else set())
    assert cited["work_W2101234009"] == 39943
    body = (wire / "openalex" / "work_W2101234009.json").read_bytes()
    replies = OpenAlex().replies(body, "work", [subject(), subject(2, "2605.01234")], NOW)
    assert [one.value for one in replies[1].observations] == [39943]
    assert replies[2].finding is Finding.ABSENT


def test_openalex_page(wire: Path) -> None:
    works = OpenAlex().records((wire / "openalex" / "list_page.json").read_bytes(), "page")
    assert [work["citations"] for work in works] == [2, 0, 0, 0, 0]
    assert works[0]["doi"] == "10.1109/tau.1965.1161805"
