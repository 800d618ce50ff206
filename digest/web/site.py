"""What every page's handler is given: the services, the templates, the limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request

from digest.core.language import ENGLISH, Language
from digest.errors import TokenInvalid
from digest.web.guard import RateLimit, TimeTrap
from digest.web.pages import Pages
from digest.wiring import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One application's parts, in one language; the limits count in this process only."""

    services: Services
    pages: Pages
    trap: TimeTrap
    subscribe_limit: RateLimit
    sign_in_limit: RateLimit
    audit_limit: RateLimit
    api_limit: RateLimit
    preview_limit: RateLimit

    @classmethod
    def of(cls, services: Services) -> Site:
        """Make the parts from the services."""
        return cls(
            services=services,
            pages=Pages(services, services.languages.of("")),
            trap=TimeTrap(services.tokens),
            subscribe_limit=RateLimit(10, timedelta(hours=1)),
            sign_in_limit=RateLimit(10, timedelta(hours=1)),
            audit_limit=RateLimit(60, timedelta(hours=1)),
            api_limit=RateLimit(120, timedelta(minutes=1)),
            preview_limit=RateLimit(60, timedelta(hours=1)),
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


TheSite = Annotated[Site, Depends(_site_of)]
