"""How long what the machine notes for itself is kept, and why no shorter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

PRUNE_EVERY = timedelta(days=1)
SPENT_TOKENS = timedelta(days=30)  # the links they stand for are good for three days
SESSIONS = timedelta(days=1)  # after their end
SPECIMENS = timedelta(days=1)  # they are due at once, and expire within the hour
SCORES = timedelta(days=35)  # scoring prunes its own; this is for an installation that does not score any more
RUNS_OF_A_SCOPE = 20  # the newest are kept however old: back-off counts failures, and the desk says how each ended
# A paper is not sent again within 90 days, which the deliveries remember: these must stay for longer.
LEAST_DELIVERIES_DAYS = 100
# A score looks back 7 days, a chart and a percentile over 35.
LEAST_OBSERVATIONS_DAYS = 60
LEAST_RUNS_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What the settings say; each counts from when something happened."""

    observations: timedelta
    deliveries: timedelta
    runs: timedelta

    @classmethod
    def of(cls, observations: int, deliveries: int, runs: int) -> Retention:
        """Make it of days."""
        days = [timedelta(days=number) for number in (observations, deliveries, runs)]
        return cls(observations=days[0], deliveries=days[1], runs=days[2])


def prune_due(done_at: datetime | None, now: datetime) -> bool:
    """Tell whether it is time to delete what is past its time."""
    return done_at is None or now - done_at >= PRUNE_EVERY
