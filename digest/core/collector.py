"""Python's collector of garbage, kept off work that makes many small objects and no cycle of them."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Within:
    """How many threads are within it, and whether the collector was on before the first of them."""

    lock = threading.Lock()
    threads = 0
    was_on = False


@contextmanager
def without_collector() -> Iterator[None]:
    """Let Python look for no cycles of garbage meanwhile, in any thread.

    To look through all that is made again and again would take up to as long as making it. What is not in a cycle is
    freed as ever. Of several threads the last to leave turns it on again, whatever the others did meanwhile.
    """
    with _Within.lock:
        if _Within.threads == 0:
            _Within.was_on = gc.isenabled()
        _Within.threads += 1
        gc.disable()
    try:
        yield
    finally:
        with _Within.lock:
            _Within.threads -= 1
            if _Within.threads == 0 and _Within.was_on:
                gc.enable()
