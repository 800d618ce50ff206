"""The result layout of a paper-index page: title and abstract in turn, in rank order."""

from __future__ import annotations

from collections.abc import Sequence

from digest.core.capture import Capture, Reading
from digest.core.paper import AnnounceType, Listing, Observation
from digest.core.text import readable_paragraphs
from digest.errors import RefusedInput
from digest.sources.page_text import check_abstract, ends_early, has_bad_bytes, set_aside, usable_title

_SOURCE = "pages"
_LONG = 300  # characters; longer lines are abstracts
_SHORT = 80  # and shorter ones are not told from titles by themselves


def read_result_list(lines: Sequence[str], reading: Reading) -> Capture:
    """Read the results in rank order; one that cannot be read is set aside with its reason.

    Such a page names no authors, categories or days. Raises RefusedInput for a page without any abstract.
    """
    capture = Capture()
    notes: list[str] = []
    found: list[tuple[int, str, str]] = []
    pairs = _pairs(lines, capture)
    if not any(len(abstract) > _SHORT for _, abstract in pairs):
        raise RefusedInput(
            f"{reading.origin}: not a list of papers: none of its lines is an abstract; capture the page"
        )
    for rank, (title, abstract) in enumerate(pairs, start=1):
        is_last = rank == len(pairs)
        try:
            if is_last and not abstract and len(pairs) > 1:
                raise ValueError("the page ends before this paper's abstract; capture the whole page")
            cleaned = usable_title(title)
            check_abstract(abstract)
        except ValueError as fault:
            set_aside(capture, f"paper {rank}", str(fault), title)
            continue
        if not abstract:
            notes.append(f"`{cleaned[:60]}` has no abstract")
        if has_bad_bytes(abstract):
            notes.append(f"the abstract of `{cleaned[:60]}` holds bytes that are not UTF-8")
        if is_last and abstract and ends_early(abstract):
            notes.append("the last abstract stops in the middle of a sentence")
        found.append((rank, cleaned, readable_paragraphs(abstract)))
    capture.listings = [
        Listing(
            source=_SOURCE,
            title=title,
            authors_complete=False,
            abstract=abstract,
            announce_type=AnnounceType.FOUND,
            observations=(
                Observation(signal="page_rank", at=reading.observed_at, value=rank, source=_SOURCE, of=len(pairs)),
            ),
        )
        for rank, title, abstract in found
    ]
    capture.reason = "; ".join(notes[:5])
    return capture


def _pairs(lines: Sequence[str], capture: Capture) -> list[tuple[str, str]]:
    """Pair each title with its abstract, which is empty where the page leaves it out."""
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(lines):
        title = lines[at]
        if len(title) > _LONG:
            set_aside(capture, f"line {at + 1}", "a paragraph without a title before it", title)
            at += 1
            continue
        after = lines[at + 1] if at + 1 < len(lines) else ""
        beyond = lines[at + 2] if at + 2 < len(lines) else ""
        is_abstract = _is_prose(after) or not _is_prose(beyond)
        pairs.append((title, after if is_abstract else ""))
        at += 2 if is_abstract else 1
    return pairs


def _is_prose(line: str) -> bool:
    return len(line) > _LONG or (len(line) > _SHORT and line.endswith("."))
