"""Gather the words of templates and code into the catalogues: `make words`; `make words ADD=fr` begins a language."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from digest.core.categories import CATEGORY_NAMES
from digest.languages import DOMAIN

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "digest" / "locale"
TEMPLATE = LOCALE / f"{DOMAIN}.pot"
# How a Language is asked in code: by itself, under one of these names; `count` with both numbers, `meant` in a context.
_ASKED = frozenset({"say", "language", "mark"})
# What readers see of these is their words, with values in them.
SHOWN = frozenset(
    {"AddressRefused", "PreferencesRefused", "SignUpRefused", "TokenInvalid", "TokenSpent", "UnknownZone"}
)
_IN_TEMPLATES = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_JINJA = {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}
# They would change with every gathering, or name somebody; git knows both.
_UNWANTED = tuple(
    f'"{name}'.encode()
    for name in (
        "Project-Id",
        "POT-Creation",
        "PO-Revision",
        "Last-Trans",
        "Language-Team",
        "Report-Msgid",
        "Generated",
    )
)


def catalogues() -> list[Path]:
    """Return the files of the languages that there are."""
    return sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def gathered() -> Catalog:
    """Return every message of the code, the templates and the list of categories, each with the files it is in."""
    catalog = Catalog(header_comment="# The words of Firstlight, gathered by `make words`.", fuzzy=False)
    for path in sorted((ROOT / "digest").rglob("*.py")):
        for message, context in in_code(path.read_text("utf-8")):
            catalog.add(message, locations=[(path.relative_to(ROOT).as_posix(), 0)], context=context)
    for path in sorted((ROOT / "templates").rglob("*.*")):
        if path.suffix in (".html", ".j2"):
            found = extract_from_file("jinja2.ext:babel_extract", path, keywords=_IN_TEMPLATES, options=_JINJA)
            for _line, message, _remarks, context in found:
                catalog.add(message, locations=[(path.relative_to(ROOT).as_posix(), 0)], context=context)
    for name in dict.fromkeys(CATEGORY_NAMES.values()):
        catalog.add(name, locations=[("digest/core/categories.py", 0)], context="category")
    return catalog


def in_code(source: str) -> Iterator[tuple[str | tuple[str, str], str | None]]:
    """Yield the messages of a module, each with its context if it has one.

    Babel's own reader of Python stumbles over bytes among the arguments, and a syntax tree is surer than tokens.
    """
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        words = [one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "" for one in call.args]
        match name, words:
            case "count" | "mark_count", [one, many, *_] if one and many:
                yield (one, many), None
            case "meant", [context, said, *_] if context and said:
                yield said, context
            case _, [said, *_] if name in _ASKED | SHOWN and said:
                yield said, None


def updated(path: Path, template: Catalog) -> bytes:
    """Return a language's file with the template's messages: new ones empty, those that are gone removed."""
    with path.open("rb") as file:
        catalog = read_po(file, abort_invalid=True)
    # Nothing is guessed from what is alike: a wrong sentence is worse than an English one.
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return written(catalog)


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as a file, the same for the same messages."""
    out = BytesIO()
    write_po(out, catalog, width=120, include_lineno=False)
    return b"".join(line for line in out.getvalue().splitlines(keepends=True) if not line.startswith(_UNWANTED))


def main(arguments: list[str]) -> int:
    """Write the template and every language's file; say how much of each is still to be translated."""
    template = gathered()
    LOCALE.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(written(template))
    for tag in arguments:
        try:
            locale = Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError):
            print(f"{tag} is no language that CLDR knows; give a tag such as fr or pt-BR", file=sys.stderr)
            return 1
        path = LOCALE / tag / "LC_MESSAGES" / f"{DOMAIN}.po"
        if not path.exists():
            path.parent.mkdir(parents=True)
            path.write_bytes(
                written(
                    Catalog(
                        locale=locale,
                        header_comment=f"# The words of Firstlight in {locale.english_name}.",
                        fuzzy=False,
                    )
                )
            )
    for path in catalogues():
        path.write_bytes(updated(path, template))
        with path.open("rb") as file:
            left = sum(not all(_forms(one.string)) for one in read_po(file) if one.id)
        print(f"{path.relative_to(ROOT)}: {len(template)} messages, {left} without words")
    return 0


def _forms(string: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
