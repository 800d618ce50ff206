"""Semantic Scholar: citations of papers, and figures of their authors. Source: Academic Graph API, `paper/batch`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from digest.core.capture import AuthorFigure, Rejection
from digest.core.paper import Observation, author_key
from digest.core.refresh import Finding, Reply, Subject
from digest.errors import RefusedInput
from digest.sources.http import Patience, post_json
from digest.sources.scholar_records import (
    MOST_CITATIONS,
    arxiv_id_of,
    author_figures,
    authors_of,
    message_of,
    records_of,
)
from digest.sources.strict_json import parse_json, text_of, whole_number

ADDRESS = "https://api.semanticscholar.org/graph/v1/paper/batch"
FIELDS = "externalIds,citationCount,influentialCitationCount,authors.name,authors.hIndex,authors.paperCount"
FIELDS += ",authors.citationCount"
_PATIENCE = Patience(attempts=2, retry_after=30.0, body=120.0)
_MAX_BODY = 8 * 1024 * 1024  # bytes
_NONE_KNOWN = "no valid paper ids given"  # how a batch of papers that are all unknown is answered, with status 400


class SemanticScholar:
    """The service `semantic-scholar`; asks for a hundred papers at a time."""

    name = "semantic-scholar"
    per_request = 100

    def ask(self, client: httpx.Client, subjects: Sequence[Subject], now: datetime) -> dict[int, Reply]:
        """Ask for papers by arXiv id; raises SourceUnavailable, and RefusedInput for a body that is cut."""
        ids = [f"ARXIV:{subject.arxiv_id}" for subject in subjects]
        answer = post_json(
            client,
            ADDRESS,
            {"ids": ids},
            params={"fields": FIELDS},
            accept=(200, 400),
            patience=_PATIENCE,
            max_body=_MAX_BODY,
        )
        return self.replies(answer.body, ADDRESS, subjects, now)

    def records(self, body: bytes, origin: str) -> list[dict[str, Any]]:
        """Return what a recorded answer says, as plain values; a paper that is not known is an empty object."""
        return records_of(body, origin)

    def replies(self, body: bytes, origin: str, subjects: Sequence[Subject], now: datetime) -> dict[int, Reply]:
        """Read a batch: one entry a paper, in the order they were asked for, null for one that is not known.

        Raises RefusedInput where the number of entries is another one. An entry that says it is another paper tells
        nothing of the one that was asked for.
        """
        if _none_known(body, origin):
            return {subject.paper_id: Reply(finding=Finding.ABSENT) for subject in subjects}
        papers = read_batch(body, origin)
        if len(papers) != len(subjects):
            raise RefusedInput(f"{origin}: answered with {len(papers)} papers, asked for {len(subjects)}")
        return {
            subject.paper_id: Reply(finding=Finding.ABSENT) if paper is None else self._reply(paper, subject, now)
            for subject, paper in zip(subjects, papers, strict=True)
        }

    def _reply(self, paper: dict[str, Any], subject: Subject, now: datetime) -> Reply:
        known_as = arxiv_id_of(paper)
        if known_as and known_as != subject.arxiv_id:
            reason = f"asked for {subject.arxiv_id}, answered with {known_as[:40]}"
            return Reply(finding=Finding.UNKNOWN, reason=reason, dropped=(Rejection(subject.arxiv_id, reason),))
        seen, dropped = [], []
        for signal, field in (("citations", "citationCount"), ("influential_citations", "influentialCitationCount")):
            value = whole_number(paper.get(field), limit=MOST_CITATIONS)
            if value is not None:
                seen.append(Observation(signal=signal, at=now, value=value, source=self.name))
            elif paper.get(field) is not None:
                reason = f"{signal} of {paper[field]!r:.40} is not believable"
                dropped.append(Rejection(subject.arxiv_id, reason))
        figures, doubtful = _figures(paper, subject)
        dropped += doubtful
        if not seen:
            reason = dropped[0].reason if dropped else "it says nothing of citations"
            return Reply(finding=Finding.UNKNOWN, reason=reason, dropped=tuple(dropped))
        return Reply(finding=Finding.FOUND, observations=tuple(seen), figures=tuple(figures), dropped=tuple(dropped))


def read_batch(body: bytes, origin: str) -> list[dict[str, Any] | None]:
    """Read a batch, or a single paper; raises RefusedInput, in the service's words where it gives any."""
    answer = parse_json(body, origin, limit=_MAX_BODY)
    if isinstance(answer, dict) and "paperId" in answer:
        answer = [answer]
    if not isinstance(answer, list) or not all(
        one is None or (isinstance(one, dict) and "paperId" in one) for one in answer
    ):
        raise RefusedInput(f"{origin}: not a batch of papers: {message_of(answer) or 'a list of papers is expected'}")
    return answer


def _none_known(body: bytes, origin: str) -> bool:
    return len(body) < 1_000 and _NONE_KNOWN in message_of(parse_json(body, origin)).lower()


def _figures(paper: dict[str, Any], subject: Subject) -> tuple[list[AuthorFigure], list[Rejection]]:
    """Return the figures of those authors who can be told apart, under the names the paper gives them.

    The service abbreviates (`E. Duflo`), so names are compared by surname and first initial; where two authors of the
    paper share these, nothing is said of either. All three figures or none: mixed with those of a namesake, an
    h-index could exceed the number of papers.
    """
    stated = authors_of(paper)
    theirs = Counter(author_key(text_of(one.get("name"), limit=200)) for one in stated)
    ours = Counter(map(author_key, subject.authors))
    names = {author_key(name): name for name in subject.authors}
    figures: list[AuthorFigure] = []
    doubtful: list[Rejection] = []
    for author in stated:
        key = author_key(text_of(author.get("name"), limit=200))
        if not key or theirs[key] != 1 or ours[key] != 1:
            continue
        h_index, papers, citations = author_figures(author).values()
        if h_index is None or papers is None or citations is None:
            continue
        if h_index > papers or h_index**2 > citations:
            reason = f"an h-index of {h_index} does not go with {papers} papers and {citations} citations"
            doubtful.append(Rejection(subject.arxiv_id, reason, names[key]))
            continue
        stating = (("h_index", h_index), ("papers", papers), ("citations", citations))
        figures += [AuthorFigure(names[key], figure, str(value)) for figure, value in stating]
    return figures, doubtful
