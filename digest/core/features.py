"""What the fitted forecast reads of a paper: votes and page places, in terms that outlive scales and eras.

Nothing here depends on the hour of scoring or on how often a source is polled: levels are logarithms, places are also
shares of their page, and times count from the paper's own day. How a paper stands to the others of its page is read
too, where they are known. What is not known is NaN, never 0; unknown stars are read as a middling number, for
scarcely any were recorded early on. The numbers are worked out in `digest.core.feature_rows`.
"""

from __future__ import annotations

from dataclasses import dataclass

from digest.core.signals import PAGE_PLACE

VOTES = "hf_upvotes"
STARS = "github_stars"
AGE = "freshness"  # the part that ages and weekdays speak for


@dataclass(frozen=True, slots=True)
class Feature:
    """A number the forecast reads: its name, the part of the score it speaks for, and which way it may push.

    `way` is 1 where more may only raise the forecast, 0 where it may do either.
    """

    name: str
    part: str
    way: int


FEATURES = (
    Feature("votes", VOTES, 1),
    Feature("votes_pace", VOTES, 1),
    Feature("votes_gain", VOTES, 1),
    Feature("place", PAGE_PLACE, 0),
    Feature("place_share", PAGE_PLACE, 0),
    Feature("best_place", PAGE_PLACE, 0),
    Feature("mean_share", PAGE_PLACE, 0),
    Feature("places_lost", PAGE_PLACE, 0),
    Feature("page_size", PAGE_PLACE, 0),
    Feature("places_seen", PAGE_PLACE, 0),
    Feature("age", AGE, 0),
    Feature("votes_age", AGE, 0),
    Feature("votes_unseen_for", AGE, 0),
    Feature("weekday", AGE, 0),
    Feature("votes_just_now", VOTES, 1),
    Feature("votes_seen", VOTES, 0),
    Feature("places_lost_since_votes", PAGE_PLACE, 0),
    Feature("places_just_lost", PAGE_PLACE, 0),
    Feature("places_unseen_for", AGE, 0),
    Feature("stars", STARS, 1),
    Feature("page_votes", PAGE_PLACE, 0),
    Feature("page_overdue", PAGE_PLACE, 0),
    Feature("page_gap_above", PAGE_PLACE, 0),
    Feature("page_gap_below", PAGE_PLACE, 0),
    Feature("page_behind_first", PAGE_PLACE, 0),
    Feature("page_above_middle", PAGE_PLACE, 0),
)
