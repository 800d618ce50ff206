"""Counts what a service is asked and how it answers, by listening to the client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx

from digest.core.budget import Budget, budget_in

_REFUSALS = frozenset({401, 403, 407, 418, 429})


class Meter:
    """What went over the wire since it was read last; redirects and second attempts count, as the service counts them.

    `status` and `budget` are those of the newest answer. Refused is what the service would not answer, or could not:
    401, 403, 429 and 5xx; a 404 is an answer.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.refused = 0
        self.status: int | None = None
        self.budget: Budget | None = None

    @contextmanager
    def listening(self, client: httpx.Client, now: datetime) -> Iterator[None]:
        """Listen to a client's requests; `now` dates the resets that are told as a wait."""
        hooks = client.event_hooks
        client.event_hooks = {
            "request": [*hooks["request"], self._asked],
            "response": [*hooks["response"], lambda response: self._answered(response, now)],
        }
        try:
            yield
        finally:
            client.event_hooks = hooks

    def clear(self) -> None:
        """Begin to count anew; the newest status and budget stay."""
        self.requests = self.refused = 0

    def _asked(self, _request: httpx.Request) -> None:
        self.requests += 1

    def _answered(self, response: httpx.Response, now: datetime) -> None:
        self.status = response.status_code
        self.refused += response.status_code in _REFUSALS or response.status_code >= 500
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.budget = budget_in(headers, now) or self.budget
