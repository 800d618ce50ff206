"""GitHub: the stars of a paper's repository. Source: REST API, "Get a repository"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from digest.core.budget import budget_in
from digest.core.capture import Rejection
from digest.core.paper import Observation
from digest.core.refresh import Finding, Reply, Subject
from digest.core.repository import full_name
from digest.errors import RefusedInput, SourceUnavailable
from digest.sources.http import Answer, Patience, get, retry_after
from digest.sources.strict_json import parse_json, text_of, whole_number

ADDRESS = "https://api.github.com/repos"
MOST_STARS = 10_000_000  # twenty times what any repository has
_PATIENCE = Patience(attempts=2, retry_after=30.0, body=60.0)
_MAX_BODY = 512 * 1024  # bytes; the recorded answers have 10 kB
_GONE = (404, 410, 451)
_BURST = 60.0  # seconds: the least that GitHub asks for after too many requests at once


class GitHub:
    """The service `github`; asks for one repository at a time, the likeliest of a paper's first."""

    name = "github"
    per_request = 1

    def ask(self, client: httpx.Client, subjects: Sequence[Subject], now: datetime) -> dict[int, Reply]:
        """Ask for the repository of each paper; raises SourceUnavailable, and RefusedInput for a body that is cut.

        A repository that was renamed is followed, and from then on asked for by its new name: its old one may come
        to belong to somebody else. Where none of two repositories is there, the paper's is absent.
        """
        return {subject.paper_id: self._one(client, subject, now) for subject in subjects}

    def records(self, body: bytes, origin: str) -> list[dict[str, Any]]:
        """Return what a recorded answer says, as plain values; of a recorded conversation, one for each answer."""
        said = parse_json(body, origin, limit=_MAX_BODY)
        if isinstance(said, list) and said and all(isinstance(one, dict) and "response" in one for one in said):
            return [_conversed(one, origin) for one in said]
        name, stars, _ = _read(said, origin)
        return [{"repository": name, "stars": stars}]

    def _one(self, client: httpx.Client, subject: Subject, now: datetime) -> Reply:
        for named in subject.repositories[:2]:
            asked = subject.known_as if named == subject.named and subject.known_as else named
            answer = get(
                client,
                f"{ADDRESS}/{asked}",
                accept=(200, 401, 403, 429, *_GONE),
                patience=_PATIENCE,
                max_body=_MAX_BODY,
            )
            if answer.status in _GONE or _is_withheld(answer):
                continue
            if answer.status != 200:
                raise _refusal(answer, now)
            return self.reply(answer.body, f"{ADDRESS}/{asked}", now, named=named)
        return Reply(finding=Finding.ABSENT, reason="no repository is there under the names the paper gives")

    def reply(self, body: bytes, origin: str, now: datetime, *, named: str) -> Reply:
        """Read one repository; raises RefusedInput."""
        name, stars, said = _read(parse_json(body, origin, limit=_MAX_BODY), origin)
        if stars is None:
            dropped = Rejection(named, f"github_stars of {said} is not believable")
            return Reply(finding=Finding.UNKNOWN, dropped=(dropped,), reason=dropped.reason)
        seen = Observation(signal="github_stars", at=now, value=stars, source=self.name)
        return Reply(finding=Finding.FOUND, observations=(seen,), named=named, known_as=name)


def _conversed(exchange: dict[str, Any], origin: str) -> dict[str, Any]:
    """Return what one answer of a recorded conversation says of a repository, or its status and words."""
    answer = exchange["response"]
    try:
        name, stars, _ = _read(answer, origin)
    except RefusedInput:
        said = text_of(answer.get("message"), limit=2_000)[:200] if isinstance(answer, dict) else ""
        return {"status": whole_number(exchange.get("status"), limit=999), "said": said}
    return {"repository": name, "stars": stars}


def _read(answer: Any, origin: str) -> tuple[str, int | None, str]:
    """Return a repository's present name, its stars if one can believe them, and what was said of them."""
    name = full_name(text_of(answer.get("full_name"), limit=200)) if isinstance(answer, dict) else ""
    if not name or "stargazers_count" not in answer:
        message = text_of(answer.get("message"), limit=2_000)[:200] if isinstance(answer, dict) else ""
        raise RefusedInput(f"{origin}: not a repository: {message or 'it has no full_name or no stargazers_count'}")
    said = answer["stargazers_count"]
    return name, whole_number(said, limit=MOST_STARS), repr(said)[:40]


def _is_withheld(answer: Answer) -> bool:
    """Tell whether GitHub withholds this one repository, as against refusing us.

    It does so for terms of service (`block`), and where an organisation asks for single sign-on or known addresses.
    """
    if answer.status != 403:
        return False
    plain = _plain(answer)
    return isinstance(plain.get("block"), dict) or "organization" in text_of(plain.get("message"), limit=2_000).lower()


def _refusal(answer: Answer, now: datetime) -> SourceUnavailable:
    """Say why GitHub refuses, and how long; its second limit, on bursts, names a Retry-After alone."""
    if answer.status == 401:
        return SourceUnavailable("GitHub does not know the token; correct or remove DIGEST_GITHUB_TOKEN")
    message = text_of(_plain(answer).get("message"), limit=2_000)[:200] or "without saying why"
    wait = retry_after(answer.headers)
    budget = budget_in(answer.headers, now)
    if budget is not None and budget.left == 0:
        wait = max(0.0, (budget.resets_at - now).total_seconds()) if budget.resets_at else wait
        message = f"the hour's requests are used up ({message}); a token in DIGEST_GITHUB_TOKEN allows more"
    elif wait is None and (answer.status == 429 or "rate limit" in message.lower()):
        wait = _BURST
    return SourceUnavailable(f"{ADDRESS} answered {answer.status}: {message}", retry_after=wait)


def _plain(answer: Answer) -> Mapping[str, Any]:
    try:
        plain = parse_json(answer.body, ADDRESS, limit=_MAX_BODY)
    except RefusedInput:
        return {}
    return plain if isinstance(plain, dict) else {}
