"""Editions and letters rendered to subject, HTML and text, from templates compiled once and proved at start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta
from markupsafe import escape

from digest.core.language import ENGLISH, Language
from digest.core.links import web_url
from digest.core.tailor import Edition, Pick
from digest.errors import TemplateFault
from digest.languages import language as language_of
from digest.languages import offered
from digest.mail import fragments
from digest.mail.entries import BAR_WIDTH, ROOMY, TIGHT, Entry, Room, entry_of
from digest.mail.fragments import Pressed, Rendered, Row, Rows, Shell, html_size, joined, piece, row_of, shell_of, slot
from digest.mail.mjml import compile_mjml
from digest.mail.moving_letters import LetterWords
from digest.mail.probes import EVERYTHING, FULL, LITTLE, NOTHING, URL
from digest.mail.wording import clip, long_date, one_line, preheader_of, subject_of, wrap
from digest.templating import PHRASES, speak

HTML_LIMIT = 80 * 1024  # bytes; Gmail hides what comes after about 102 KB, counted after its own rewriting
WELCOME = "Welcome. This is your first digest; the next ones come at the hour you chose."

_OWN_PATH = re.compile(r"[A-Za-z0-9_./~-]{1,900}")
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


class Renderer:
    """Render mails from the templates in `templates / "mail"`.

    The templates are compiled and rendered with probe editions on construction, so that an unknown variable or a
    Jinja token lost by the MJML compiler raises TemplateFault before anybody is mailed.
    """

    def __init__(self, templates: Path, base_url: str, sender: Sender, language: Language = ENGLISH) -> None:
        self.language = language
        self._speaking = {language.tag: self}
        self._templates = templates
        self._folder = templates / "mail"
        self._base_url = base_url.rstrip("/")
        self._sender = sender
        self._probe = entry_of(Pick(10, FULL), self._base_url)
        self._fit = bool(web_url(self._base_url))
        self._html = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        self._text = jinja2.Environment(
            autoescape=False,  # noqa: S701  # plain text has no markup; every outside string went through `one_line`
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._text.filters["wrap"] = wrap
        speak(self._html, language)
        speak(self._text, language)
        self._digest = self._load("digest")
        self._letter = self._load("letter")
        self._shells: dict[tuple[date, str, str, bool, bool], Shell] = {}
        self._rows = Rows(partial(self._row, ROOMY))
        self._tight_rows = Rows(partial(self._row, TIGHT))
        self._prove()

    def speaking(self, tag: str) -> Renderer:
        """Return the renderer of another language, made and proved on first use, with its own shells and rows.

        For a tag that is empty, or no longer offered, it is this one.
        """
        if tag not in offered():
            return self
        other = self._speaking.get(tag)
        if other is None:
            other = Renderer(self._templates, self._base_url, self._sender, language_of(tag))
            other._speaking = self._speaking
            self._speaking[tag] = other
        return other

    def digest(self, edition: Edition, links: ReaderLinks, *, welcome: bool = False) -> Rendered | Pressed:
        """Render one reader's edition; the HTML has at most HTML_LIMIT bytes for up to thirty papers.

        It is joined from pieces that are rendered once. An edition without papers says so: whether it is sent is
        the caller's decision.
        """
        if not edition.picks:
            return self.whole(edition, links, welcome=welcome)
        own = self._own(edition, links)
        shell = self._shell(edition, links, welcome, bool(own["topics"]))
        escaped = {name: str(escape(text)) for name, text in own.items()}
        rows = self._rows.of(edition.picks)
        if html_size(shell, rows, escaped) > HTML_LIMIT:
            rows = self._tight_rows.of(edition.picks)
        subject = own["subject"]
        own["topics"] = wrap(own["topics"])
        # What is neither escaped nor wrapped is encoded once for both.
        text = {name: piece(said) for name, said in own.items()}
        html = {name: text[name] if said == own[name] else piece(said) for name, said in escaped.items()}
        return Pressed(
            subject=subject,
            encoded_html=joined(shell.html, [row.html for row in rows], html, fragments.PLACES),
            encoded_text=joined(shell.text, [row.text for row in rows], text, fragments.WIDE_PLACES),
        )

    def whole(self, edition: Edition, links: ReaderLinks, *, welcome: bool = False) -> Rendered:
        """Render an edition by its whole template: what `digest` joins from pieces is held against this."""
        for room in (ROOMY, TIGHT):
            entries = [entry_of(pick, self._base_url, room) for pick in edition.picks]
            context = self._context(edition, links, welcome, entries)
            rendered = self._render(self._digest, context)
            if len(rendered.html.encode()) <= HTML_LIMIT:
                break
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

    def letter(self, words: LetterWords, url: str) -> Rendered:
        """Render a letter with one thing to do; nothing a visitor typed is in its words."""
        return self._render(self._letter, {**asdict(words), "url": web_url(url), "identity": self._identity})

    @property
    def _identity(self) -> str:
        sender = self._sender
        return " · ".join(filter(None, map(one_line, (sender.name, sender.postal_address, sender.contact))))

    def _context(self, edition: Edition, links: ReaderLinks, welcome: bool, entries: Sequence[Entry]) -> dict[str, Any]:
        own = self._own(edition, links)
        return {
            "subject": own["subject"],
            "preheader": own["preheader"],
            "brand": one_line(self._sender.name),
            "day": long_date(edition.issued_on),
            "topics": own["topics"],
            "links": {
                "preferences": own["preferences"],
                "unsubscribe": own["unsubscribe"],
                "web": web_url(links.web),
                "ranking": f"{self._base_url}/about/ranking",
            },
            "welcome": WELCOME if welcome else "",
            "note": clip(one_line(edition.note), 1000),
            "papers": entries,
            "bar_width": BAR_WIDTH,
            "identity": self._identity,
            "cut": "",
        }

    def _own(self, edition: Edition, links: ReaderLinks) -> dict[str, str]:
        """The strings of a digest that are one reader's own, by the names of their slots."""
        titles = [pick.card.title for pick in edition.picks[:3]]
        only = edition.picks[0].card if edition.picks else None
        return {
            "subject": subject_of(titles, len(edition.picks)),
            "preheader": preheader_of(titles, (only.summary or only.evidence) if only else ""),
            "topics": clip(", ".join(map(one_line, edition.topics)), 240),
            "preferences": self._link(links.preferences),
            "unsubscribe": self._link(links.unsubscribe),
        }

    def _link(self, url: str) -> str:
        """Let a link of ours through, and any other as `web_url` does, which takes ten times as long."""
        if url.startswith(f"{self._base_url}/") and _OWN_PATH.fullmatch(url, len(self._base_url)):
            return url if self._fit else ""
        return web_url(url)

    def _shell(self, edition: Edition, links: ReaderLinks, welcome: bool, topics: bool) -> Shell:
        key = (edition.issued_on, edition.note, links.web, welcome, topics)
        shell = self._shells.get(key)
        if shell is None:
            context = self._context(edition, links, welcome, ())
            context["links"] = context["links"] | {name: slot(name) for name in ("preferences", "unsubscribe")}
            context |= {name: slot(name) for name in ("subject", "preheader")}
            context["topics"] = slot("topics") if topics else ""
            if len(self._shells) >= _MOST_SHELLS:
                self._shells.clear()
            shell = self._shells[key] = shell_of(self._pair, context, (self._probe, self._probe))
        return shell

    def _row(self, room: Room, pick: Pick) -> Row:
        entry = entry_of(Pick(10, pick.card, pick.reason), self._base_url, room)
        none = ReaderLinks(unsubscribe="", preferences="")
        context = self._context(NOTHING, none, False, ())
        return row_of(self._pair, context, pick.card, (entry, self._probe), self._shell(NOTHING, none, False, False))

    def _pair(self, context: Mapping[str, Any]) -> tuple[str, str]:
        rendered = self._render(self._digest, context)
        return rendered.html, rendered.text

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
        known = PHRASES | (_DIGEST_NAMES if name.startswith("digest") else _LETTER_NAMES)
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
        links = ReaderLinks(unsubscribe=URL, preferences=URL)
        full_links = ReaderLinks(unsubscribe=URL, preferences=URL, web=URL)
        for edition, its_links, welcome in ((EVERYTHING, full_links, True), (LITTLE, links, False)):
            whole, pieced = (make(edition, its_links, welcome=welcome) for make in (self.whole, self.digest))
            if (whole.html, whole.text) != (pieced.html, pieced.text):
                raise TemplateFault("digest: joined from its pieces, a digest is not what its template says")
        self.digest(NOTHING, links)
        self.confirmation(URL)
        self.sign_in(URL)


_MOST_SHELLS = 64
_LETTER_NAMES = frozenset(
    {"subject", "preheader", "heading", "opening", "button", "url", "closing", "identity"},
)
_DIGEST_NAMES = frozenset(
    "subject preheader brand day topics links welcome note papers bar_width identity cut".split()  # noqa: SIM905
)
