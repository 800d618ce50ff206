"""Authors and labs in the JSON API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import HTTPException, Query

from digest.core.portfolio import Order, arranged, doubt, doubtful, tally
from digest.errors import NotFound
from digest.store.companions import companions
from digest.store.engine import reading
from digest.store.portfolios import Kind, Portfolio, listed, portfolio
from digest.web.api_cursors import cursor_of, position_of
from digest.web.byline_models import (
    AuthorAnswer,
    CompanionAnswer,
    ComputedAnswer,
    FigureAnswer,
    LabAnswer,
    ListedAnswer,
)
from digest.web.site import Site, TheSite

Limit = Annotated[int, Query(ge=1, le=100, description="How many papers at most.")]
Cursor = Annotated[str, Query(max_length=40, description="`next_cursor` of the page before.")]
Sort = Annotated[Order, Query(description="The order of the papers.")]


def author(
    site: TheSite, slug: str, sort: Sort = Order.NEWEST, limit: Limit = 100, cursor: Cursor = ""
) -> AuthorAnswer:
    """Give what is known of an author: computed figures, stated ones with who states them, and papers."""
    found, answer = _answer(site, Kind.AUTHOR, slug, sort=sort, limit=limit, cursor=cursor)
    return AuthorAnswer(**answer, figures=_stated(found))


def lab(site: TheSite, slug: str, sort: Sort = Order.NEWEST, limit: Limit = 100, cursor: Cursor = "") -> LabAnswer:
    """Give what is known of a lab: computed figures, and papers."""
    _found, answer = _answer(site, Kind.LAB, slug, sort=sort, limit=limit, cursor=cursor)
    return LabAnswer(**answer)


def _answer(
    site: Site, kind: Kind, slug: str, *, sort: Order, limit: int, cursor: str
) -> tuple[Portfolio, dict[str, Any]]:
    last = position_of(cursor) if cursor else None
    with reading(site.services.engine) as session:
        found = portfolio(session, kind, slug) if len(slug) <= 200 and "\0" not in slug else None
        if found is None:
            raise NotFound(f"no {kind} is known here under this name")
        works = arranged(found.works, sort)
        if last is not None:
            # A page goes on after the paper that ended the one before, wherever that paper is by now.
            at = next((place for place, work in enumerate(works) if work.paper_id == last), None)
            if at is None:
                raise HTTPException(400, "this cursor's paper is no longer in the list; begin again without it")
            skip = at + 1
        else:
            skip = 0
        shown = listed(session, found, works[skip : skip + limit], first=skip + 1)
        shared = companions(session, found)
    return found, {
        "name": found.name,
        "slug": slug,
        "total": found.known,
        "computed": ComputedAnswer.of(found, tally(found.works, found.middle)),
        "authors": [CompanionAnswer.of(one) for one in shared[Kind.AUTHOR]],
        "labs": [CompanionAnswer.of(one) for one in shared[Kind.LAB]],
        "papers": [ListedAnswer.listed(one, site.services.settings.base_url) for one in shown],
        "next_cursor": cursor_of(works[skip + limit - 1].paper_id) if skip + limit < len(works) else None,
    }


def _stated(found: Portfolio) -> list[FigureAnswer]:
    by_source: dict[str, dict[str, str]] = {}
    for row in found.stated:
        by_source.setdefault(row.source, {})[row.figure] = row.value
    return [
        FigureAnswer(
            figure=row.figure,
            value=row.value,
            source=row.source,
            observed_at=row.observed_at,
            doubt=doubt(by_source[row.source]) if row.figure in doubtful(by_source[row.source]) else "",
        )
        for row in found.stated
    ]
