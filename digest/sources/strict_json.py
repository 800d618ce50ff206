"""JSON from outside: bounded, unambiguous, or refused."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from typing import Any

from digest.errors import RefusedInput

MAX_JSON = 8 * 1024 * 1024  # bytes; the longest recorded answer has 0.3 MB


def parse_json(body: bytes, origin: str, *, limit: int = MAX_JSON) -> Any:
    """Decode one JSON document (RFC 8259), in memory of some ten times its size.

    Raises RefusedInput, naming `origin`, for a body that is empty, longer than `limit` bytes, not UTF-8, cut short,
    nested too deeply, holds a number with thousands of digits or says a key twice in one object.
    """
    if len(body) > limit:
        raise RefusedInput(
            f"{origin}: {len(body)} bytes of JSON are more than is read ({limit}); it is not a day's list"
        )
    if not body.strip():
        raise RefusedInput(f"{origin}: the answer is empty; ask again, or record it again")
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_unambiguous)
    except UnicodeDecodeError as fault:
        raise RefusedInput(f"{origin}: not UTF-8 at byte {fault.start}; record the answer again, as sent") from None
    except RecursionError:
        raise RefusedInput(f"{origin}: nested too deeply for a day's list; record the answer again") from None
    except json.JSONDecodeError as fault:
        at = f"line {fault.lineno}, column {fault.colno}"
        raise RefusedInput(f"{origin}: not JSON, or cut short ({fault.msg} at {at}); record it again") from None
    except ValueError as fault:
        raise RefusedInput(f"{origin}: JSON that is not read: {fault}") from None


def text_of(value: object, *, limit: int) -> str:
    """Return a string without control characters or halves of surrogate pairs; empty for anything but a string.

    Line breaks and tabs stay. A string of more than `limit` characters counts as absent.
    """
    if not isinstance(value, str) or len(value) > limit:
        return ""
    return "".join(mark for mark in value if mark in "\n\t" or unicodedata.category(mark) not in ("Cc", "Cs")).strip()


def whole_number(value: object, *, limit: int) -> int | None:
    """Return a count from 0 to `limit`; None for anything else, also true, NaN, and numbers written as strings."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= limit or value != int(value):
        return None
    return int(value)


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise ValueError(f"the key {twice[:40]!r} stands twice in one object")
    return plain
