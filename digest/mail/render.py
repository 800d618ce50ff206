"""Editions and letters rendered to subject, HTML and text, from templates compiled once and proved at start."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from markupsafe import escape

from digest.core.issue import Card
from digest.core.language import ENGLISH, SOURCE, Language
from digest.core.links import web_url
from digest.core.retelling import reason_retold
from digest.core.tailor import Edition, Pick
from digest.core.why import WhyKind
from digest.errors import TemplateFault
from digest.languages import language as language_of
from digest.languages import offered
from digest.mail import alert_words, fragments, frame, prompts
from digest.mail.alert_words import PROBE, AlertWords
from digest.mail.entries import ROOMY, TIGHT, Entry, Room, entry_of, reason_of
from digest.mail.fragments import (
    Look,
    Pressed,
    Reason,
    Rendered,
    Row,
    Rows,
    Shell,
    html_size,
    joined,
    row_of,
    shell_of,
    slot,
)
from digest.mail.frame import Frame, ReaderLinks, Sender
from digest.mail.moving_letters import LetterWords
from digest.mail.probes import EVERYTHING, FULL, LITTLE, NOTHING, URL
from digest.mail.quoted import piece
from digest.mail.templates import Templates
from digest.mail.wording import more_on_the_web, wrap

__all__ = ["HTML_LIMIT", "ReaderLinks", "Renderer", "Sender"]

HTML_LIMIT = 80 * 1024  # bytes before transfer encoding; Gmail hides what comes after about 102 KB of its own rewriting

_MARKUP = re.compile("[&<>\"']")


class Renderer:
    """Render mails from the templates in `templates / "mail"`.

    The templates are compiled and rendered with probe editions on construction, so that an unknown variable or a
    Jinja token lost by the MJML compiler raises TemplateFault before anybody is mailed.
    """

    def __init__(self, templates: Path, base_url: str, sender: Sender, language: Language = ENGLISH) -> None:
        self.language = language
        self._speaking = {language.tag: self}
        self._base_url = base_url.rstrip("/")
        self._sender = sender
        self._frame = Frame(base_url, sender, language)
        self._folder = templates
        self._templates = Templates(templates / "mail", language)
        self._digest = self._templates.load("digest", frame.NAMES)
        self._letter = self._templates.load("letter", prompts.NAMES)
        self._alert = self._templates.load("alert", alert_words.NAMES)
        self._shells: dict[tuple[date, str, bool, bool, bool, bool], Shell] = {}
        self._rows = {room: Rows(partial(self._row, room)) for room in (ROOMY, TIGHT)}
        self._prove()

    def speaking(self, tag: str) -> Renderer:
        """Return the renderer of another language, made and proved on first use, with its own shells and rows.

        For a tag that is empty, or no longer offered, it is this one.
        """
        if tag not in offered():
            return self
        other = self._speaking.get(tag)
        if other is None:
            other = Renderer(self._folder, self._base_url, self._sender, language_of(tag))
            other._speaking = self._speaking
            self._speaking[tag] = other
        return other

    def digest(
        self,
        edition: Edition,
        links: ReaderLinks,
        *,
        welcome: bool = False,
        plain: bool = False,
        upcoming: date | None = None,
    ) -> Rendered | Pressed:
        """Render one reader's edition; the HTML has at most HTML_LIMIT bytes, whatever is in it.

        It is joined from pieces that are rendered once. Where there is no room for all papers their rows become
        tighter, and then the last ones are left to the web. A `plain` one has no HTML. An edition without papers says
        so, and that the next is due `upcoming`: whether it is sent is the caller's decision.
        """
        if not edition.picks:
            return self.whole(edition, links, welcome=welcome, plain=plain, upcoming=upcoming)
        own = self._frame.own(edition, links)
        escaped = {name: _escaped(text) for name, text in own.items()}
        shell = self._shell(edition, own, welcome)
        for room in (ROOMY,) if plain else (ROOMY, TIGHT):
            reasons, rows = self._laid(edition.picks, room, bool(own["react"]))
            if plain or html_size(shell.html, rows, reasons, escaped) <= HTML_LIMIT:
                break
        else:
            shell = self._shell(edition, own, welcome, cut=True)
            while rows:
                rows, reasons = rows[:-1], reasons[:-1]
                own["more"] = escaped["more"] = more_on_the_web(len(edition.picks) - len(rows), self.language)
                if html_size(shell.html, rows, reasons, escaped) <= HTML_LIMIT:
                    break
        subject = own["subject"]
        own["topics"] = wrap(own["topics"])
        # What is neither escaped nor wrapped is encoded once for both.
        text = {name: piece(said) for name, said in own.items()}
        html = {name: text[name] if said == own[name] else piece(said) for name, said in escaped.items()}
        return Pressed(
            subject=subject,
            encoded_html=b""
            if plain
            else joined(
                shell.html, [row.html for row in rows], [reason.html for reason in reasons], html, fragments.PLACES
            ),
            encoded_text=joined(
                shell.text, [row.text for row in rows], [reason.text for reason in reasons], text, fragments.WIDE_PLACES
            ),
        )

    def whole(
        self,
        edition: Edition,
        links: ReaderLinks,
        *,
        welcome: bool = False,
        plain: bool = False,
        upcoming: date | None = None,
    ) -> Rendered:
        """Render an edition by its whole template: what `digest` joins from pieces is held against this."""
        if not edition.picks:
            links = replace(links, web="")  # there is no edition to be read
        for room in (ROOMY,) if plain else (ROOMY, TIGHT):
            entries = [self._entry(pick, room, links.react) for pick in edition.picks]
            context = self._frame.context(edition, links, welcome, entries, upcoming)
            rendered = self._templates.render(self._digest, context)
            if plain or len(rendered.html.encode()) <= HTML_LIMIT:
                return replace(rendered, html="") if plain else rendered
        while len(rendered.html.encode()) > HTML_LIMIT and entries:
            entries.pop()
            more = more_on_the_web(len(edition.picks) - len(entries), self.language)
            rendered = self._templates.render(self._digest, {**context, "papers": entries, "more": more})
        return rendered

    def confirmation(self, confirm_url: str) -> Rendered:
        """Render the mail that asks for a confirmation; nothing a visitor typed is in it."""
        words = prompts.confirmation(self._frame.brand, self._frame.identity, confirm_url, self.language)
        return self._templates.render(self._letter, words)

    def sign_in(self, sign_in_url: str) -> Rendered:
        """Render the mail that carries a sign-in link."""
        words = prompts.sign_in(self._frame.brand, self._frame.identity, sign_in_url, self.language)
        return self._templates.render(self._letter, words)

    def letter(self, words: Callable[[Language], LetterWords], url: str) -> Rendered:
        """Render a letter with one thing to do; nothing a visitor typed is in its words."""
        given = {**asdict(words(self.language)), "url": web_url(url), "identity": self._frame.identity}
        return self._templates.render(self._letter, given)

    def alert(self, words: AlertWords) -> Rendered:
        """Render what is wrong, and what is over, for those who sit at the desk."""
        said = {name: getattr(words, name) for name in AlertWords.__slots__}
        return self._templates.render(self._alert, {**said, "identity": self._frame.identity})

    def _shell(self, edition: Edition, own: Mapping[str, str], welcome: bool, *, cut: bool = False) -> Shell:
        key = (edition.issued_on, edition.note, welcome, bool(own["topics"]), bool(own["web"]), cut)
        shell = self._shells.get(key)
        if shell is None:
            context = self._frame.context(edition, _NO_LINKS, welcome, ())
            context["links"] = context["links"] | {name: slot(name) for name in ("preferences", "unsubscribe")}
            context |= {name: slot(name) for name in ("subject", "preheader")}
            context["topics"] = slot("topics") if own["topics"] else ""
            context["links"]["web"] = slot("web") if own["web"] else ""
            context["more"] = slot("more") if cut else ""
            if len(self._shells) >= _MOST_SHELLS:
                self._shells.clear()
            shell = self._shells[key] = shell_of(self._pair, context, (self._probe, self._probe))
        return shell

    def _laid(self, picks: Sequence[Pick], room: Room, links: bool) -> tuple[list[Reason], list[Row]]:
        """Lay out the papers of an edition, and why they are there."""
        say = None if self.language.tag == SOURCE else self.language  # most are, and it is asked for each paper
        reasons = [reason_of(reason_retold(pick.why, say) if say else pick.why, room) for pick in picks]
        looks = [
            _LOOKS[bool(reason.words), links, _labelled(pick)] for pick, reason in zip(picks, reasons, strict=True)
        ]
        return reasons, self._rows[room].of([pick.card for pick in picks], looks)

    def _entry(self, pick: Pick, room: Room, react: str) -> Entry:
        why = reason_of(reason_retold(pick.why, self.language), room).words
        link = self._frame.link(react)
        return entry_of(pick.place, pick.card, self._base_url, room, why, link, _labelled(pick), say=self.language)

    def _row(self, room: Room, card: Card, look: Look) -> Row:
        why, react = slot("why") if look.why else "", slot("react") if look.links else ""
        entry = entry_of(10, card, self._base_url, room, why, react, look.label, say=self.language)
        shell = self._shell(NOTHING, self._frame.own(NOTHING, _NO_LINKS), False)
        context = self._frame.context(NOTHING, _NO_LINKS, False, ())
        return row_of(self._pair, context, card, (entry, self._probe), shell)

    @property
    def _probe(self) -> Entry:
        return entry_of(10, FULL, self._base_url, say=self.language)

    def _pair(self, context: Mapping[str, Any]) -> tuple[str, str]:
        rendered = self._templates.render(self._digest, context)
        return rendered.html, rendered.text

    def _prove(self) -> None:
        """Render a full and a bare edition, and all letters, so that every branch has been taken."""
        bare = ReaderLinks(unsubscribe=URL, preferences=URL)
        full = ReaderLinks(unsubscribe=URL, preferences=URL, web=URL, react=URL)
        for edition, links, welcome in ((EVERYTHING, full, True), (LITTLE, bare, False)):
            whole, pieced = (make(edition, links, welcome=welcome) for make in (self.whole, self.digest))
            if (whole.html, whole.text) != (pieced.html, pieced.text):
                raise TemplateFault("digest: joined from its pieces, a digest is not what its template says")
        self._shell(EVERYTHING, self._frame.own(EVERYTHING, full), False, cut=True)
        self._rows[ROOMY].of([FULL], [Look(why=True, links=True, label=True)])
        self.digest(NOTHING, bare)
        self.confirmation(URL)
        self.sign_in(URL)
        self.alert(PROBE)


def _escaped(text: str) -> str:
    return str(escape(text)) if _MARKUP.search(text) else text


def _labelled(pick: Pick) -> bool:
    """Whether a paper is set apart by its reason: from outside the reader's usual, or a new version."""
    return pick.reason is not None and pick.reason.kind in _LABELS


_LOOKS = {look: Look(*look) for look in product((False, True), repeat=3)}
_LABELS = frozenset({WhyKind.OUTSIDE, WhyKind.REVISED})
_NO_LINKS = ReaderLinks(unsubscribe="", preferences="")
_MOST_SHELLS = 64
