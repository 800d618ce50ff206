"""What a digest says around its papers, and the strings of it that are one reader's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from digest.core.language import ENGLISH, Language
from digest.core.links import web_url
from digest.core.retelling import retold
from digest.core.tailor import Edition
from digest.mail.entries import BAR_WIDTH, Entry
from digest.mail.wording import clip, nothing_new, one_line, preheader_of, subject_of

NAMES = frozenset(
    "subject preheader brand day topics links welcome note papers more nothing bar_width identity cut".split()  # noqa: SIM905
)

_OWN_PATH = re.compile(r"[A-Za-z0-9_./~-]{1,900}")
_OWN_LINKS = ("preferences", "unsubscribe", "web", "react")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: a name, the From address, a postal address, and a contact address (may be empty)."""

    name: str
    address: str
    postal_address: str
    contact: str


@dataclass(frozen=True, slots=True)
class ReaderLinks:
    """One reader's own links; `web` is their edition on the site, `react` what the links under a paper begin with.

    Both may be empty.
    """

    unsubscribe: str
    preferences: str
    web: str = ""
    react: str = ""


class Frame:
    """The mails of one sender from one site, in one language."""

    def __init__(self, base_url: str, sender: Sender, language: Language = ENGLISH) -> None:
        self._language = language
        self._base_url = base_url.rstrip("/")
        self._sender = sender
        self._fit = bool(web_url(self._base_url))

    @property
    def brand(self) -> str:
        """The sender's name."""
        return clip(one_line(self._sender.name), 80)

    @property
    def identity(self) -> str:
        """Who sends, from where, and how to reach them: one line."""
        sender = self._sender
        return clip(" · ".join(filter(None, map(one_line, (sender.name, sender.postal_address, sender.contact)))), 600)

    def context(
        self,
        edition: Edition,
        links: ReaderLinks,
        welcome: bool,
        entries: Sequence[Entry],
        upcoming: date | None = None,
    ) -> dict[str, Any]:
        """What the templates of a digest are given."""
        own = self.own(edition, links)
        return {
            "subject": own["subject"],
            "preheader": own["preheader"],
            "brand": self.brand,
            "day": self._language.date(edition.issued_on, weekday=True),
            "topics": own["topics"],
            "links": {
                "preferences": own["preferences"],
                "unsubscribe": own["unsubscribe"],
                "web": own["web"],
                "issue": f"{self._base_url}/issues/{edition.issued_on.isoformat()}",
                "issues": f"{self._base_url}/issues",
                "ranking": f"{self._base_url}/about/ranking",
            },
            "welcome": welcome,
            "note": clip(one_line(edition.note), 1000),
            "papers": entries,
            "more": "",
            "nothing": nothing_new(upcoming, self._language),
            "bar_width": BAR_WIDTH,
            "identity": self.identity,
            "cut": "",
        }

    def own(self, edition: Edition, links: ReaderLinks) -> dict[str, str]:
        """The strings of a digest that are one reader's own, by the names of their slots."""
        titles = [pick.card.title for pick in edition.picks[:3]]
        only = edition.picks[0].card if edition.picks else None
        subject, preheader = one_line(edition.subject), one_line(edition.preheader)
        if not (subject and titles):  # an editor's words are about papers
            subject = subject_of(titles, len(edition.picks), self._language)
        if not (preheader and titles):
            preheader = preheader_of(titles, (only.summary or retold(only.evidence, self._language)) if only else "")
        return {
            "subject": subject,
            "preheader": preheader,
            "topics": clip(", ".join(map(one_line, edition.topics)), 240),
            **{name: self.link(getattr(links, name)) for name in _OWN_LINKS},
        }

    def link(self, url: str) -> str:
        """Let a link of ours through, and any other as `web_url` does, which takes ten times as long."""
        if url.startswith(f"{self._base_url}/") and _OWN_PATH.fullmatch(url, len(self._base_url)):
            return url if self._fit else ""
        return web_url(url, limit=1_000)
