"""The pages of authors and of labs: their figures, their papers, and whom they share these with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from digest.core.language import Language
from digest.core.portfolio import Order, arranged, tally
from digest.errors import NotFound
from digest.store.companions import companions
from digest.store.engine import reading
from digest.store.portfolios import Kind, listed, portfolio
from digest.web.figures import doubts, figures, read_when, source_name
from digest.web.histogram import histogram
from digest.web.pages import query_with
from digest.web.site import Site, TheSite

router = APIRouter()

PAGE_SIZE = 20
Sort = Annotated[Order, Query()]
Page = Annotated[int, Query(ge=1, le=1000)]


@router.get("/authors/{slug}")
def author(request: Request, site: TheSite, slug: str, sort: Sort = Order.NEWEST, page: Page = 1) -> Response:
    """Show an author's figures, each with what it rests on, and the papers known here under that name."""
    return _page(request, site, Kind.AUTHOR, slug, sort=sort, page=page)


@router.get("/labs/{slug}")
def lab(request: Request, site: TheSite, slug: str, sort: Sort = Order.NEWEST, page: Page = 1) -> Response:
    """Show a lab's figures, its papers and who wrote them."""
    return _page(request, site, Kind.LAB, slug, sort=sort, page=page)


def _page(request: Request, site: Site, kind: Kind, slug: str, *, sort: Order, page: int) -> Response:
    with reading(site.services.engine) as session:
        found = portfolio(session, kind, slug) if len(slug) <= 200 and "\0" not in slug else None
        if found is None:
            raise NotFound(_unknown(kind, site.language))
        pages = max(1, -(-len(found.works) // PAGE_SIZE))
        if page > pages:
            raise HTTPException(404)
        skip = (page - 1) * PAGE_SIZE
        shown = listed(session, found, arranged(found.works, sort)[skip : skip + PAGE_SIZE], first=skip + 1)
        shared = companions(session, found)
    say = site.language
    own = tally(found.works, found.middle)
    return site.pages.show(
        "byline.html",
        kind=kind.value,
        found=found,
        figures=figures(found, own, site.now, say),
        doubts=doubts(found, site.now, say),
        chart=histogram((work.listed_on for work in found.works), say),
        papers=shown,
        elsewhere={
            one.card.paper_id: f"{source_name(one.elsewhere.source, say)}, {read_when(one.elsewhere.at, site.now, say)}"
            for one in shown
            if one.elsewhere
        },
        orders=[(order.value, query_with(request, {"sort": _unless_first(order), "page": None})) for order in Order],
        sort=sort.value,
        authors=shared[Kind.AUTHOR],
        labs=shared[Kind.LAB],
        page=page,
        pages=pages,
        earlier=query_with(request, {"page": page - 1 if page > 2 else None}),
        later=query_with(request, {"page": page + 1}),
    )


def _unknown(kind: Kind, say: Language) -> str:
    if kind is Kind.AUTHOR:
        return say("no author is known here under this name")
    return say("no lab is known here under this name")


def _unless_first(order: Order) -> str | None:
    return None if order is Order.NEWEST else order.value
