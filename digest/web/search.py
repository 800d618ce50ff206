"""The search page: one form, its results, and what to do when there are none."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from digest.core.issue import Card
from digest.core.language import Language
from digest.store.bylines import cards_of
from digest.store.engine import reading
from digest.store.search import MOST_FOUND, Results, parse
from digest.store.search import search as find
from digest.store.site import issue_front, score_front
from digest.web.pages import query_with
from digest.web.site import TheSite

router = APIRouter()

PAGE_SIZE = 20
_SUGGESTED = 5
_MOST_CHIPS = 12


@router.get("/search")
def search(
    request: Request,
    site: TheSite,
    q: str = "",
    category: str = "",
    page: Annotated[int, Query(ge=1, le=MOST_FOUND // PAGE_SIZE)] = 1,
) -> Response:
    """Show the papers that have the words of `q`; whatever is typed, the answer is a page."""
    asked = parse(q, category)
    typed = " ".join(q[:400].replace("\0", " ").split())
    suggestions: list[Card] = []
    counted: list[tuple[str, int]] = []
    with reading(site.services.engine) as session:
        results = find(session, asked, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE)
        if page > 1 and not results.ids:
            raise HTTPException(404)
        cards = cards_of(session, results.ids, first=(page - 1) * PAGE_SIZE + 1)
        if not results.total:
            front = issue_front(session) or score_front(session)
            ranked = front.cards if front else ()
            suggestions = list(ranked[:_SUGGESTED])
            counted = Counter(card.primary_category for card in ranked if card.primary_category).most_common(
                _MOST_CHIPS
            )
    return site.pages.show(
        "search.html",
        typed=typed,
        asked=bool(q or category),
        category=asked.category if category else "",
        results=results,
        found=_found(results, site.language),
        cards=cards,
        suggestions=suggestions,
        categories=counted,
        page=page,
        pages=max(1, -(-results.total // PAGE_SIZE)),
        earlier=query_with(request, {"page": page - 1 if page > 2 else None}),
        later=query_with(request, {"page": page + 1}),
        corrected=query_with(request, {"q": results.corrected, "page": None}),
        meant=query_with(request, {"q": results.meant, "page": None}),
        feed=query_with(request, {"page": None}) if asked and not (results.loose or results.corrected) else "",
        everywhere=query_with(request, {"category": None, "page": None}),
    )


def _found(results: Results, say: Language) -> str:
    if results.more:
        return say("More than %(papers)s papers", papers=results.total)
    return say.count("%(num)s paper", "%(num)s papers", results.total)
