"""What a service says when it refuses: the few words of a body that nobody asked for."""

from __future__ import annotations

from typing import Any

from digest.errors import RefusedInput
from digest.sources.strict_json import parse_json, text_of

MAX_READ = 64 * 1024  # bytes of a refusal that are looked at
_MOST = 200  # characters
_NAMES = ("message", "error", "detail", "title", "reason")


def words_of_refusal(body: bytes, content_type: str) -> str:
    """Return up to 200 characters on one line of what a refusal says; empty where a person could not read it.

    A page of HTML is left alone: it is the proxy's, and says nothing that the status does not.
    """
    if "html" in content_type.lower() or not body or len(body) > MAX_READ:
        return ""
    try:
        said = _message(parse_json(body, "refusal", limit=MAX_READ))
    except RefusedInput:
        said = text_of(body.decode("utf-8", "replace"), limit=2_000) if content_type.startswith("text/plain") else ""
    return " ".join(said.split())[:_MOST]


def _message(answer: Any) -> str:
    if isinstance(answer, str):
        return text_of(answer, limit=2_000)
    if not isinstance(answer, dict):
        return ""
    for name in _NAMES:
        said = answer.get(name)
        inner = said.get("message") if isinstance(said, dict) else said
        words = text_of(inner, limit=2_000)
        if words:
            return words
    return ""
