"""Ask a live source once, store nothing, and say what came back."""

from __future__ import annotations

from datetime import datetime

import httpx

from digest.core.capture import Cursor
from digest.flows.ingest import LiveSource


def probe(source: LiveSource, client: httpx.Client, scope: str, *, now: datetime) -> str:
    """Fetch the first page of a scope and describe it; raises SourceUnavailable or RefusedInput."""
    pages = source.fetch(client, scope, Cursor(), now)
    page = next(iter(pages), None)
    if page is None:
        return "answered, with nothing to read"
    capture = page.capture
    words = f"{capture.status}: {len(capture.listings)} listings"
    if capture.rejected:
        words += f", {len(capture.rejected)} set aside ({capture.rejected[0].reason})"
    if capture.reason:
        words += f" ({capture.reason})"
    return words + (f", for instance {capture.listings[0].title[:60]!r}" if capture.listings else "")
