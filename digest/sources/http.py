"""One polite request: paced, retried with jitter, redirected within one site, never a larger body than we can take."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any

import httpx
import stamina

from digest.core.capture import Cursor
from digest.errors import SourceUnavailable
from digest.sources.refusal import MAX_READ, words_of_refusal

MAX_BODY: int = 64 * 1024 * 1024  # bytes, after decompression
_MAX_REDIRECTS = 5
_REFUSAL_BODY = 5.0  # seconds
_WORTH_ASKING_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered; header names are in lower case, the body is decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def cursor(self, position: str = "") -> Cursor:
        """Return the cursor that makes the next request for the same address conditional."""
        return Cursor(position, etag=self.headers.get("etag", ""), last_modified=self.headers.get("last-modified", ""))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a service is waited for, in seconds: `retry_after` is the longest wait it may ask for itself."""

    attempts: int = 4
    first_wait: float = 2.0
    longest_wait: float = 30.0
    retry_after: float = 120.0
    body: float = 300.0


PATIENCE = Patience()
_LATER = "; ask again later"


class _AskAgain(Exception):
    """A failure that may pass, told by the host's name alone; `failure` tells it once patience is over.

    `wait` is in seconds where the service named it.
    """

    def __init__(self, where: str, happened: str, *, advice: str = "", wait: float | None = None) -> None:
        super().__init__(f"{httpx.URL(where).host} {happened}")
        self.failure = SourceUnavailable(f"{where} {happened}{advice}", retry_after=wait)
        self.wait = wait


def get(
    client: httpx.Client,
    url: str,
    *,
    params: Mapping[str, str | int] | None = None,
    cursor: Cursor | None = None,
    accept: Collection[int] = (200,),
    patience: Patience = PATIENCE,
    max_body: int = MAX_BODY,
) -> Answer:
    """Ask for an address and return the whole answer.

    Makes the request conditional where `cursor` allows it: 304 then comes back as an answer. Asks again, with jitter,
    after timeouts, cut bodies and passing statuses, as soon as Retry-After allows. Raises SourceUnavailable when
    that does not help, for every other status that is not in `accept`, and for a body of more than `max_body` bytes.
    """
    headers = {"Accept-Encoding": "gzip, identity"}  # what is decompressed here, within bounds
    if cursor is not None and cursor.etag:
        headers["If-None-Match"] = cursor.etag
    if cursor is not None and cursor.last_modified:
        headers["If-Modified-Since"] = cursor.last_modified
    wanted = {*accept, 304} if len(headers) > 1 else {*accept}
    return _patiently(
        client, client.build_request("GET", url, params=params, headers=headers), wanted, patience, max_body
    )


def post_json(
    client: httpx.Client,
    url: str,
    payload: Any,
    *,
    params: Mapping[str, str | int] | None = None,
    accept: Collection[int] = (200,),
    patience: Patience = PATIENCE,
    max_body: int = MAX_BODY,
) -> Answer:
    """Ask a question that is too long for an address, and return the whole answer; as `get` does, without a cursor.

    For questions only: they are asked again after a failure, as if asking twice changed nothing.
    """
    headers = {"Accept-Encoding": "gzip, identity"}
    asked = client.build_request("POST", url, params=params, headers=headers, json=payload)
    return _patiently(client, asked, {*accept}, patience, max_body)


def _patiently(
    client: httpx.Client, asked: httpx.Request, wanted: Collection[int], patience: Patience, max_body: int
) -> Answer:
    try:
        for attempt in stamina.retry_context(
            on=_wait_before_retry,
            attempts=patience.attempts,
            timeout=None,
            wait_initial=patience.first_wait,
            wait_max=patience.longest_wait,
            wait_jitter=patience.first_wait,
        ):
            with attempt:
                return _ask(client, asked, wanted, patience, max_body)
    except _AskAgain as exhausted:
        raise exhausted.failure from exhausted.__cause__
    raise AssertionError("stamina gave no attempt")  # pragma: no cover


def _wait_before_retry(failure: Exception) -> bool | float:
    if not isinstance(failure, _AskAgain):
        return False
    return True if failure.wait is None else failure.wait


def _ask(
    client: httpx.Client, asked: httpx.Request, wanted: Collection[int], patience: Patience, max_body: int
) -> Answer:
    request = asked
    for _ in range(_MAX_REDIRECTS + 1):
        where = _named(request.url)
        try:
            response = client.send(request, stream=True, follow_redirects=False)
            try:
                if response.next_request is None:
                    return _answer(response, where, wanted, patience, max_body)
                request = _redirected(request, response)
            finally:
                response.close()
        except httpx.TimeoutException as fault:
            raise _AskAgain(where, "did not answer in time", advice=_LATER) from fault
        except (httpx.TransportError, httpx.StreamError) as fault:
            reason = str(fault) or type(fault).__name__
            raise _AskAgain(where, f"broke off: {reason}", advice=_LATER) from fault
        except (httpx.InvalidURL, httpx.RequestError, UnicodeError, ValueError) as fault:
            raise SourceUnavailable(f"{where} cannot be followed: {fault}") from fault
    raise SourceUnavailable(f"{_named(asked.url)} redirects more than {_MAX_REDIRECTS} times")


def _answer(response: httpx.Response, where: str, wanted: Collection[int], patience: Patience, max_body: int) -> Answer:
    status = response.status_code
    if status not in wanted:
        wait = retry_after(response.headers)
        said = _said(response, where)
        answered = f"answered {status} {response.reason_phrase}".rstrip() + (f": {said}" if said else "")
        refusal = _AskAgain(where, answered, wait=wait)
        if status not in _WORTH_ASKING_AGAIN or (wait is not None and wait > patience.retry_after):
            raise refusal.failure
        raise refusal
    body = _body(response, where, time.monotonic() + patience.body, max_body)
    return Answer(status, {name.lower(): value for name, value in response.headers.items()}, body)


def _said(response: httpx.Response, where: str) -> str:
    """Return the service's own words for its refusal; a body that cannot be had takes nothing from the refusal."""
    try:
        body = _body(response, where, time.monotonic() + _REFUSAL_BODY, MAX_READ)
    except (SourceUnavailable, _AskAgain, httpx.TransportError, httpx.StreamError):
        return ""
    return words_of_refusal(body, response.headers.get("content-type", ""))


def _body(response: httpx.Response, where: str, deadline: float, max_body: int) -> bytes:
    if response.is_stream_consumed:  # a transport that answers from memory; httpx has decoded it
        chunks: Iterator[bytes] = iter([response.content])
        coding = ""
    else:
        chunks = response.iter_raw()  # as it arrives, so that the deadline is looked at
        coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise SourceUnavailable(f"{where} answered in the encoding {coding[:40]!r}, which was not asked for")
    unpack = zlib.decompressobj(wbits=31) if coding.endswith("gzip") else None
    body = bytearray()
    for chunk in chunks:
        try:
            body += chunk if unpack is None else unpack.decompress(chunk, max_body + 1 - len(body))
        except zlib.error as fault:
            raise _AskAgain(where, f"sent a damaged gzip body: {fault}") from fault
        if len(body) > max_body:
            raise SourceUnavailable(f"{where} sent more than {max_body} bytes; nothing was read from it")
        if time.monotonic() > deadline:
            raise _AskAgain(where, "sends its body too slowly", advice=_LATER)
    if unpack is not None and not unpack.eof and response.status_code != 304:
        raise _AskAgain(where, "sent a gzip body that is cut short", advice=_LATER)
    return bytes(body)


def _redirected(request: httpx.Request, response: httpx.Response) -> httpx.Request:
    there = response.next_request
    if there is None or there.url.scheme not in ("http", "https") or there.method != "GET":
        raise SourceUnavailable(f"{_named(request.url)} redirects to something other than a web address")
    if _site(there.url.host) != _site(request.url.host) or (request.url.scheme, there.url.scheme) == ("https", "http"):
        raise SourceUnavailable(f"{_named(request.url)} redirects to another site, {_named(there.url)}: not followed")
    return there


def _site(host: str) -> str:
    """Return what stays the same within one site: the last two labels of a name, or a whole address."""
    try:
        return str(ip_address(host))
    except ValueError:
        return ".".join(host.lower().rstrip(".").split(".")[-2:])


def _named(url: httpx.URL) -> str:
    return str(url)[:200]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After, in seconds: a number, or a date seen from the answer's own (RFC 9110 section 10.2.3)."""
    value, answered_at = headers.get("retry-after", ""), headers.get("date", "")
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(answered_at)).total_seconds())
    except (ValueError, TypeError, OverflowError):  # no date, only one of them with a zone, a date out of range
        return None


class PoliteTransport(httpx.BaseTransport):
    """Let at most one request begin every `pace` seconds, one at a time, whoever asks.

    `wrapped` carries them; give it a pool of one connection. `sleep` and `monotonic` are for tests.
    """

    def __init__(
        self,
        wrapped: httpx.BaseTransport,
        pace: float = 3.0,
        *,
        sleep: Callable[[float], Any] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wrapped = wrapped
        self._pace = pace
        self._sleep = sleep
        self._monotonic = monotonic
        self._free_at: float | None = None
        self._turn = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for this request's turn, then pass it on."""
        with self._turn:
            wait = 0.0 if self._free_at is None else self._free_at - self._monotonic()
            if wait > 0:
                self._sleep(wait)
            self._free_at = self._monotonic() + self._pace
            return self._wrapped.handle_request(request)

    def close(self) -> None:
        """Close the wrapped transport."""
        self._wrapped.close()
