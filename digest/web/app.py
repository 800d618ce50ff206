"""The web application: its routers, what wraps them, and the page for every error."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from digest import __version__
from digest.core.language import mark
from digest.errors import DigestError, NotFound
from digest.files import templates_folder
from digest.web import (
    admin,
    api,
    bylines,
    desk,
    desk_edits,
    desk_errands,
    desk_growth,
    desk_reader_deeds,
    desk_readers,
    desk_sending,
    desk_sources,
    desk_tables,
    desk_tasks,
    desk_today,
    editions,
    feedback,
    feeds,
    hooks,
    inbox,
    invitations,
    moving,
    papers,
    preferences,
    probes,
    public,
    readers,
    rights,
    search,
)
from digest.web.conditional import Conditional
from digest.web.headers import Hardening
from digest.web.metrics import metrics_router
from digest.web.pages import STATIC, to
from digest.web.site import Site, count_posts
from digest.wiring import Services

_WORDS = {
    400: (
        mark("This request cannot be read"),
        mark("Something in it is damaged. Go back, reload the page and try once more."),
    ),
    401: (mark("Please sign in"), mark("This page is the admin's. Sign in by a link that is mailed to you.")),
    403: (
        mark("Not allowed"),
        mark("The request did not come from a page of this site, or the page was too old. Reload it."),
    ),
    404: (mark("There is no such page"), mark("The address may be mistyped, or the page may have moved.")),
    405: (mark("That is not how this page works"), mark("Open it in a browser and use what is on it.")),
    413: (
        mark("That is too much at once"),
        mark("Nothing here needs more than a few lines. Shorten it and send it again."),
    ),
    422: (
        mark("Something is missing"),
        mark("The form did not hold what it needs. Go back and fill in what is marked."),
    ),
    429: (
        mark("Too many attempts"),
        mark("There were many from your network within the hour. Nothing is lost: try again later."),
    ),
    500: (
        mark("That went wrong on our side"),
        mark("It is recorded and will be looked at. Nothing you did caused it."),
    ),
    503: (mark("Out for a moment"), mark("The database does not answer as it should. Try again in a minute.")),
}


_READERS_OWN = (readers, preferences, feedback, rights, moving, invitations)
_DESK = (
    *(admin, desk, desk_edits, desk_sending, desk_today, desk_sources, desk_tasks, desk_errands),
    *(desk_growth, desk_readers, desk_reader_deeds, desk_tables),
)


def create_app(services: Services) -> FastAPI:
    """Make the application; raises ConfigError where the secret is missing or weak."""
    app = FastAPI(
        title=services.settings.site_name,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(count_posts)],
    )
    # Its own redirect names scheme and host as the request claims them, and takes a token in the path there.
    app.router.redirect_slashes = False
    site = Site.of(services)
    app.state.site = site
    app.mount(STATIC, StaticFiles(directory=templates_folder() / "web" / "static"), name="static")
    app.include_router(probes.router)
    if services.settings.metrics_token or services.settings.metrics_from:
        app.include_router(metrics_router())
    for part in (*_READERS_OWN, *_DESK):
        app.include_router(part.router)
    if services.settings.hook_secret or services.settings.sns_topics:
        app.include_router(hooks.router)
    if services.settings.outbox_dir is not None:
        app.include_router(inbox.router)
    for router in (search.router, editions.router, bylines.router, feeds.router, papers.router, public.router):
        app.include_router(router)
    app.mount(api.ROOT, api.create_api(site))

    def refusal(request: Request, status: int) -> Response:
        title, words = _WORDS.get(status, _WORDS[400] if status < 500 else _WORDS[500])
        heard = site.in_tongue_of(request)
        return heard.pages.notice(heard.language(title), heard.language(words), status=status, personal=False)

    def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # the handler is registered for nothing else
        if request.url.path.startswith(
            f"{api.ROOT}/"
        ):  # with a line break in it, which a mount's pattern does not take
            return api.http_problem(request, error)
        plain = f"/{request.url.path.strip('/')}"
        if error.status_code == 404 and "endpoint" not in request.scope and request.url.path == f"{plain}/":
            return to(quote(plain))  # no page has this address, typed with a slash at its end
        answer = refusal(request, error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    def expected_error(request: Request, error: Exception) -> Response:
        if isinstance(error, NotFound):
            heard = site.in_tongue_of(request)
            title = heard.language(_WORDS[404][0])
            return heard.pages.notice(title, heard.language.told(error), status=404, personal=False)
        return refusal(request, 500 if getattr(error, "permanent", True) else 503)

    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, lambda request, _error: refusal(request, 422))
    app.add_exception_handler(admin.SignInNeeded, lambda _request, _error: to("/admin/sign-in"))
    app.add_exception_handler(DigestError, expected_error)
    app.add_middleware(Conditional)
    app.add_middleware(Hardening, refusal=refusal)
    return app
