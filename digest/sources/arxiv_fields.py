"""What arXiv's three interfaces write alike: ids, names, categories, instants, licences."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

from digest.core.capture import Rejection
from digest.core.categories import is_category
from digest.core.text import readable, readable_paragraphs

MAX_AUTHOR_LINE = 500_000  # characters; 3,000 authors need 60,000
_BETWEEN_AUTHORS = re.compile(r",|[;:](?=\s|$)|\s+and\s+")
_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV)\.?")
_NEW_PARAGRAPH = re.compile(r"\n(?=[ \t]+\S)")  # arXiv begins a paragraph with an indented line


def authors_of_line(line: str) -> tuple[str, ...]:
    """Split one line of authors (`A. One, B. Two Jr., and C. Three (Some Institute)`) into names, in order.

    Raises ValueError for a line that no collaboration is large enough for.
    """
    if len(line) > MAX_AUTHOR_LINE:
        raise ValueError(f"its line of authors has {len(line)} characters")
    pieces: list[str] = []
    depth, start = 0, 0
    text = readable(line)
    breaks = {match.start(): match.end() for match in _BETWEEN_AUTHORS.finditer(text)}
    for at, sign in enumerate(text):
        depth = max(0, depth + (sign == "(") - (sign == ")"))
        if at in breaks and depth == 0 and at >= start:
            pieces.append(text[start:at])
            start = breaks[at]
    names: list[str] = []
    for piece in [*pieces, text[start:]]:
        name = _without_affiliation(piece.strip().removeprefix("and ").strip())
        if names and _SUFFIX.fullmatch(name):
            names[-1] = f"{names[-1]} {name}"
        elif is_name(name):
            names.append(name)
    return tuple(names)


def is_name(text: str) -> bool:
    """Tell a name from the punctuation that arXiv's records also hold as authors."""
    return any(sign.isalpha() for sign in text)


def categories_of(words: Iterable[str], primary: str = "") -> tuple[str, ...]:
    """Keep the arXiv categories among words, each once, the primary one first; MSC and ACM classes are left out."""
    kept = [word.strip() for word in (primary, *words) if is_category(word.strip())]
    return tuple(dict.fromkeys(kept))


def abstract_of(text: str) -> str:
    """Make an abstract readable, with arXiv's paragraphs: an indented line begins a new one."""
    return readable_paragraphs(_NEW_PARAGRAPH.sub("\n\n", text.strip()))


def instant_of(text: str) -> datetime | None:
    """Read an instant, ISO 8601 or RFC 5322, as UTC; None for anything else. A zone is taken to be UTC if missing."""
    words = text.strip()
    try:
        at = datetime.fromisoformat(words) if words[:4].isdecimal() else parsedate_to_datetime(words)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def day_of(text: str) -> date | None:
    """Read the day of an instant as its own zone counts it; None for anything else."""
    words = text.strip()
    try:
        return (datetime.fromisoformat(words) if words[:4].isdecimal() else parsedate_to_datetime(words)).date()
    except (ValueError, TypeError, OverflowError):
        return None


def web_address(text: str) -> str:
    """Return an http or https address, or an empty string."""
    words = text.strip()
    return words if re.fullmatch(r"https?://[^\s<>\"']{3,500}", words) else ""


def set_aside(position: str, reason: object, excerpt: str) -> Rejection:
    """Note a record that could not be read: where it stood, why, and how it began."""
    return Rejection(position, str(reason), readable(excerpt[:600])[:160])


def _without_affiliation(name: str) -> str:
    end = len(name)
    while name[end - 1 : end] == ")":
        depth, at = 1, end - 1
        while depth and at > 0:
            at -= 1
            depth += (name[at] == ")") - (name[at] == "(")
        if depth or at == 0:
            break
        end = at
        while name[end - 1 : end] == " ":
            end -= 1
    return name[:end]
