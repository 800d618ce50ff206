"""The desk's page about the outside services: how each stands, what it refused, and when it is asked again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from fastapi import APIRouter, Response

from digest.core.capture import RunStatus
from digest.flows.conditions import missing_at, service_lines
from digest.flows.source_lines import long_silent
from digest.outside import LIVE_SOURCES, SIGNAL_SERVICES
from digest.store import desk as store
from digest.store.engine import reading
from digest.store.errands import errands
from digest.store.issues import by_date
from digest.store.runs import SourceHealth, source_overview
from digest.web.admin import SignedIn
from digest.web.desk_errands import at_desk, errand_line
from digest.web.pages import day, instant
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/admin")

_HAPPENED = {"failed": "failed", "late": "is late", "interrupted": "stopped without a word"}


@router.get("/sources")
def sources(site: TheSite, admin: SignedIn) -> Response:
    """Show how each source's newest run ended, how the services stand, and the records that were set aside."""
    with reading(site.services.engine) as session:
        overview = source_overview(session, site.now)
        aside = store.set_aside(session)
        asked = errands(session)
    reported = {(health.source, health.scope) for health in overview}
    never = [
        (name, [scope for scope in site.services.scopes(name) if (name, scope) not in reported])
        for name in LIVE_SOURCES
    ]
    return site.pages.desk(
        "sources.html",
        admin=admin,
        here="sources",
        sources=overview,
        services=service_lines(site.services.engine, SIGNAL_SERVICES, site.now),
        budgets=[line for line in service_lines(site.services.engine, LIVE_SOURCES, site.now) if line.condition.row],
        set_aside=aside,
        at_desk=at_desk,
        errands=[errand_line(site, one) for one in asked],
        never=[(name, scopes) for name, scopes in never if scopes],
    )


def worries(health: SourceHealth, now: datetime, polled: Collection[tuple[str, str]]) -> bool:
    """Tell whether the admin should hear of a source before anything else; those of `polled` are read by themselves."""
    if health.source in SIGNAL_SERVICES:
        return health.status in (RunStatus.FAILED, "interrupted")
    if (health.source, health.scope) not in polled:
        return health.status == RunStatus.FAILED  # what was read by hand, or is no longer read, reports once
    if health.status in (RunStatus.FAILED, RunStatus.LATE, "interrupted"):
        return True
    return long_silent(health, now)


def source_warning(health: SourceHealth) -> str:
    """Say in a sentence what is wrong with a source."""
    name = f"{health.source} {health.scope}".strip()
    since = f"last answered well {instant(health.last_ok)}" if health.last_ok else "has never answered well"
    happened = _HAPPENED.get(health.status, "has been silent for too long")
    reason = f": {health.reason}" if health.reason else ""
    return f"{name} {happened}{reason} ({since})."


def missing_warning(site: Site) -> str:
    """Say which sources the newest issue was composed without; empty where none, or where there is no issue yet."""
    services = site.services
    cut_off = services.last_cut_off(site.now)
    with reading(services.engine) as session:
        composed = by_date(session, cut_off.date())
    if composed is None:
        return ""
    scopes = services.polled_scopes()
    missing = missing_at(services.engine, scopes, composed.issue.cut_off)
    if not missing:
        return ""
    named = ", ".join(f"{one.source} {one.scope} ({one.status})" for one in missing)
    return f"The issue of {day(cut_off.date())} was composed without {named}; what comes late is in the next one."
