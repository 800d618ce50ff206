"""The header of an author page: whose page it is, and the figures it states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from digest.core.capture import AuthorFigure, Capture
from digest.core.categories import full_category
from digest.core.text import readable
from digest.sources.page_text import has_bad_bytes, set_aside

_NUMBER = r"(?P<value>\d{1,3}(?:,\d{3}){1,4}|\d{1,12})"
_FIGURES = {
    "h_index": re.compile(rf"h-index\s?{_NUMBER}", re.IGNORECASE),
    "papers": re.compile(rf"{_NUMBER}\s?papers?"),
    "citations": re.compile(rf"{_NUMBER}\s?citations?", re.IGNORECASE),
    "novelty": re.compile(r"Novelty\s?(?P<value>\d{1,3}(?:\.\d{1,3})?)\s?%", re.IGNORECASE),
    "ai_score": re.compile(r"AI Score\s?(?P<value>\d{1,3}(?:\.\d{1,3})?)", re.IGNORECASE),
}
_HEADING = re.compile(rf"{_NUMBER}\s?Papers?")
_LONGEST_FIGURE = 40
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class PageHeader:
    """Whose page it is (empty where that is not clear), how many papers it says it lists, what was not understood."""

    author: str
    claimed: int | None
    notes: tuple[str, ...]


def parse_header(lines: Sequence[str], capture: Capture, origin: str) -> PageHeader:
    """Add the author's figures to the capture; `lines` are those before the first paper."""
    figures: dict[str, str] = {}
    claimed: int | None = None
    field = ""
    unknown: list[str] = []
    name_at = 0  # how many unknown lines stood before the first figure
    for number, line in enumerate(lines, start=1):
        heading = _HEADING.fullmatch(line) if len(line) <= _LONGEST_FIGURE else None
        figure = None if heading else _figure(line)
        if heading:
            claimed = _whole(heading["value"])
        elif figure:
            name_at = name_at or len(unknown)
            figures.setdefault(*figure)
        elif not field and unknown and (category := page_category(line)) is not None:
            name_at = name_at or len(unknown)
            field = category
        elif len(line) > _LONGEST_NAME:
            set_aside(capture, f"line {number}", "text before the first paper; its paper's title is missing", line)
        else:
            unknown.append(line)
    if field:
        figures["field"] = field
    if claimed is None and "papers" in figures:
        claimed = _whole(figures["papers"])
    author, notes = _attribute(figures, unknown, name_at, capture)
    return PageHeader(author, claimed, notes)


def page_category(short: str) -> str | None:
    """Return the full name of a class as pages write it (`LG`); an unknown one of two capitals as it is, else None."""
    try:
        return full_category(short) if len(short) <= 20 else None
    except ValueError:
        return short if len(short) == 2 and short.isascii() and short.isupper() else None


def _attribute(
    figures: dict[str, str], unknown: list[str], name_at: int, capture: Capture
) -> tuple[str, tuple[str, ...]]:
    """Give the figures to the author named last before them; return the name, and what to note."""
    notes: list[str] = []
    name = unknown.pop(name_at - 1) if name_at and figures else ""
    author = readable(name) if name and not has_bad_bytes(name) else ""
    if author:
        capture.figures.extend(AuthorFigure(author, figure, value) for figure, value in figures.items())
    elif figures:
        notes.append("the header's figures are left out, its author's name is missing or not UTF-8")
    if unknown:
        shown = ", ".join(f"`{line[:40]}`" for line in unknown[:3])
        notes.append(f"{len(unknown)} lines before the first paper were not understood: {shown}")
    return author, tuple(notes)


def _figure(line: str) -> tuple[str, str] | None:
    if len(line) > _LONGEST_FIGURE:
        return None
    for figure, pattern in _FIGURES.items():
        match = pattern.fullmatch(line)
        if match:
            return figure, match["value"].replace(",", "")
    return None


def _whole(value: str) -> int:
    return int(value.replace(",", ""))
