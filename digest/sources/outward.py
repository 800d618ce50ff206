"""One call to an address of the operator's: in time, tried again where that may help, never led elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import stamina

ATTEMPTS = 3
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 8.0
_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a call went: taken (2xx), or else whether another one may go better; `words` hold nothing of the address."""

    taken: bool
    may_pass: bool
    words: str


class _Again(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.words)
        self.answer = answer


def call(
    client: httpx.Client, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Call an address, at most three times; the same body each time, so that whoever takes it twice can tell.

    A redirect is not followed: what is told is for the address that was named, and a signature with it. Nothing of the
    answer is read but its status.
    """
    try:
        for attempt in stamina.retry_context(
            on=_Again,
            attempts=ATTEMPTS,
            timeout=None,
            wait_initial=_FIRST_WAIT,
            wait_max=_LONGEST_WAIT,
            wait_jitter=_FIRST_WAIT,
        ):
            with attempt:
                answer = _once(client, method, url, body, headers)
                if not answer.taken and answer.may_pass:
                    raise _Again(answer)
                return answer
    except _Again as exhausted:
        return exhausted.answer
    raise AssertionError("stamina gave no attempt")  # pragma: no cover


def _once(client: httpx.Client, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None) -> Answer:
    where = urlsplit(url).hostname or "the address"  # path and query may hold what is secret
    try:
        with client.stream(method, url, content=body, headers=headers, follow_redirects=False) as response:
            status = response.status_code
    except httpx.TimeoutException:
        return Answer(taken=False, may_pass=True, words=f"{where} did not answer in time")
    except httpx.TransportError as fault:
        return Answer(taken=False, may_pass=True, words=f"{where} cannot be reached: {type(fault).__name__}")
    except (httpx.InvalidURL, httpx.RequestError, UnicodeError, ValueError) as fault:
        return Answer(taken=False, may_pass=False, words=f"{where} cannot be called: {type(fault).__name__}")
    if 200 <= status < 300:
        return Answer(taken=True, may_pass=False, words=f"{where} answered {status}")
    if 300 <= status < 400:
        words = f"{where} answered {status} and leads elsewhere, which is not followed; name the last address itself"
        return Answer(taken=False, may_pass=False, words=words)
    return Answer(taken=False, may_pass=status in _MAY_PASS, words=f"{where} answered {status}")
