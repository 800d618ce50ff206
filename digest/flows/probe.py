"""Ask a live source, or a service, once; store nothing, and say what came back."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx

from digest.core.capture import Cursor
from digest.core.refresh import Subject
from digest.errors import SourceUnavailable
from digest.flows.ingest import LiveSource
from digest.flows.refresh import SignalService
from digest.sources.meter import Meter

# A paper that all of them have had for years, so that “absent” would be news.
KNOWN = Subject(
    paper_id=0,
    arxiv_id="1706.03762",
    repositories=("tensorflow/tensor2tensor",),
    born_at=datetime(2017, 6, 12, tzinfo=UTC),
)


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


def probe_service(service: SignalService, client: httpx.Client, *, now: datetime) -> str:
    """Ask for one well-known paper and describe the answer; raises SourceUnavailable or RefusedInput."""
    meter = Meter()
    with meter.listening(client, now):
        reply = service.ask(client, [KNOWN], now).get(KNOWN.paper_id)
    if reply is None:
        raise SourceUnavailable(f"{service.name} answered without a word of the paper it was asked for")
    seen = ", ".join(f"{one.signal} {one.value:,.0f}" for one in reply.observations)
    words = f"{reply.finding}: {seen or reply.reason or 'nothing more'}"
    if meter.budget is not None:
        of = f" of {meter.budget.of:,}" if meter.budget.of is not None else ""
        words += f"; {meter.budget.left:,}{of} requests left"
    return words
