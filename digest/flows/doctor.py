"""Look an installation over: every check at once, none of which can stop another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from digest.core.checkup import Finding, unchecked
from digest.errors import SourceUnavailable
from digest.mail.report import one_line

Check = tuple[str, Callable[[], Finding]]


def examine(checks: list[Check]) -> Iterator[Finding]:
    """Run checks side by side and yield what they found, in their order.

    One that gets no answer could not be checked, and so could one that fails by a fault of ours, which is named.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(checks))) as together:
        running = [(name, together.submit(check)) for name, check in checks]
        for name, result in running:
            try:
                yield result.result()
            except SourceUnavailable as error:
                yield unchecked(name, one_line(str(error)), "try again where this machine reaches the network")
            except Exception as error:  # noqa: BLE001  # the other checks are worth more than this one's traceback
                yield unchecked(name, f"{type(error).__name__}: {one_line(str(error))}")
