"""The templates of mails, compiled once: an HTML and a text template each, strict about what they may name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from jinja2 import meta

from digest.core.language import Language
from digest.errors import TemplateFault
from digest.mail.fragments import Rendered
from digest.mail.mjml import compile_mjml
from digest.mail.wording import wrap
from digest.templating import PHRASES, speak

_BLANK_LINES = re.compile(r"\n{3,}")


class Pair(NamedTuple):
    """The two templates of one mail."""

    html: jinja2.Template
    text: jinja2.Template


class Templates:
    """The mails in a folder, in one language; raises TemplateFault for what cannot be read, compiled or rendered."""

    def __init__(self, folder: Path, language: Language) -> None:
        self._folder = folder
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

    def load(self, name: str, known: Set[str]) -> Pair:
        """Compile the MJML and the text template of a mail, which may use the `known` variables."""
        html_file, text_file = self._folder / f"{name}.mjml.j2", self._folder / f"{name}.txt.j2"
        try:
            html_source = compile_mjml(html_file.read_text("utf-8"), html_file.name)
            text_source = text_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise TemplateFault(f"{self._folder}: the templates of {name} cannot be read: {fault}") from fault
        return Pair(
            _compiled(self._html, html_source, html_file.name, known),
            _compiled(self._text, text_source, text_file.name, known),
        )

    def render(self, pair: Pair, given: Mapping[str, Any]) -> Rendered:
        """Render both parts of a mail whose subject is among what is `given`."""
        try:
            html, text = (template.render(given) for template in pair)
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as fault:
            raise TemplateFault(f"{self._folder}: a mail cannot be rendered: {fault}") from fault
        return Rendered(
            subject=str(given["subject"]),
            html=html + "\n",
            text=_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        )


def _compiled(environment: jinja2.Environment, source: str, name: str, known: Set[str]) -> jinja2.Template:
    try:
        unknown = meta.find_undeclared_variables(environment.parse(source, name)) - known - PHRASES
        if unknown:
            raise TemplateFault(f"{name}: unknown variable {', '.join(sorted(unknown))}")
        return environment.from_string(source)
    except jinja2.TemplateError as fault:
        raise TemplateFault(f"{name}: {fault}") from fault
