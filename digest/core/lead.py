"""Who may tick: how long a lead lasts, and when another scheduler may take it over."""

from __future__ import annotations

from datetime import datetime, timedelta

TICK = timedelta(seconds=30)
BEAT = timedelta(seconds=5)  # how often the lead is renewed, or asked for
# With a beat more, less than the 30 seconds in which another must lead; long enough for a database that is slow.
LEASE = timedelta(seconds=20)
# Nobody's lease ends so late unless a clock was wrong when it was written: it must not keep all others waiting.
_BELIEVABLE = LEASE + timedelta(minutes=5)


def latest_believed(now: datetime) -> datetime:
    """Return the latest end of a lease that is believed."""
    return now + _BELIEVABLE


def tick_due(ticked_at: datetime | None, now: datetime) -> bool:
    """Tell whether the next tick is due; a last one in the future is a clock's fault."""
    # Half a beat early is on time: else a tick would wait for the beat after, 35 seconds on.
    return ticked_at is None or ticked_at > now or now - ticked_at >= TICK - BEAT / 2
