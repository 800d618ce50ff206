"""What a service says of its own limits: how many requests are left, and until when it wants to be left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LONGEST_HOLD = timedelta(hours=24)  # of what a service may ask for itself; a day later we knock again
_EPOCH_FROM = 10**9  # seconds: a larger number is an instant, a smaller one a wait
_MOST = 10**9  # requests; more is no limit that we could count towards


@dataclass(frozen=True, slots=True)
class Budget:
    """How many requests a service still answers, of how many, and when it counts anew; `of` and `resets_at` if said."""

    left: int
    of: int | None = None
    resets_at: datetime | None = None


def budget_in(headers: Mapping[str, str], now: datetime) -> Budget | None:
    """Read the budget from an answer's headers, names in lower case; None where they name none one can believe.

    `X-RateLimit-*` as GitHub and OpenAlex send them, or the `RateLimit-*` of earlier IETF drafts; the reset is an
    instant in seconds since 1970, or a wait in seconds.
    """
    for prefix in ("x-ratelimit-", "ratelimit-"):
        left = _count(headers.get(f"{prefix}remaining", ""))
        if left is not None:
            return Budget(left, _count(headers.get(f"{prefix}limit", "")), _instant(headers, prefix, now))
    return None


def held_until(retry_after: float | None, now: datetime) -> datetime | None:
    """Return the instant before which a service wants no request; never more than a day away."""
    if retry_after is None or not retry_after > 0:
        return None
    return now + min(timedelta(seconds=min(retry_after, LONGEST_HOLD.total_seconds())), LONGEST_HOLD)


def _count(text: str) -> int | None:
    bare = text.strip()
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 10):
        return None
    return int(bare) if int(bare) <= _MOST else None


def _instant(headers: Mapping[str, str], prefix: str, now: datetime) -> datetime | None:
    said = headers.get(f"{prefix}reset", "").strip()
    if not (said.isascii() and said.isdigit() and len(said) <= 10):
        return None
    seconds = int(said)
    at = datetime.fromtimestamp(seconds, UTC) if seconds >= _EPOCH_FROM else now + timedelta(seconds=seconds)
    return at if now - LONGEST_HOLD <= at <= now + timedelta(days=32) else None
