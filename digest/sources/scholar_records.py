"""What any recorded answer of Semantic Scholar holds, as plain values: batches, pages of a search, authors."""

from __future__ import annotations

from typing import Any

from digest.core.paper import parse_arxiv_id
from digest.errors import RefusedInput
from digest.sources.strict_json import MAX_JSON, parse_json, text_of, whole_number

MOST_CITATIONS = 2_000_000  # several times what any paper has
MOST_AUTHOR_CITATIONS = 10_000_000
MOST_PAPERS = 20_000  # of one author
MOST_AUTHORS = 5_000  # of one paper
_LISTS = ("data", "recommendedPapers")
_INSIDE = ("citedPaper", "citingPaper", "paper")


def records_of(body: bytes, origin: str) -> list[dict[str, Any]]:
    """Return a record for each paper or author of an answer, an empty one for null; raises RefusedInput for others.

    The service is asked by batches only. Answers to other questions are read here for whoever looks into a recording;
    nothing of them is stored.
    """
    return [_record(entry) for entry in _entries(parse_json(body, origin, limit=MAX_JSON), origin)]


def message_of(answer: Any) -> str:
    """Return the service's own words for a refusal, if there are any."""
    if not isinstance(answer, dict):
        return ""
    return (text_of(answer.get("error"), limit=2_000) or text_of(answer.get("message"), limit=2_000))[:200]


def arxiv_id_of(paper: dict[str, Any]) -> str:
    """Return a paper's arXiv id, without its version where it has one."""
    ids = paper.get("externalIds")
    stated = text_of(ids.get("ArXiv"), limit=40) if isinstance(ids, dict) else ""
    try:
        return parse_arxiv_id(stated)[0]
    except ValueError:
        return stated


def authors_of(paper: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the authors of a paper, those that are objects."""
    authors = paper.get("authors")
    return [one for one in authors[:MOST_AUTHORS] if isinstance(one, dict)] if isinstance(authors, list) else []


def author_figures(author: dict[str, Any]) -> dict[str, int | None]:
    """Return an author's h-index, papers and citations, None for what is missing or absurd."""
    return {
        "h_index": whole_number(author.get("hIndex"), limit=MOST_PAPERS),
        "papers": whole_number(author.get("paperCount"), limit=MOST_PAPERS),
        "citations": whole_number(author.get("citationCount"), limit=MOST_AUTHOR_CITATIONS),
    }


def _entries(answer: Any, origin: str) -> list[dict[str, Any] | None]:
    entries = answer
    if isinstance(answer, dict):
        entries = next((answer[name] for name in _LISTS if isinstance(answer.get(name), list)), [answer])
        if entries == [answer] and answer.get("total") == 0:
            return []
    if not isinstance(entries, list):
        raise _refused(answer, origin)
    found: list[dict[str, Any] | None] = []
    for entry in entries:
        inner = entry
        if isinstance(entry, dict) and "paperId" not in entry and "authorId" not in entry:
            inner = next((entry[name] for name in _INSIDE if isinstance(entry.get(name), dict)), entry)
        # A paper in a snippet has a number of its own.
        named = isinstance(inner, dict) and (inner is not entry or "paperId" in inner or "authorId" in inner)
        if inner is not None and not named:
            raise _refused(answer, origin)
        found.append(inner)
    return found


def _refused(answer: Any, origin: str) -> RefusedInput:
    return RefusedInput(f"{origin}: not an answer with papers or authors: {message_of(answer) or 'it has neither'}")


def _record(entry: dict[str, Any] | None) -> dict[str, Any]:
    if entry is None:
        return {}
    if "authorId" in entry:
        return {"author": text_of(entry.get("name"), limit=200), **author_figures(entry)}
    return {
        "arxiv_id": arxiv_id_of(entry),
        "citations": whole_number(entry.get("citationCount"), limit=MOST_CITATIONS),
        "influential_citations": whole_number(entry.get("influentialCitationCount"), limit=MOST_CITATIONS),
        "authors": [text_of(author.get("name"), limit=200) for author in authors_of(entry)],
    }
