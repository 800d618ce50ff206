"""The desk's page about one source: its runs, its cursor, its budget; to be read now, or from a date on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Path, Query, Request, Response

from digest.core.asker import Asker
from digest.core.capture import Cursor
from digest.core.errands import Cost
from digest.core.merge import storable
from digest.core.plan import next_run_at
from digest.core.refresh import SCOPE
from digest.errors import DeedRefused, NotFound
from digest.flows import errands as flow
from digest.flows.conditions import service_lines
from digest.outside import LIVE_SOURCES, POLLED_SOURCES, SIGNAL_SERVICES
from digest.store import desk as store
from digest.store.due import last_runs
from digest.store.engine import reading
from digest.store.errands import Errand, errands
from digest.store.runs import load_cursor, runs_of
from digest.web.admin import Admin, Proven, SignedIn
from digest.web.pages import client_ip, sentence, to
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/admin/sources")

_RUNS = 20
_RECORDS = 100
_LIVE, _IDLE = 5, 60  # seconds until the page comes anew: while something is under way, and while it waits
_SOON = timedelta(hours=1)
Source = Annotated[str, Path(max_length=40)]
Scope = Annotated[str, Path(max_length=80)]


@dataclass(frozen=True, slots=True)
class ErrandLine:
    """An errand as the desk tells of it; `done` is the share of its requests, 0 to 100, at most 99 while it is open."""

    errand: Errand
    at: str
    done: int
    waits: bool


def errand_line(site: Site, errand: Errand) -> ErrandLine:
    """Tell how far an errand has come."""
    share = 100 * errand.requests // max(errand.expected, 1)
    if errand.ended_at is None:
        share = min(share, 99)
    waits = errand.ended_at is None and errand.held_until is None
    return ErrandLine(errand, at_desk(errand.source, errand.scope), min(share, 100), waits)


def at_desk(source: str, scope: str) -> str:
    """Return the address of the page about a source in a scope."""
    return f"/admin/sources/{quote(source, safe='')}/{quote(scope, safe=':')}"


@router.get("/{source}/{scope}")
def one_source(  # noqa: PLR0917  # the parts of the address
    site: TheSite,
    admin: SignedIn,
    source: Source,
    scope: Scope,
    since: Annotated[str, Query(alias="from", max_length=10)] = "",
    live: Annotated[str, Query(max_length=3)] = "",
) -> Response:
    """Show one source in one scope; with `from`, what filling in from that date would cost.

    The page comes anew by itself while something that was asked for is open, unless that is stopped (live=no), or
    somebody is about to ask.
    """
    services, now = site.services, site.now
    source, scope = storable(source), storable(scope)
    may_ask = _known(site, source, scope)
    cost, fault = _cost(site, source, scope, since) if since and may_ask else (None, "")
    with reading(services.engine) as session:
        runs = runs_of(session, source, scope, _RUNS)
        cursor: Cursor = load_cursor(session, source, scope)
        asked = errands(session, source, scope)
        aside = store.set_aside(session, source=source, scope=scope, limit=_RECORDS)
        last = last_runs(session, [(source, scope)]).get((source, scope))
    if not runs and not may_ask:
        raise NotFound("no such source was ever read, and none is set up")
    (line,) = service_lines(services.engine, [source], now)
    planned = source in (*POLLED_SOURCES, *SIGNAL_SERVICES)
    held = line.condition.row.held_until if line.condition.row else None
    could_refresh = 0 if since else _refresh(asked, now)
    refresh = 0 if live == "no" else could_refresh
    return site.pages.desk(
        "source.html",
        status=422 if fault else 200,
        admin=admin,
        here="sources",
        source=source,
        scope=scope,
        at=at_desk(source, scope),
        runs=runs,
        cursor=cursor,
        next_at=max(next_run_at(source, last, held) or now, now) if planned else None,
        line=line,
        held=held if held and held > now else None,
        set_aside=aside,
        errands=[errand_line(site, one) for one in asked],
        may_ask=may_ask and admin.edits and not services.settings.demo,
        fills_in=source in LIVE_SOURCES,
        since=since,
        cost=cost,
        fault=fault,
        refresh=refresh,
        could_refresh=could_refresh,
        now=now,
    )


def _refresh(asked: Iterable[Errand], now: datetime) -> int:
    """Return in how many seconds what is open is worth another look, 0 for never."""
    opened = [one for one in asked if one.ended_at is None]
    if any(one.held_until is not None or one.next_at <= now for one in opened):
        return _LIVE
    return _IDLE if any(one.next_at - now <= _SOON for one in opened) else 0


@router.post("/{source}/{scope}/run")
def run_now(request: Request, site: TheSite, admin: Proven, source: Source, scope: Scope) -> Response:
    """Ask for a source to be read now."""

    def deed(asker: Asker) -> str:
        return flow.ask_to_run(site.services.engine, source, scope, asker)

    return _asked(request, site, admin, source, scope, deed)


@router.post("/{source}/{scope}/back-fill")
def fill_in(  # noqa: PLR0917  # the fields of the form
    request: Request,
    site: TheSite,
    admin: Proven,
    source: Source,
    scope: Scope,
    since: Annotated[str, Form(alias="from", max_length=10)] = "",
    sure: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Ask for a source to be read from a date on, by somebody who was told what it costs."""
    if sure != "yes":
        return to(at_desk(source, scope), **{"from": since})

    def deed(asker: Asker) -> str:
        if source not in LIVE_SOURCES:
            raise DeedRefused("only sources that list papers can be filled in")
        services = site.services
        live = services.live_source(source)
        return flow.ask_to_fill_in(services.engine, live, scope, _day(since), asker, pace=services.pace_of(source))

    return _asked(request, site, admin, source, scope, deed)


@router.post("/{source}/{scope}/stop")
def stop(request: Request, site: TheSite, admin: Proven, source: Source, scope: Scope) -> Response:
    """End a back-fill at its next page."""

    def deed(asker: Asker) -> str:
        flow.stop(site.services.engine, source, scope, asker)
        return ""

    return _asked(request, site, admin, source, scope, deed)


def _asked(  # noqa: PLR0917  # who asks what of which source
    request: Request, site: Site, admin: Admin, source: str, scope: str, deed: Callable[[Asker], str]
) -> Response:
    """Do it and say the answer; what cannot be done is said, with the way back."""
    back = (at_desk(source, scope), "Back to the source")
    try:
        if not _known(site, source, scope):
            raise NotFound("this source is not set up in this category, set or list")
        if site.services.settings.demo:
            raise DeedRefused("the demonstration asks nobody outside; its papers are those of the bundled pages")
        words = deed(Asker(admin.address, site.now, client_ip(request)))
    except (DeedRefused, NotFound) as refused:
        status = 404 if isinstance(refused, NotFound) else 422
        return site.pages.notice("That cannot be done", sentence(refused), status=status, way_out=back)
    if not words:
        return to(back[0])
    site.services.errand(source, scope)
    return site.pages.notice("Asked", f"{source} {scope}: {words}.", way_out=back)


def _cost(site: Site, source: str, scope: str, since: str) -> tuple[Cost | None, str]:
    services = site.services
    try:
        if source not in LIVE_SOURCES:
            raise DeedRefused("only sources that list papers can be filled in")
        live, pace = services.live_source(source), services.pace_of(source)
        return flow.cost_of(services.engine, live, scope, _day(since), pace=pace, now=site.now), ""
    except DeedRefused as refused:
        return None, sentence(refused)


def _day(since: str) -> date:
    try:
        return date.fromisoformat(since)
    except ValueError as error:
        raise DeedRefused(f"{since!r} is no date; write it like 2026-05-01") from error


def _known(site: Site, source: str, scope: str) -> bool:
    """Tell whether a source is set up in a scope, so that it may be asked."""
    return scope == SCOPE if source in SIGNAL_SERVICES else scope in site.services.scopes(source)
