"""Python's collector of garbage, kept off work that makes many small objects and no cycle of them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Let Python look for no cycles of garbage meanwhile, in any thread.

    To look through all that is made again and again would take up to as long as making it. What is not in a cycle is
    freed as ever. Of several threads, whichever turned the collector off turns it on again: it never stays off.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
