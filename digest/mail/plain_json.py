"""JSON that a provider sends: bounded, an object, and its texts fit to store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from digest.errors import RefusedInput
from digest.mail.report import one_line

Document = Mapping[str, Any]


def document(body: bytes | str, what: str) -> Document:
    """Read one JSON object; raises RefusedInput, naming `what`, for anything else."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedInput(f"{what} is not JSON") from error
    return an_object(read, what)


def an_object(value: object, what: str) -> Document:
    """Return a JSON object; raises RefusedInput, naming `what`, for anything else."""
    if not isinstance(value, dict):
        raise RefusedInput(f"{what} is not a JSON object")
    return value


def words(fields: Document, name: str) -> str:
    """Return a text as one line of at most 300 characters; empty where it is absent or no text."""
    value = fields.get(name)
    return one_line(value) if isinstance(value, str) else ""


def objects(fields: Document, name: str) -> list[Document]:
    """Return the objects of a list, at most 500; empty where it is absent or no list."""
    value = fields.get(name)
    return [one for one in value[:500] if isinstance(one, dict)] if isinstance(value, list) else []


def instant(fields: Document, name: str) -> datetime | None:
    """Return an ISO instant, or None where it is absent or none."""
    try:
        at = datetime.fromisoformat(words(fields, name))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
