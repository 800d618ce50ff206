"""OpenAlex: citations of papers that Semantic Scholar does not have. Source: OpenAlex API, `works`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import httpx

from digest.core.capture import Rejection
from digest.core.paper import Observation, parse_arxiv_id
from digest.core.refresh import Finding, Reply, Subject
from digest.errors import RefusedInput
from digest.sources.http import Patience, get
from digest.sources.strict_json import parse_json, text_of, whole_number

ADDRESS = "https://api.openalex.org/works"
MOST_CITATIONS = 2_000_000
_PATIENCE = Patience(attempts=2, retry_after=30.0, body=120.0)
_MAX_BODY = 8 * 1024 * 1024  # bytes
_PAGE = 200  # the most works in an answer
_ARXIV_DOI = "10.48550/arxiv."
_DOI = re.compile(r"10\.\d{4,9}/[^\s|,\"'<>\\]{1,200}")  # without what separates values in a filter


class OpenAlex:
    """The service `openalex`; asks for twenty-five papers at a time, in the name of `contact`."""

    name = "openalex"
    per_request = 25

    def __init__(self, contact: str = "") -> None:
        self._contact = contact

    def ask(self, client: httpx.Client, subjects: Sequence[Subject], now: datetime) -> dict[int, Reply]:
        """Ask for papers by DOI, arXiv's and the publisher's; raises SourceUnavailable and RefusedInput."""
        wanted = sorted({doi for subject in subjects for doi in _dois(subject)})
        params: dict[str, str | int] = {
            "filter": f"doi:{'|'.join(wanted)}",
            "select": "id,doi,ids,cited_by_count,locations",
            "per-page": _PAGE,
        }
        if self._contact:
            params["mailto"] = self._contact
        answer = get(client, ADDRESS, params=params, patience=_PATIENCE, max_body=_MAX_BODY)
        return self.replies(answer.body, ADDRESS, subjects, now)

    def records(self, body: bytes, origin: str) -> list[dict[str, Any]]:
        """Return what a recorded answer says, as plain values."""
        return [
            {
                "doi": doi_of(work),
                "arxiv_id": next(iter(arxiv_ids_of(work)), ""),
                "citations": whole_number(work.get("cited_by_count"), limit=MOST_CITATIONS),
            }
            for work in read_works(body, origin)
        ]

    def replies(self, body: bytes, origin: str, subjects: Sequence[Subject], now: datetime) -> dict[int, Reply]:
        """Find each paper among the works, by DOI or by a copy at arXiv; raises RefusedInput.

        Where several works are one paper, the most cited one speaks for it.
        """
        by_name: dict[str, list[dict[str, Any]]] = {}
        for work in read_works(body, origin):
            for name in {doi_of(work), *arxiv_ids_of(work)} - {""}:
                by_name.setdefault(name, []).append(work)
        replies = {}
        for subject in subjects:
            names = {subject.arxiv_id, *_dois(subject)}
            works = [work for name in names for work in by_name.get(name, [])]
            replies[subject.paper_id] = self._reply(works, subject, now)
        return replies

    def _reply(self, works: list[dict[str, Any]], subject: Subject, now: datetime) -> Reply:
        if not works:
            return Reply(finding=Finding.ABSENT)
        stated = [work.get("cited_by_count") for work in works]
        counts = [count for count in (whole_number(one, limit=MOST_CITATIONS) for one in stated) if count is not None]
        dropped = tuple(
            Rejection(subject.arxiv_id, f"citations of {one!r:.40} is not believable")
            for one in stated
            if whole_number(one, limit=MOST_CITATIONS) is None
        )
        if not counts:
            return Reply(finding=Finding.UNKNOWN, dropped=dropped, reason=dropped[0].reason)
        seen = Observation(signal="citations", at=now, value=max(counts), source=self.name)
        return Reply(finding=Finding.FOUND, observations=(seen,), dropped=dropped)


def read_works(body: bytes, origin: str) -> list[dict[str, Any]]:
    """Read a page of works, or a single one; raises RefusedInput for anything else, and for one page of several."""
    answer = parse_json(body, origin, limit=_MAX_BODY)
    if not isinstance(answer, dict):
        raise RefusedInput(f"{origin}: not an answer of OpenAlex: an object is expected")
    if "cited_by_count" in answer:
        return [answer]
    works, meta = answer.get("results"), answer.get("meta")
    if not isinstance(works, list) or not isinstance(meta, dict):
        message = (text_of(answer.get("message"), limit=2_000) or text_of(answer.get("error"), limit=2_000))[:200]
        raise RefusedInput(f"{origin}: not a page of works: {message or 'it has no results'}")
    count = whole_number(meta.get("count"), limit=10**12)
    if count is None or count > len(works):
        # What stands on a later page would be taken for absent.
        raise RefusedInput(f"{origin}: counts {str(meta.get('count'))[:20]} works and lists {len(works)}")
    return [work for work in works if isinstance(work, dict)]


def doi_of(work: dict[str, Any]) -> str:
    """Return a work's DOI in lower case, without its address; empty where it has none."""
    return text_of(work.get("doi"), limit=300).lower().removeprefix("https://doi.org/")


def arxiv_ids_of(work: dict[str, Any]) -> set[str]:
    """Return the arXiv ids of a work: from its DOI, and from the addresses of its copies."""
    return set(_arxiv_ids(work))


def _arxiv_ids(work: dict[str, Any]) -> Iterator[str]:
    doi = doi_of(work)
    named = [doi.removeprefix(_ARXIV_DOI)] if doi.startswith(_ARXIV_DOI) else []
    locations = work.get("locations")
    for location in locations[:1_000] if isinstance(locations, list) else []:
        if isinstance(location, dict):
            named.append(text_of(location.get("landing_page_url"), limit=300))
    for name in named:
        try:
            yield parse_arxiv_id(name)[0]
        except ValueError:
            continue


def _dois(subject: Subject) -> set[str]:
    dois = {f"{_ARXIV_DOI}{subject.arxiv_id.lower()}"} if subject.arxiv_id else set()
    own = subject.doi.lower().removeprefix("https://doi.org/")
    return dois | ({own} if _DOI.fullmatch(own) else set())
