"""The outside services by name: what reads each, in which scopes, and how politely it is asked."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from digest import __version__
from digest.config import Settings
from digest.core.arxiv_calendar import ArxivCalendar
from digest.errors import NotFound

if TYPE_CHECKING:
    import httpx

    from digest.flows.errands import DeepSource
    from digest.flows.ingest import Source
    from digest.flows.refresh import SignalService

SOURCES = ("arxiv-rss", "arxiv-api", "arxiv-oai", "hf", "pages")
LIVE_SOURCES = ("arxiv-rss", "hf", "arxiv-api", "arxiv-oai")
# Read by the scheduler. The feed holds one day only, so the API, asked once a day, catches up what was missed.
POLLED_SOURCES = ("arxiv-rss", "hf", "arxiv-api")
SIGNAL_SERVICES = ("github", "hacker-news", "semantic-scholar", "openalex")
_ARXIV_PACE = 3.0  # seconds between requests, as arXiv asks
_OTHER_PACE = 0.5
_SCHOLAR_PACE = 3.5  # without a key, everybody shares the same thousand requests


class Outside:
    """The part of the wiring that makes sources, services and the clients that ask them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def source(self, name: str) -> Source:
        """Make the source of that name; raises NotFound for an unknown one."""
        match name:
            case "pages":
                from digest.sources.pages import Pages

                return Pages()
            case _:
                return self.live_source(name)

    def live_source(self, name: str) -> DeepSource:
        """Make the live source of that name; raises NotFound for an unknown one."""
        match name:
            case "arxiv-rss":
                from digest.sources.arxiv_rss import ArxivRss

                return ArxivRss(self.calendar)
            case "arxiv-api":
                from digest.sources.arxiv_api import ArxivApi

                return ArxivApi()
            case "arxiv-oai":
                from digest.sources.arxiv_oai import ArxivOai

                return ArxivOai()
            case "hf":
                from digest.sources.hf import HuggingFace

                return HuggingFace()
        raise NotFound(f"there is no source {name!r}; the sources are: {', '.join(SOURCES)}")

    def signal_service(self, name: str) -> SignalService:
        """Make the service of that name; raises NotFound for an unknown one."""
        match name:
            case "github":
                from digest.sources.github import GitHub

                return GitHub()
            case "hacker-news":
                from digest.sources.hacker_news import HackerNews

                return HackerNews()
            case "semantic-scholar":
                from digest.sources.semantic_scholar import SemanticScholar

                return SemanticScholar()
            case "openalex":
                from digest.sources.openalex import OpenAlex

                return OpenAlex(self.settings.contact)
        raise NotFound(f"there is no service {name!r}; the services are: {', '.join(SIGNAL_SERVICES)}")

    def signal_limit(self, name: str) -> int:
        """Return for how many papers a service may be asked in one run, well within what it allows."""
        match name:
            case "github":  # two runs an hour; 5,000 requests an hour with a token, 60 without
                return 400 if self.settings.github_token else 25
            case "semantic-scholar":
                return 2_000 if self.settings.semantic_scholar_key else 500
            case "openalex":
                return 500
        return 250

    def scopes(self, name: str) -> list[str]:
        """Return the scopes in which a live source is read: categories, sets, or the one day's list."""
        match name:
            case "arxiv-rss" | "arxiv-api":
                return list(self.settings.categories)
            case "arxiv-oai":
                return list(self.settings.oai_sets)
            case "hf":
                return ["daily"]
        return []

    def polled_scopes(self) -> list[tuple[str, str]]:
        """Return each source and scope that the scheduler reads by itself."""
        return [(name, scope) for name in POLLED_SOURCES for scope in self.scopes(name)]

    def pace_of(self, name: str) -> float:
        """Return how many seconds lie between two requests to a source, at least."""
        return _ARXIV_PACE if name.startswith("arxiv") else _OTHER_PACE

    def http_client(self, name: str) -> httpx.Client:
        """Make the client for a source: paced, over one connection, with the operator's contact."""
        import httpx

        from digest.sources.http import PoliteTransport

        pace = self.pace_of(name)
        headers = {}
        if name == "github":
            headers["Accept"] = "application/vnd.github+json"
            if self.settings.github_token:
                headers["Authorization"] = f"Bearer {self.settings.github_token}"
        if name == "semantic-scholar":
            pace = _SCHOLAR_PACE
            if self.settings.semantic_scholar_key:
                pace, headers["x-api-key"] = 1.1, self.settings.semantic_scholar_key
        one_connection = httpx.HTTPTransport(limits=httpx.Limits(max_connections=1, max_keepalive_connections=1))
        contact = self.settings.contact or (self.settings.admins[0] if self.settings.admins else self.settings.base_url)
        return httpx.Client(
            transport=PoliteTransport(one_connection, pace=pace),
            timeout=httpx.Timeout(60, connect=15),
            headers={**headers, "User-Agent": f"Firstlight/{__version__} ({contact})"},
        )

    @cached_property
    def calendar(self) -> ArxivCalendar:
        """The days for which arXiv lists nothing."""
        return ArxivCalendar.of(self.settings.arxiv_holidays)
