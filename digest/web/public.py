"""The public pages: today's list, past issues, how the ranking works."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from digest.core.arxiv_calendar import ArxivCalendar
from digest.core.language import Language, mark
from digest.core.sign_up import SignUpMode
from digest.errors import NotFound
from digest.store import site as store
from digest.store.engine import reading
from digest.store.windows import window_front
from digest.web.chart import seen_until, spark
from digest.web.pages import query_with
from digest.web.site import Site, TheSite

router = APIRouter()

PAGE_SIZE = 20
_MOST_CHIPS = 12


class Window(StrEnum):
    """How far back the front page looks."""

    TODAY = "today"
    WEEK = "week"
    MONTH = "month"


_DAYS = {Window.TODAY: 1, Window.WEEK: 7, Window.MONTH: 30}
_WINDOW_NAMES = {Window.TODAY: mark("Today"), Window.WEEK: mark("This week"), Window.MONTH: mark("This month")}
_HEADINGS = {
    Window.TODAY: mark("Papers gaining attention"),
    Window.WEEK: mark("Papers of this week"),
    Window.MONTH: mark("Papers of this month"),
}
Category = Annotated[str, Query(max_length=32)]
Page = Annotated[int, Query(ge=1, le=1000)]


@router.get("/")
def home(
    request: Request, site: TheSite, category: Category = "", window: Window = Window.TODAY, page: Page = 1
) -> Response:
    """Show the newest issue, or the papers of a week's or a month's, under the subscribe box.

    Before there is an issue, the latest scores stand in for it.
    """
    front: store.Front | None
    say, dateline = site.language, None
    with reading(site.services.engine) as session:
        wide = window_front(session, _DAYS[window]) if window is not Window.TODAY else None
        if wide is not None:
            front, newest, issues = wide
            since = newest - timedelta(days=_DAYS[window] - 1)
            dateline = say.count(
                "%(first)s to %(last)s · best places in %(num)s issue",
                "%(first)s to %(last)s · best places in %(num)s issues",
                issues,
                first=say.date(since),
                last=say.date(newest),
            )
        else:
            front = store.issue_front(session) or store.score_front(session)
    return _list_page(
        request,
        site,
        front,
        category=category,
        page=page,
        heading=say(_HEADINGS[window]),
        home=True,
        window=window,
        dateline=dateline,
    )


@router.get("/issues")
def issues(site: TheSite) -> Response:
    """List the past issues."""
    with reading(site.services.engine) as session:
        found = store.issue_lines(session)
    return site.pages.show("issues.html", issues=found)


@router.get("/issues/{issued_on}")
def issue(request: Request, site: TheSite, issued_on: str, category: Category = "", page: Page = 1) -> Response:
    """Show the issue of a day."""
    wanted, say = _iso_date(issued_on), site.language
    with reading(site.services.engine) as session:
        front = store.issue_front(session, wanted)
    if front is None:
        raise NotFound(
            say("there is no issue of %(day)s; those that exist are listed under “Past issues”", day=say.date(wanted))
        )
    heading = say("Issue of %(day)s", day=say.date(wanted))
    return _list_page(request, site, front, category=category, page=page, heading=heading, home=False)


def _iso_date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise HTTPException(404)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise HTTPException(404) from error


def _list_page(
    request: Request,
    site: Site,
    front: store.Front | None,
    *,
    category: str,
    page: int,
    heading: str,
    home: bool,
    window: Window = Window.TODAY,
    dateline: str | None = None,
) -> Response:
    all_cards = front.cards if front else ()
    counted = Counter(card.primary_category for card in all_cards if card.primary_category).most_common(_MOST_CHIPS)
    cards = [card for card in all_cards if not category or category in (card.primary_category, *card.categories)]
    pages = max(1, -(-len(cards) // PAGE_SIZE))
    if page > pages:
        raise HTTPException(404)
    shown = cards[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    with reading(site.services.engine) as session:
        observed = store.observations_of(session, [card.paper_id for card in shown])
    until, say = front.as_of if front and front.issued_on else None, site.language
    quiet = _quiet(front, site.now.astimezone(UTC).date(), site.services.calendar, say)
    return site.pages.show(
        "home.html",
        scripted=home and page == 1,
        heading=heading,
        dateline=_dateline(front, say) if dateline is None else dateline,
        note=front.note if front else "",
        subscribe=home and page == 1 and site.services.sign_up.mode is not SignUpMode.INVITATION,
        typed="",
        fault="",
        stamp=site.trap.stamp(site.now),
        chosen=category,
        categories=[(name, number, _wanting(request, category=name)) for name, number in counted],
        everything=_wanting(request, category=None),
        windows=[
            (
                say(name),
                request.url.path + _wanting(request, window=one if one is not Window.TODAY else None),
                one is window,
            )
            for one, name in _WINDOW_NAMES.items()
        ]
        if home
        else [],
        here=request.url.path,
        cards=shown,
        sparks={paper_id: spark(seen_until(rows, until), say) for paper_id, rows in observed.items()},
        quiet=quiet if home and window is Window.TODAY and shown else "",
        empty=_empty(front, category, quiet, say, wide=window is not Window.TODAY),
        page=page,
        pages=pages,
        earlier=query_with(request, {"page": page - 1 if page > 2 else None}),
        later=query_with(request, {"page": page + 1}),
        # The feeds follow today's list.
        feed=query_with(request, {"page": None, "window": None}).rstrip("?") if home else None,
    )


def _wanting(request: Request, **changes: str | None) -> str:
    """Return the query of this list with one choice changed, from its first page."""
    return query_with(request, {**changes, "page": None}).rstrip("?")


def _dateline(front: store.Front | None, say: Language) -> str:
    if front is None:
        return ""
    if front.issued_on is not None:
        return say.count(
            "%(day)s · %(num)s paper ranked",
            "%(day)s · %(num)s papers ranked",
            len(front.cards),
            day=say.date(front.issued_on, weekday=True),
        )
    if front.as_of is None:
        return ""
    return say("Ranked as of %(instant)s · the first issue is not out yet", instant=say.instant(front.as_of))


def _quiet(front: store.Front | None, today: date, calendar: ArxivCalendar, say: Language) -> str:
    """Say in a sentence why there is nothing new today, and when there will be; empty on other days."""
    why = calendar.quiet(today)
    if why is None or not why.known:
        return ""
    because, on = why.said(say), say.date(calendar.next_listing(today), weekday=True)
    if front is None or not front.cards:
        return say("%(because)s; the next issue comes on %(day)s.", because=because, day=on)
    return say(
        "%(because)s: these are papers of the days before, and new ones come on %(day)s.", because=because, day=on
    )


def _empty(front: store.Front | None, category: str, quiet: str, say: Language, *, wide: bool = False) -> list[str]:
    """Say why a list is empty, and what happens next."""
    if front and front.cards and category:
        if wide:
            return [say("No paper of %(category)s in these issues.", category=category)]
        return [say("No paper of %(category)s in this issue.", category=category)]
    if quiet:
        return [quiet]
    return [say("Nothing has been read yet. Papers appear here after the first reading of the sources.")]


@router.get("/about/ranking")
def ranking(site: TheSite) -> Response:
    """Explain the ranking."""
    return site.pages.show("ranking.html")


@router.get("/about/figures")
def figures(site: TheSite) -> Response:
    """Explain the figures that stand beside papers and authors."""
    return site.pages.show("figures.html")
