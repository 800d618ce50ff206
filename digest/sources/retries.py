"""Tell of requests that are made again, in a line for whoever waits at a terminal, instead of the log's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stamina.instrumentation import RetryDetails, get_on_retry_hooks, set_on_retry_hooks


@contextmanager
def retries_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Within it each failure that may pass is told: of what, and in how many seconds it is tried again."""

    def said(details: RetryDetails) -> None:
        tell(f"{details.caused_by}; trying again in {max(details.wait_for, 1):.0f} s")

    before = get_on_retry_hooks()
    set_on_retry_hooks([said])
    try:
        yield
    finally:
        set_on_retry_hooks(before)
