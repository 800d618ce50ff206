"""What an issue holds beyond its ranking: fresh papers that readers watch for, saved ones revised."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta

from sqlmodel import Session

from digest.core.lineup import Contender, by_strength
from digest.store.beyond import revisions, saved_since
from digest.store.scores import WINDOW
from digest.store.watching import watched_papers

_MOST_WATCHED = 500  # more that some reader watches for
_REVISED_SINCE = timedelta(days=2)  # so long a new version of a saved paper stays in issues, as a day may have none


def beyond_ranking(session: Session, rest: Sequence[Contender], named: Set[int], cut_off: datetime) -> list[int]:
    """Find what readers watch for beyond the ranking: fresh papers, strongest first, then saved ones revised.

    What is `named` already, ranked or dropped, is left out.
    """
    since = (cut_off - WINDOW).date()
    fresh = by_strength(one for one in rest if one.listed_on is not None and one.listed_on >= since)
    found = watched_papers(session, fresh, _MOST_WATCHED)
    saved = [one for one in saved_since(session, (cut_off - _REVISED_SINCE).date()) if one not in named]
    revised = {one.paper_id for one in revisions(session, saved)}.difference(found)
    return found + sorted(revised)[:_MOST_WATCHED]
