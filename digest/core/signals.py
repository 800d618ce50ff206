"""The kinds of evidence that a trend score knows, and what one signal says of a paper."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

SIMULATED = "simulated"
MAX_VALUE = 1e9
WINDOW = timedelta(days=7)  # what was observed before it says nothing of today
GRACE_H = 72.0  # sources are not polled evenly: an observation keeps its weight for this time
FADE_H = 48.0  # ... and then loses it, to 1/e in this time


@dataclass(frozen=True, slots=True)
class Kind:
    """A signal: its words, how much it counts, and the daily gain that is remarkable for it.

    `from_nothing` where it starts at zero when the paper is listed: a repository's stars may be older than the paper.
    """

    one: str
    many: str
    weight: float
    gain: float
    from_nothing: bool = True


PAGE_PLACE = "hf_page_rank"
# `influential_citations` is not among them: it is a part of `citations`, which would then count twice.
Point = tuple[datetime, float, int | None]  # an instant, the value then, and for a place the size of its page
KINDS = {
    "hf_upvotes": Kind("upvote", "upvotes", 1.0, 20),
    "hf_comments": Kind("comment", "comments", 0.15, 3),
    "github_stars": Kind("star", "stars", 0.3, 60, from_nothing=False),
    "hn_points": Kind("point on Hacker News", "points on Hacker News", 0.6, 60),
    "hn_comments": Kind("comment on Hacker News", "comments on Hacker News", 0.2, 30),
    "citations": Kind("citation", "citations", 0.3, 2, from_nothing=False),
    PAGE_PLACE: Kind("place", "places", 0.3, 1),
}


class Movement(NamedTuple):
    """What one signal says: `strength` 0 to 1, `gained` over `hours`, its `level` now; `simulated` if made up.

    `weight` is the signal's, and little where only a level is known: growth that nobody saw is not a zero.
    `since_listing` marks a gain counted from nothing on the day the paper was listed. `of` is set for page places.
    `points` are the observations it was read from, in order of time, one an instant, counts steadied. A tuple,
    because a score of the whole window makes hundreds of thousands of them.
    """

    signal: str
    weight: float
    strength: float
    level: float
    gained: float = 0.0
    hours: float = 0.0
    since_listing: bool = False
    of: int | None = None
    simulated: bool = False
    points: tuple[Point, ...] = ()

    @property
    def words(self) -> str:
        """The movement in a few words, such as `+38 upvotes in 6 h`."""
        made_up = "simulated " if self.simulated else ""
        kind = KINDS[self.signal]
        if self.signal == PAGE_PLACE:
            return f"{made_up}place {self.level:.0f} of {self.of} on the day's page"
        gained = round(self.gained)
        if gained >= 1:
            noun = kind.one if gained == 1 else kind.many
            span = "since it was listed" if self.since_listing else f"in {_span(self.hours)}"
            return f"+{gained:,} {made_up}{noun} {span}"
        return f"{self.level:,.0f} {made_up}{kind.one if round(self.level) == 1 else kind.many}"


def faded(seen_at: datetime, as_of: datetime) -> float:
    """Return the share, 1 to 0, of its weight that an observation keeps: all for three days, then less and less."""
    hours = (as_of - seen_at).total_seconds() / 3600
    return 1.0 if hours <= GRACE_H else math.exp(-(hours - GRACE_H) / FADE_H)


def _span(hours: float) -> str:
    if hours < 1:
        return "under 1 h"
    return f"{round(hours)} h" if hours < 47.5 else f"{round(hours / 24)} days"
