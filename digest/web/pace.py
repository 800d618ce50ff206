"""Answer at an even pace, so that how long an answer takes tells nothing of what was found."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio
from fastapi import Response
from starlette.concurrency import run_in_threadpool

EVEN = 0.1  # seconds: several times what the work takes


class EvenPace:
    """Holds an answer back until a whole multiple of `seconds` has passed; no thread waits with it."""

    def __init__(self, seconds: float = EVEN) -> None:
        self.seconds = seconds

    async def answer(self, act: Callable[[], Response]) -> Response:
        """Do something that may take more or less time, and answer in step, also where it fails."""
        begun = time.monotonic()
        try:
            return await run_in_threadpool(act)
        finally:
            if self.seconds:
                await anyio.sleep(-(time.monotonic() - begun) % self.seconds)
