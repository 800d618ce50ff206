"""Editions and letters rendered to subject, HTML and text, from templates compiled once and proved at start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta

from digest.core.issue import Card
from digest.core.links import web_url
from digest.core.tailor import Edition, Pick
from digest.errors import TemplateFault
from digest.mail.entries import BAR_WIDTH, ROOMY, TIGHT, Room, entry_of
from digest.mail.mjml import compile_mjml
from digest.mail.wording import clip, long_date, one_line, preheader_of, subject_of, wrap

HTML_LIMIT = 80 * 1024  # bytes; Gmail hides what comes after about 102 KB, counted after its own rewriting
WELCOME = "Welcome. This is your first digest; the next ones come at the hour you chose."

_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: a name, the From address, a postal address, and a contact address (may be empty)."""

    name: str
    address: str
    postal_address: str
    contact: str


@dataclass(frozen=True, slots=True)
class ReaderLinks:
    """One reader's own links; `web` is the edition on the site, or an empty string."""

    unsubscribe: str
    preferences: str
    web: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail before it has addresses: its subject and its two parts, with `\\n` line ends."""

    subject: str
    html: str
    text: str


class Renderer:
    """Render mails from the templates in `templates / "mail"`.

    The templates are compiled and rendered with probe editions on construction, so that an unknown variable or a
    Jinja token lost by the MJML compiler raises TemplateFault before anybody is mailed.
    """

    def __init__(self, templates: Path, base_url: str, sender: Sender) -> None:
        self._folder = templates / "mail"
        self._base_url = base_url.rstrip("/")
        self._sender = sender
        self._html = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        self._text = jinja2.Environment(
            autoescape=False,  # noqa: S701  # plain text has no markup; every outside string went through `one_line`
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._text.filters["wrap"] = wrap
        self._digest = self._load("digest")
        self._letter = self._load("letter")
        self._prove()

    def digest(self, edition: Edition, links: ReaderLinks, *, welcome: bool = False) -> Rendered:
        """Render one reader's edition; the HTML has at most HTML_LIMIT bytes for up to thirty papers.

        An edition without papers says so: whether it is sent is the caller's decision.
        """
        rendered = self._edition(edition, links, welcome, ROOMY)
        if len(rendered.html.encode()) > HTML_LIMIT:
            rendered = self._edition(edition, links, welcome, TIGHT)
        return rendered

    def confirmation(self, confirm_url: str) -> Rendered:
        """Render the mail that asks for a confirmation; nothing a visitor typed is in it."""
        name = one_line(self._sender.name)
        return self._render(
            self._letter,
            {
                "subject": f"Confirm your subscription to {name}",
                "preheader": "One step is left: confirm on the page behind the link.",
                "heading": "Confirm your subscription",
                "opening": f"This address was entered to receive {name}, a daily mail of research papers that are "
                "gaining attention. To receive it, open this page and press the button there.",
                "button": "Confirm the subscription",
                "url": web_url(confirm_url),
                "closing": "The link works once and for a limited time. If it was not you, do nothing: without a "
                "confirmation there will be no digest.",
                "identity": self._identity,
            },
        )

    def sign_in(self, sign_in_url: str) -> Rendered:
        """Render the mail that carries a sign-in link."""
        name = one_line(self._sender.name)
        return self._render(
            self._letter,
            {
                "subject": f"Sign in to {name}",
                "preheader": "Your sign-in link; it works once.",
                "heading": f"Sign in to {name}",
                "opening": "A sign-in with this address was asked for. Open this page to go on.",
                "button": "Sign in",
                "url": web_url(sign_in_url),
                "closing": "The link works once and for a limited time; do not pass it on. If it was not you, do "
                "nothing: nobody can sign in without this link.",
                "identity": self._identity,
            },
        )

    @property
    def _identity(self) -> str:
        sender = self._sender
        return " · ".join(filter(None, map(one_line, (sender.name, sender.postal_address, sender.contact))))

    def _edition(self, edition: Edition, links: ReaderLinks, welcome: bool, room: Room) -> Rendered:
        titles = [pick.card.title for pick in edition.picks]
        only = edition.picks[0].card if edition.picks else None
        return self._render(
            self._digest,
            {
                "subject": subject_of(titles),
                "preheader": preheader_of(titles, (only.summary or only.evidence) if only else ""),
                "brand": one_line(self._sender.name),
                "day": long_date(edition.issued_on),
                "topics": clip(", ".join(map(one_line, edition.topics)), 240),
                "links": {
                    "preferences": web_url(links.preferences),
                    "unsubscribe": web_url(links.unsubscribe),
                    "web": web_url(links.web),
                    "ranking": f"{self._base_url}/about/ranking",
                },
                "welcome": WELCOME if welcome else "",
                "note": clip(one_line(edition.note), 1000),
                "papers": [entry_of(pick, self._base_url, room) for pick in edition.picks],
                "bar_width": BAR_WIDTH,
                "identity": self._identity,
            },
        )

    def _load(self, name: str) -> tuple[jinja2.Template, jinja2.Template]:
        """Compile the MJML and the text template of a mail."""
        html_file, text_file = self._folder / f"{name}.mjml.j2", self._folder / f"{name}.txt.j2"
        try:
            html_source = compile_mjml(html_file.read_text("utf-8"), html_file.name)
            text_source = text_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise TemplateFault(f"{self._folder}: the templates of {name} cannot be read: {fault}") from fault
        return (
            self._compile(self._html, html_source, html_file.name),
            self._compile(self._text, text_source, text_file.name),
        )

    def _compile(self, environment: jinja2.Environment, source: str, name: str) -> jinja2.Template:
        known = _DIGEST_NAMES if name.startswith("digest") else _LETTER_NAMES
        try:
            unknown = meta.find_undeclared_variables(environment.parse(source, name)) - known
            if unknown:
                raise TemplateFault(f"{name}: unknown variable {', '.join(sorted(unknown))}")
            return environment.from_string(source)
        except jinja2.TemplateError as fault:
            raise TemplateFault(f"{name}: {fault}") from fault

    def _render(self, templates: tuple[jinja2.Template, jinja2.Template], given: Mapping[str, Any]) -> Rendered:
        try:
            html, text = (template.render(given) for template in templates)
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as fault:
            raise TemplateFault(f"{self._folder}: a mail cannot be rendered: {fault}") from fault
        return Rendered(
            subject=str(given["subject"]),
            html=html + "\n",
            text=_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        )

    def _prove(self) -> None:
        """Render a full and a bare edition, and both letters, so that every branch has been taken."""
        url = "https://digest.invalid/x"
        full = Card(
            paper_id=0,
            rank=1,
            title="Probe",
            path="/papers/probe",
            arxiv_id="2605.00001",
            primary_category="cs.LG",
            authors=("A. Author", "B. Author", "C. Author", "D. Author"),
            labs=("Laboratory",),
            listed_on=date(2026, 1, 1),
            code_url=url,
            discussion_url=url,
            percentile=50.0,
            evidence="+1 upvote in 6 h",
            summary="A summary.",
            simulated=True,
            novelty=99.0,
        )
        bare = Card(paper_id=1, rank=2, title="", path="/")
        picks = (Pick(1, full, "You follow cs.LG"), Pick(2, bare))
        day = date(2026, 1, 1)
        links = ReaderLinks(unsubscribe=url, preferences=url)
        self.digest(
            Edition(issued_on=day, picks=picks, topics=("cs.LG",), note="A note."),
            ReaderLinks(unsubscribe=url, preferences=url, web=url),
            welcome=True,
        )
        self.digest(Edition(issued_on=day, picks=()), links)
        self.confirmation(url)
        self.sign_in(url)


_LETTER_NAMES = frozenset(
    {"subject", "preheader", "heading", "opening", "button", "url", "closing", "identity"},
)
_DIGEST_NAMES = frozenset(
    {"subject", "preheader", "brand", "day", "topics", "links", "welcome", "note", "papers", "bar_width", "identity"},
)
