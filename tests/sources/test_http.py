"""One GET: patient with what passes, quick to say what does not, never larger or slower than we can take."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import httpx
import pytest
from stamina.instrumentation import get_on_retry_hooks

from digest.core.capture import Cursor
from digest.errors import SourceUnavailable
from digest.sources.http import Answer, Patience, PoliteTransport, get, post_json
from digest.sources.retries import retries_told

QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=0.02, retry_after=5.0, body=0.6)
URL = "https://feeds.example.org/list"
Reply = httpx.Response | Exception


class Script(httpx.BaseTransport):
    """Answers from a list, and keeps what it was asked; the last answer repeats."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content, request=request)


def ask(script: Script, **options: object) -> Answer:
    with httpx.Client(transport=script) as client:
        return get(client, URL, patience=QUICK, **options)  # type: ignore[arg-type]


def test_a_good_answer_comes_back_whole_with_its_validators() -> None:
    script = Script(
        httpx.Response(200, headers={"ETag": '"a"', "Last-Modified": "Mon, 27 Apr 2026 04:00:00 GMT"}, text="x")
    )
    answer = ask(script, params={"q": "cat:cs.LG", "start": 0})
    assert (answer.status, answer.body) == (200, b"x")
    assert answer.cursor("2026-04-27") == Cursor("2026-04-27", '"a"', "Mon, 27 Apr 2026 04:00:00 GMT")
    assert script.asked[0].url.params["q"] == "cat:cs.LG"


def test_a_cursor_makes_the_request_conditional_and_not_modified_is_an_answer() -> None:
    script = Script(httpx.Response(304))
    assert ask(script, cursor=Cursor("", '"a"', "Mon, 27 Apr 2026 04:00:00 GMT")).status == 304
    assert script.asked[0].headers["If-None-Match"] == '"a"'
    assert script.asked[0].headers["If-Modified-Since"] == "Mon, 27 Apr 2026 04:00:00 GMT"


def test_not_modified_is_no_answer_to_a_plain_request() -> None:
    with pytest.raises(SourceUnavailable, match="304"):
        ask(Script(httpx.Response(304)), cursor=Cursor("2026-04-27"))


@pytest.mark.parametrize(
    "passing",
    [
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(503),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("no"),
    ],
    ids=repr,
)
def test_what_may_pass_is_asked_again(passing: Reply) -> None:
    script = Script(passing, httpx.Response(200, text="x"))
    assert ask(script).body == b"x"
    assert len(script.asked) == 2


def test_patience_ends_and_the_failure_names_the_address() -> None:
    script = Script(httpx.Response(503))
    with pytest.raises(SourceUnavailable, match=r"https://feeds\.example\.org/list answered 503"):
        ask(script)
    assert len(script.asked) == 3


@pytest.mark.parametrize(
    ("passing", "said"),
    [
        (httpx.ConnectError("[Errno -2] Name or service not known"), "broke off: [Errno -2] Name or service not known"),
        (httpx.ReadTimeout("slow"), "did not answer in time"),
        (httpx.Response(503), "answered 503 Service Unavailable"),
    ],
    ids=["connection", "timeout", "status"],
)
def test_what_is_asked_again_is_told_in_a_line_where_somebody_waits(passing: Reply, said: str) -> None:
    before = get_on_retry_hooks()
    told: list[str] = []
    with retries_told(told.append):
        ask(Script(passing, httpx.Response(200)), params={"q": "cat:cs.LG"})
    assert told == [f"feeds.example.org {said}; trying again in 1 s"]
    assert get_on_retry_hooks() == before


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_refusal_is_not_asked_again(status: int) -> None:
    script = Script(httpx.Response(status))
    with pytest.raises(SourceUnavailable, match=str(status)):
        ask(script)
    assert len(script.asked) == 1


def test_a_status_that_the_caller_accepts_is_an_answer() -> None:
    assert ask(Script(httpx.Response(400, text="why")), accept=(200, 400)).body == b"why"


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "1"},
        {"Retry-After": "Mon, 27 Apr 2026 04:00:01 GMT", "Date": "Mon, 27 Apr 2026 04:00:00 GMT"},
    ],
)
def test_retry_after_is_waited_for(headers: dict[str, str]) -> None:
    script = Script(httpx.Response(429, headers=headers), httpx.Response(200, text="x"))
    started = time.monotonic()
    ask(script)
    assert 0.95 <= time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3600", 3600.0), ("Mon, 27 Apr 2026 05:00:00 GMT", 3600.0), ("9" * 400, 999_999_999.0)],
)
def test_a_longer_wait_than_we_have_is_handed_to_the_caller(value: str, seconds: float) -> None:
    script = Script(httpx.Response(503, headers={"Retry-After": value, "Date": "Mon, 27 Apr 2026 04:00:00 GMT"}))
    with pytest.raises(SourceUnavailable) as failure:
        ask(script)
    assert failure.value.retry_after == seconds
    assert len(script.asked) == 1


@pytest.mark.parametrize("value", ["", "soon", "-5", "Mon, 27 Apr 99999 05:00:00 GMT"])
def test_a_retry_after_that_makes_no_sense_is_ignored(value: str) -> None:
    script = Script(httpx.Response(503, headers={"Retry-After": value}), httpx.Response(200))
    assert ask(script).status == 200


def test_a_redirect_within_the_site_is_followed() -> None:
    script = Script(
        httpx.Response(301, headers={"Location": "https://new.example.org/list"}), httpx.Response(200, text="x")
    )
    assert ask(script).body == b"x"
    assert script.asked[1].url.host == "new.example.org"


@pytest.mark.parametrize(
    "location",
    [
        "https://example.net/list",
        "https://169.254.169.254/",
        "http://feeds.example.org/list",
        "ftp://feeds.example.org/list",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(location: str) -> None:
    script = Script(httpx.Response(302, headers={"Location": location}))
    with pytest.raises(SourceUnavailable):
        ask(script)
    assert {request.url.host for request in script.asked} == {"feeds.example.org"}


def test_redirects_in_a_circle_end() -> None:
    script = Script(httpx.Response(302, headers={"Location": URL}))
    with pytest.raises(SourceUnavailable, match="redirects more than"):
        ask(script)


def test_a_body_from_memory_has_its_limit_too() -> None:
    with pytest.raises(SourceUnavailable, match="more than 10 bytes"):
        ask(Script(httpx.Response(200, text="x" * 11)), max_body=10)


@contextmanager
def server(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on loopback that reads each request and then speaks whatever bytes the test wants."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with closing(connection):
                connection.recv(65536)
                try:
                    speak(connection)
                except OSError:
                    continue  # the client had enough

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def say(head: bytes, body: bytes = b"") -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + head + b"\r\n" + body)


def ask_server(speak: Callable[[socket.socket], None], max_body: int = 2**20) -> bytes:
    with server(speak) as url, httpx.Client(timeout=2, trust_env=False) as client:
        return get(client, url, patience=QUICK, max_body=max_body).body


def test_a_gzip_body_is_unpacked() -> None:
    assert ask_server(say(b"Content-Encoding: gzip\r\n", gzip.compress(b"hello", mtime=0))) == b"hello"


@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        (b"Content-Length: 100\r\n", b"only this", "broke off"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n", "broke off"),
        (b"Content-Encoding: gzip\r\n", gzip.compress(b"hello" * 99, mtime=0)[:-9], "cut short"),
        (b"Content-Encoding: gzip\r\n", b"no gzip at all", "damaged"),
        (b"Content-Encoding: br\r\n", b"x", "not asked for"),
        (b"Content-Encoding: gzip\r\n", gzip.compress(b"\0" * 2**25, mtime=0), "more than"),
        (b"", b"x" * (2**20 + 1), "more than"),
    ],
)
def test_a_body_that_is_cut_damaged_or_too_large_is_a_failure(head: bytes, body: bytes, reason: str) -> None:
    with pytest.raises(SourceUnavailable, match=reason):
        ask_server(say(head, body))


def test_a_body_that_drips_is_given_up() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)

    impatient = Patience(attempts=1, first_wait=0.01, body=0.3)
    started = time.monotonic()
    with (
        server(drip) as url,
        httpx.Client(timeout=2, trust_env=False) as client,
        pytest.raises(SourceUnavailable) as failure,
    ):
        get(client, url, patience=impatient)
    assert "too slowly" in str(failure.value)
    assert time.monotonic() - started < 8


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def __call__(self) -> float:
        return self.at


def test_requests_begin_at_most_once_every_few_seconds_retries_included() -> None:
    clock = Clock()
    script = Script(httpx.Response(503), httpx.Response(200, text="x"))
    polite = PoliteTransport(script, 3.0, sleep=clock.sleep, monotonic=clock)
    with httpx.Client(transport=polite) as client:
        get(client, URL, patience=QUICK)
        clock.at += 1.0
        get(client, URL, patience=QUICK)
        clock.at += 10.0
        get(client, URL, patience=QUICK)
    assert clock.slept == [3.0, 2.0]


def test_requests_of_several_threads_take_turns() -> None:
    clock = Clock()
    polite = PoliteTransport(Script(httpx.Response(200)), 3.0, sleep=clock.sleep, monotonic=clock)
    with httpx.Client(transport=polite) as client:
        threads = [threading.Thread(target=get, args=(client, URL)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert clock.slept == [3.0, 3.0, 3.0]


def test_a_question_in_a_body_is_asked_again_with_the_same_body() -> None:
    script = Script(httpx.Response(429), httpx.Response(200, text="x"))
    with httpx.Client(transport=script) as client:
        answer = post_json(client, URL, {"ids": ["a"]}, params={"fields": "b"}, patience=QUICK)
    assert answer.body == b"x"
    assert [(one.method, one.content, one.url.params["fields"]) for one in script.asked] == [
        ("POST", b'{"ids":["a"]}', "b")
    ] * 2
