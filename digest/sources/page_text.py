"""The lines of a captured page, and what its layouts have in common."""

from __future__ import annotations

import codecs
import re

from digest.core.capture import Capture, Rejection
from digest.core.text import readable
from digest.errors import RefusedInput

MAX_PAGE = 16 * 1024 * 1024  # bytes; the longest page seen has 260 kB
MAX_LINES = 200_000
MAX_TITLE = 500
MAX_ABSTRACT = 20_000
_BAD_BYTE = "\ufffd"

_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), " ")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_PROMOTION = "get trending papers in your email inbox"
_BUTTON = "Subscribe"


def page_lines(body: bytes, origin: str) -> list[str]:
    """Decode a page and split it into trimmed lines that are not blank."""
    if len(body) > MAX_PAGE:
        raise RefusedInput(
            f"{origin}: {len(body)} bytes is more than a page can have ({MAX_PAGE}); give one page a file"
        )
    if not body.strip():
        raise RefusedInput(f"{origin}: the file is empty; capture the page again")
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RefusedInput(f"{origin}: the text is UTF-16; save it as UTF-8")
    if b"\0" in body:
        raise RefusedInput(f"{origin}: not a text: it holds NUL bytes; give the page's text as UTF-8")
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace").translate(_CONTROLS)
    if text.count("\n") + text.count("\r") > MAX_LINES:
        raise RefusedInput(f"{origin}: more than {MAX_LINES} lines; give one page a file")
    trimmed = (line.strip(" \t\u00a0\u200b\ufeff") for line in _LINE_BREAK.split(text))
    return [line for line in trimmed if line]


def without_promotion(lines: list[str]) -> tuple[list[str], bool]:
    """Drop the subscribe box, whose button's label is glued to what follows it."""
    kept: list[str] = []
    promoted = boxed = False
    for line in lines:
        if line.lower().startswith(_PROMOTION) and len(line) < 100:
            promoted = boxed = True
            continue
        label, rest = line[: len(_BUTTON)], line[len(_BUTTON) :]
        is_button = label == _BUTTON and (boxed or not kept) and not _is_word_end(rest)
        if is_button:
            promoted = True
        boxed = False
        if not is_button:
            kept.append(line)
        elif rest:
            kept.append(rest)
    return kept, promoted


def _is_word_end(rest: str) -> bool:
    """Tell whether what follows `Subscribe` belongs to a phrase of its own: `Subscribers`, `Subscribe to`."""
    return rest[:1].isspace() or rest.partition(" ")[0].strip(".,:;!?") in ("r", "rs", "d", "'s")


def set_aside(capture: Capture, position: str, reason: str, excerpt: str) -> None:
    """Record that one paper of the page was not read."""
    capture.rejected.append(Rejection(position=position, reason=reason, excerpt=excerpt[:200]))


def usable_title(title: str) -> str:
    """Return a title as readers see it, or raise ValueError saying why it cannot be one."""
    if _BAD_BYTE in title:
        raise ValueError("the title holds bytes that are not UTF-8; save the page as UTF-8")
    if len(title) > MAX_TITLE:
        raise ValueError(f"{len(title)} characters are more than a title can have ({MAX_TITLE})")
    cleaned = readable(title)
    if not any(mark.isalnum() for mark in cleaned):
        raise ValueError("the title holds no word")
    return cleaned


def check_abstract(abstract: str) -> None:
    """Raise ValueError where a text is too long to be an abstract."""
    if len(abstract) > MAX_ABSTRACT:
        raise ValueError(f"{len(abstract)} characters are more than an abstract can have ({MAX_ABSTRACT})")


def has_bad_bytes(text: str) -> bool:
    """Tell whether some of a text's bytes were not UTF-8."""
    return _BAD_BYTE in text


def ends_early(text: str) -> bool:
    """Tell whether a paragraph stops in the middle of a sentence."""
    return not text.rstrip("\"'”’)]}*$ ").endswith((".", "!", "?", "…", ":", "。")) and "://" not in text[-120:]
