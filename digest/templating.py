"""Templates that speak a language: `_("...")`, `ngettext`, `pgettext` and `{% trans %}` in a Jinja environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jinja2 import Environment
from markupsafe import Markup

from digest.core.language import Language

# What a template may say without being given it.
PHRASES = frozenset({"_", "gettext", "ngettext", "pgettext", "npgettext", "language"})


def speak(environment: Environment, language: Language) -> None:
    """Let the templates of an environment speak a language.

    What is filled into words is escaped where the environment escapes; the words themselves are ours and may hold
    markup. Whole numbers are written as the language writes them. `language` tells its tag and direction.
    """
    environment.extend(newstyle_gettext=True)  # the extension keeps what is set before it
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals.update(_phrases(language, escape=bool(environment.autoescape)), language=language)


def _phrases(language: Language, *, escape: bool) -> dict[str, Callable[..., str]]:
    catalogue = language.catalogue

    def filled(words: str, values: Mapping[str, object]) -> str:
        return (Markup(words) if escape else words) % language.written(values)  # noqa: S704  # the catalogue's, not a visitor's

    def gettext(words: str, /, **values: object) -> str:
        return filled(catalogue.gettext(words), values)

    def ngettext(one: str, many: str, number: int, /, **values: object) -> str:
        return filled(catalogue.ngettext(one, many, number), {"num": number, **values})

    def pgettext(context: str, words: str, /, **values: object) -> str:
        return filled(catalogue.pgettext(context, words), values)

    def npgettext(context: str, one: str, many: str, number: int, /, **values: object) -> str:
        return filled(catalogue.npgettext(context, one, many, number), {"num": number, **values})

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext, "pgettext": pgettext, "npgettext": npgettext}
