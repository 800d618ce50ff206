"""The JSON API under /api/v1: read-only, open to all, described by its own OpenAPI document; see docs/api.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.responses import JSONResponse

from digest import __version__
from digest.core.paper import parse_arxiv_id
from digest.errors import DigestError, NotFound
from digest.store import site as store
from digest.store.bylines import cards_of, latest_cards
from digest.store.engine import reading
from digest.store.search import parse
from digest.store.search import search as find
from digest.web.api_bylines import author, lab
from digest.web.api_cursors import cursor_of, position_of
from digest.web.api_models import (
    IssueAnswer,
    IssueLineAnswer,
    IssuesAnswer,
    PaperAnswer,
    PapersAnswer,
    PartAnswer,
    Problem,
    SearchAnswer,
    SheetAnswer,
    SignalAnswer,
)
from digest.web.pages import client_ip
from digest.web.site import Site, TheSite

ROOT = "/api/v1"
_SHARED = {"Access-Control-Allow-Origin": "*"}
_TITLES = {400: "Bad request", 404: "Not found", 405: "Method not allowed", 422: "Invalid parameter"}
_TITLES |= {429: "Too many requests", 500: "Internal error", 503: "Unavailable"}
_PER_MINUTE = 120

IssueDay = Annotated[str, Path(description="A day, or `latest`.", examples=["latest", "2026-05-20"])]
Words = Annotated[str, Query(description="Words; `category:cs.LG` narrows them.", examples=["lamps category:cs.LG"])]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=40, description="`next_cursor` of the page before.")]
Category = Annotated[
    str, Query(max_length=32, description="An arXiv category, such as `cs.LG`.", examples=["cs.LG", "math.OC"])
]


def create_api(site: Site) -> FastAPI:
    """Make the API as an application of its own, to be mounted at `ROOT`; its errors are RFC 9457 problems."""
    api = FastAPI(
        title=f"{site.services.settings.site_name} API",
        version=__version__,
        description="Papers gaining attention, their evidence, issues, authors. Read-only; no key needed.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        servers=[{"url": ROOT}],
        root_path_in_servers=False,
        dependencies=[Depends(_within_limit)],
        responses={
            status: {"description": title, "content": {"application/problem+json": {}}, "model": Problem}
            for status, title in _TITLES.items()
            if status in (400, 404, 422, 429, 500, 503)
        },
    )
    api.state.site = site
    api.router.redirect_slashes = False
    api.get("/papers", summary="The papers that were read last")(papers)
    api.get("/papers/{slug:path}", summary="One paper, by arXiv id or slug")(paper)
    api.get("/issues", summary="The issues, newest first")(issues)
    api.get("/issues/{issued_on}", summary="The issue of a day")(issue)
    api.get("/search", summary="Papers by words")(search)
    api.get("/authors/{slug}", summary="An author: figures, who states them, and papers")(author)
    api.get("/labs/{slug}", summary="A lab: figures, and papers")(lab)
    api.add_exception_handler(AnyHTTPException, http_problem)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(DigestError, _expected)
    api.add_exception_handler(Exception, lambda request, _error: _problem(request, 500))
    return api


def papers(site: TheSite, category: Category = "", limit: Limit = 50, cursor: Cursor = "") -> PapersAnswer:
    """List papers by when they were first read here, the latest first."""
    below = position_of(cursor) if cursor else None
    with reading(site.services.engine) as session:
        cards = latest_cards(session, category=_plain(category), below=below, limit=limit + 1)
    more = len(cards) > limit
    shown = [PaperAnswer.of(card, site.services.settings.base_url) for card in cards[:limit]]
    return PapersAnswer(papers=shown, next_cursor=cursor_of(cards[limit - 1].paper_id) if more else None)


def paper(site: TheSite, slug: Annotated[str, Path(examples=["2605.00001"])]) -> SheetAnswer:
    """Give a paper with its abstract, the parts of its score and the newest value of each signal."""
    try:
        wanted, _version = parse_arxiv_id(slug)
    except ValueError:
        wanted = _plain(slug)
    with reading(site.services.engine) as session:
        found = store.find_paper(session, wanted)
        if found is None or found.id is None:
            raise NotFound("no paper is known here under this name")
        (card,) = cards_of(session, [found.id])
        seen = store.observations_of(session, [found.id]).get(found.id, [])
    newest = {(row.signal, row.source): row for row in reversed(seen)}
    return SheetAnswer(
        **PaperAnswer.of(card, site.services.settings.base_url).model_dump(),
        abstract=found.abstract,
        parts=[PartAnswer(name=part.name, share=part.share, words=part.words) for part in card.parts],
        signals=[
            SignalAnswer(signal=row.signal, source=row.source, at=row.at, value=row.value)
            for _key, row in sorted(newest.items())
        ],
    )


def issues(site: TheSite, limit: Limit = 50, cursor: Cursor = "") -> IssuesAnswer:
    """List the issues."""
    before = _day(cursor, status=400) if cursor else None
    with reading(site.services.engine) as session:
        lines = store.issue_lines(session, limit=limit + 1, before=before)
    more = len(lines) > limit
    shown = [
        IssueLineAnswer(issued_on=line.issued_on, papers=line.papers, first_title=line.first_title)
        for line in lines[:limit]
    ]
    return IssuesAnswer(issues=shown, next_cursor=shown[-1].issued_on.isoformat() if more else None)


def issue(site: TheSite, issued_on: IssueDay, limit: Limit = 50, cursor: Cursor = "") -> IssueAnswer:
    """Give the ranking of a day; `latest` is the newest."""
    wanted = None if issued_on == "latest" else _day(issued_on, status=404)
    skip = position_of(cursor) if cursor else 0
    with reading(site.services.engine) as session:
        front = store.issue_front(session, wanted)
    if front is None or front.issued_on is None:
        raise NotFound("there is no issue of this day")
    shown = front.cards[skip : skip + limit]
    more = len(front.cards) > skip + limit
    return IssueAnswer(
        issued_on=front.issued_on,
        cut_off=front.as_of,
        note=front.note,
        total=len(front.cards),
        papers=[PaperAnswer.of(card, site.services.settings.base_url) for card in shown],
        next_cursor=cursor_of(skip + limit) if more else None,
    )


def search(
    site: TheSite,
    q: Annotated[
        str, Query(description="Words; `category:cs.LG` narrows them.", examples=["probe category:cs.LG"])
    ] = "",
    category: Category = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> SearchAnswer:
    """Find papers; see `corrected` and `loose` for what was searched instead where the words found nothing."""
    offset = position_of(cursor) if cursor else 0
    with reading(site.services.engine) as session:
        results = find(session, parse(q, category), offset=offset, limit=limit)
        cards = cards_of(session, results.ids, first=offset + 1)
    more = results.total > offset + limit
    return SearchAnswer(
        total=results.total,
        total_is_exact=not results.more,
        corrected=results.corrected or None,
        loose=results.loose,
        papers=[PaperAnswer.of(card, site.services.settings.base_url) for card in cards],
        next_cursor=cursor_of(offset + limit) if more else None,
    )


def _within_limit(request: Request, response: Response, site: TheSite) -> None:
    """Count the request, and say how many are left (draft-ietf-httpapi-ratelimit-headers, version 10)."""
    allowed = site.api_limit.allows(client_ip(request), site.now)
    left, seconds = site.api_limit.left(client_ip(request), site.now)
    limits = {"RateLimit-Policy": f'"minute";q={_PER_MINUTE};w=60', "RateLimit": f'"minute";r={left};t={seconds}'}
    request.state.limits = limits
    response.headers.update({**_SHARED, **limits})
    if not allowed:
        raise HTTPException(429, f"at most {_PER_MINUTE} requests a minute", headers={"Retry-After": str(seconds)})


def _plain(text: str) -> str:
    if "\0" in text or len(text) > 200:
        raise NotFound("nothing is known here under this name")
    return text


def _day(text: str, *, status: int) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise HTTPException(status, "a day is written as 2026-05-20")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise HTTPException(status, "there is no such day") from error


def _problem(request: Request, status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail}
    sent = {**_SHARED, **getattr(request.state, "limits", {}), **(headers or {})}
    return JSONResponse(body, status_code=status, headers=sent, media_type="application/problem+json")


def http_problem(request: Request, error: Exception) -> Response:
    """Answer an HTTP error as a problem (RFC 9457)."""
    assert isinstance(error, AnyHTTPException)  # noqa: S101  # the handler is registered for nothing else
    return _problem(request, error.status_code, error.detail, error.headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    told = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
    return _problem(request, 422, "; ".join(told))


def _expected(request: Request, error: Exception) -> Response:
    if isinstance(error, NotFound):
        return _problem(request, 404, str(error))
    return _problem(request, 500 if getattr(error, "permanent", True) else 503)
