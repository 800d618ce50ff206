"""The desk's page about the issue that is going out: live while it does, still when it is done."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from digest.core.delivery import DeliveryState
from digest.flows.brake import brake
from digest.flows.send_now import coming
from digest.store.brake import held_by_brake
from digest.store.engine import reading
from digest.web.admin import SignedIn
from digest.web.desk_readers import seen_by, words_for
from digest.web.site import TheSite

router = APIRouter(prefix="/admin")

_WAITING = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.SENDING)
_LOST = (DeliveryState.FAILED, DeliveryState.UNKNOWN)
_SHOWN = 12  # domains
# How the bar is painted, from its left; what is in none of these waits.
_GROUPS = {
    "taken": (DeliveryState.ACCEPTED,),
    "other": (DeliveryState.SKIPPED, DeliveryState.EXPIRED, DeliveryState.SUPPRESSED),
    "late": (DeliveryState.DEFERRED,),
    "doubt": (DeliveryState.UNKNOWN,),
    "bad": (DeliveryState.FAILED,),
}
_PAINTED = dict.fromkeys(DeliveryState, "") | {state: name for name, states in _GROUPS.items() for state in states}


@router.get("/today")
def today(
    site: TheSite,
    admin: SignedIn,
    on: Annotated[date | None, Query(alias="date")] = None,
    live: Annotated[str, Query(max_length=3)] = "",
) -> Response:
    """Show how the issue goes out; the page comes anew by itself while it does, unless that is stopped (live=no)."""
    services, now = site.services, site.now
    progress = site.progress.look(services.engine, now, on)
    with reading(services.engine) as session:
        judged = brake(session, now)
        braked = progress is not None and progress.issue.id in held_by_brake(session)
    refresh = progress.refresh if progress and live != "no" else 0
    return site.pages.desk(
        "today.html",
        admin=admin,
        here="today",
        progress=progress,
        on=on,
        coming=coming(services.engine, progress.issue.issued_on, now) if progress else None,
        bar=_bar(progress.counts) if progress else [],
        shares=progress.shares[:_SHOWN] if progress else [],
        more=len(progress.shares) - _SHOWN if progress else 0,
        painted=_PAINTED,
        waiting=_WAITING,
        lost=_LOST,
        brake=judged,
        braked=braked,
        refresh=refresh,
        could_refresh=bool(progress and progress.refresh),
        seen=partial(seen_by, admin),
        said=partial(words_for, admin),
        now=now,
    )


def _bar(counts: dict[DeliveryState, int]) -> list[tuple[str, float, float]]:
    """Lay out the bar: a class, where it begins and how long it is, in percent of the audience."""
    total = sum(counts.values())
    found, start = [], 0.0
    for name, states in _GROUPS.items():
        long = 100 * sum(counts.get(state, 0) for state in states) / total if total else 0.0
        if long:
            found.append((name, round(start, 3), round(long, 3)))
        start += long
    return found
