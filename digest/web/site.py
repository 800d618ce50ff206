"""What every page's handler is given: the services, the templates, the limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool

from digest.core.language import ENGLISH, Language
from digest.errors import TokenInvalid
from digest.flows.progress import ProgressWatch
from digest.web.guard import RateLimit, TimeTrap
from digest.web.limits import Limits
from digest.web.pace import EvenPace
from digest.web.pages import Pages, client_ip
from digest.wiring import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One application's parts, in one language; what posts is limited for all processes, what reads in this one."""

    services: Services
    pages: Pages
    trap: TimeTrap
    limits: Limits
    pace: EvenPace
    audit_limit: RateLimit
    api_limit: RateLimit
    preview_limit: RateLimit
    progress: ProgressWatch

    @classmethod
    def of(cls, services: Services) -> Site:
        """Make the parts from the services."""
        return cls(
            services=services,
            pages=Pages(services, services.languages.of("")),
            trap=TimeTrap(services.tokens),
            limits=Limits(services.engine, services.tokens, services.sign_up),
            pace=EvenPace(),
            audit_limit=RateLimit(60, timedelta(hours=1)),
            api_limit=RateLimit(120, timedelta(minutes=1)),
            preview_limit=RateLimit(60, timedelta(hours=1)),
            progress=ProgressWatch(),
        )

    @property
    def language(self) -> Language:
        """The language that the pages are in."""
        return self.pages.language

    def speaking(self, language: Language) -> Site:
        """Return the site in another language."""
        return self if language == self.language else replace(self, pages=self.pages.speaking(language))

    def in_tongue_of(self, request: Request) -> Site:
        """Return the site in the language that a visitor's browser asks for; the desk is in English."""
        if request.url.path.startswith("/admin"):
            return self.speaking(ENGLISH)
        return self.speaking(self.services.languages.for_visitor(request.headers.get("accept-language", "")))

    def for_reader(self, tag: str) -> Site:
        """Return the site in a reader's own language; as it is where they have chosen none."""
        return self.speaking(self.services.languages.of(tag)) if tag else self

    @property
    def now(self) -> datetime:
        """The instant of this request."""
        return self.services.clock()

    def was_signed(self, purpose: str, token: str) -> bool:
        """Say whether a token is one of ours, however old: 410 fits it, where 404 fits a forgery."""
        try:
            self.services.tokens.verify(purpose, token, now=self.now)
        except TokenInvalid:
            return False
        return True


def _site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site.in_tongue_of(request)


async def count_posts(request: Request) -> None:
    """Refuse a POST where too many came from its network; for every page of the site."""
    if request.method != "POST":
        return
    site = _site_of(request)
    if wait := await run_in_threadpool(site.limits.wait_to_post, request.url.path, client_ip(request), site.now):
        raise HTTPException(429, headers={"Retry-After": str(wait)})


TheSite = Annotated[Site, Depends(_site_of)]
