"""A refusal is told in the service's own words, as far as a person can read them."""

from __future__ import annotations

import json

import httpx
import pytest

from digest.core.budget import Budget
from digest.errors import SourceUnavailable
from digest.sources.http import Patience, get
from digest.sources.meter import Meter
from digest.sources.refusal import words_of_refusal
from tests.conftest import NOW

JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b'{"message": "Too Many Requests.", "code": "429"}', JSON, "Too Many Requests."),
        (b'{"error": {"message": "slow\\n down"}}', JSON, "slow down"),
        (b'{"error": "Rate limit exceeded", "message": 7}', JSON, "Rate limit exceeded"),
        (b"go away", "text/plain; charset=utf-8", "go away"),
        (b"<html>429</html>", "text/html", ""),
        (b'{"message": "cut', JSON, ""),
        (b'{"message": "' + b"x" * 5_000 + b'"}', JSON, ""),
        (b"[" * 5_000, JSON, ""),
        (b"\xff\xfe", "text/plain", "��"),
        (b"", JSON, ""),
    ],
)
def test_the_words_of_a_refusal(body: bytes, kind: str, words: str) -> None:
    assert words_of_refusal(body, kind) == words


def test_a_refused_request_says_why_in_the_services_words() -> None:
    answer = httpx.Response(403, json={"message": "Forbidden: write to us"})
    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as client,
        pytest.raises(SourceUnavailable, match=r"answered 403 Forbidden: Forbidden: write to us$"),
    ):
        get(client, "https://api.example.org/x")


def test_a_refusal_whose_body_breaks_off_is_still_that_refusal() -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self):  # type: ignore[no-untyped-def]
            yield b'{"mess'
            raise httpx.ReadError("gone")

    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(403, stream=Broken()))) as client,
        pytest.raises(SourceUnavailable, match=r"answered 403 Forbidden$"),
    ):
        get(client, "https://api.example.org/x")


def test_a_meter_counts_every_request_with_redirects_and_second_attempts() -> None:
    answers = iter(
        [
            httpx.Response(503),
            httpx.Response(302, headers={"Location": "https://api.example.org/y"}),
            httpx.Response(200, headers={"X-RateLimit-Remaining": "8", "X-RateLimit-Limit": "10"}, content=b"{}"),
        ]
    )
    meter = Meter()
    with httpx.Client(transport=httpx.MockTransport(lambda _: next(answers))) as client:
        before = client.event_hooks
        with meter.listening(client, NOW):
            answer = get(client, "https://api.example.org/x", patience=Patience(first_wait=0.001, longest_wait=0.001))
        assert client.event_hooks == before
    assert json.loads(answer.body) == {}
    assert (meter.requests, meter.refused, meter.status, meter.budget) == (3, 1, 200, Budget(8, 10))
