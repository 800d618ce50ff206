"""LaTeX in titles and abstracts made readable Unicode, conservatively: what is not understood stays as it was written.

A scanner of our own does it, because a full parser drops what follows an unescaped `%`, takes `$3 and $4` for
mathematics and recurses as deep as its input asks. The symbols are pylatexenc's. The time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from pylatexenc.latex2text import get_default_latex_context_db

from digest.core import latex_tables as tables

MAX_LENGTH = 100_000  # characters; no title or abstract is near it, and longer text is left as it is
_MAX_DEPTH = 20

_MARKS = re.compile(r"[\\${]|~|``|--")
_MATH = (
    r"\$\$(?P<display>(?:[^$\\]|\\.){1,600}?)\$\$|\$(?P<inline>(?:[^$\\]|\\.){1,600}?)\$"
    r"|\\\((?P<round>.{1,600}?)\\\)|\\\[(?P<square>.{1,600}?)\\\]"
)
_MACRO = r"\\(?P<macro>[A-Za-z]+)\*?|\\(?P<escape>.)|(?P<open>\{)"
_TEXT_TOKEN = re.compile(
    rf"(?P<url>https?://[^\s\\{{}}$<>]+)|{_MATH}|{_MACRO}|(?P<quote>``|'')"
    r"|(?P<dash>(?<!-)---?(?!-))|(?P<tie>(?<=[a-z.,)])~(?=[\w(\\$]))",
    re.DOTALL,
)
_MATH_TOKEN = re.compile(rf"{_MACRO}|(?P<script>[\^_])|(?P<tie>~)", re.DOTALL)

_TEX_SIGNS = re.compile(r"\\[A-Za-z|,;]|[\^_]")
_AMOUNT = re.compile(r"\d[\d.,]*\s*(?:[kKmMbBtT]|thousand|million|billion|trillion)?\s+[A-Za-z]{2}")
_TWO_WORDS = re.compile(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}")
_PROTECTED = re.compile(r"[\w\s.:'’+-]*[A-Z][\w\s.:'’+-]*")  # braces that keep BibTeX from lowering a capital


class _Unreadable(Exception):
    """Mathematics that holds a macro unknown here: it is shown as it was written."""


def to_unicode(text: str) -> str:
    """Return a text with its LaTeX made readable: accents, emphasis, symbols, simple formulas.

    `%` never begins a comment, money is not mathematics, unknown macros and unbalanced braces stay. Never raises.
    """
    if len(text) > MAX_LENGTH or not _MARKS.search(text):
        return text
    return _Scanner(text, math=False, depth=0).run()


@cache
def _symbols() -> dict[str, str]:
    database: Any = get_default_latex_context_db()
    symbols: dict[str, str] = {}
    for category in database.categories():
        for name, macro in database.d[category]["macros"].items():
            written = macro.simplify_repl
            # Replacements that hold letters are placeholders and dates, except the names of functions.
            if (
                isinstance(written, str)
                and written.strip()
                and (written == name or not re.search("[A-Za-z%]", written))
            ):
                symbols[name] = written
    return symbols | tables.SYMBOLS


def _pairs(source: str) -> dict[int, int]:
    """Map each opening brace that is closed to its closing one, leaving escaped braces out."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for match in re.finditer(r"\\.|[{}]", source, re.DOTALL):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            pairs[opened.pop()] = match.start()
    return pairs


class _Scanner:
    """One pass over a text or a formula; groups are scanned by a scanner of their own, to a fixed depth."""

    def __init__(self, source: str, *, math: bool, depth: int) -> None:
        self.source = source
        self.math = math
        self.depth = depth
        self.at = 0
        self.quoted = False
        self.pairs = _pairs(source)

    def run(self) -> str:
        token = _MATH_TOKEN if self.math else _TEXT_TOKEN
        written: list[str] = []
        while match := token.search(self.source, self.at):
            written.append(self.source[self.at : match.start()])
            self.at = match.end()
            written.append(self._one(match))
        written.append(self.source[self.at :])
        return "".join(written)

    def _one(self, match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        return _READERS[kind](self, match) if kind in _READERS else match[0]

    def _formula(self, match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        inner = match[kind]
        if kind == "inline" and not self._is_formula(inner, match.end()):
            self.at = match.start() + 1
            return "$"
        if self.depth >= _MAX_DEPTH:
            return match[0]
        try:
            return _Scanner(inner, math=True, depth=self.depth + 1).run().strip() or match[0]
        except _Unreadable:
            return match[0]

    def _is_formula(self, inner: str, end: int) -> bool:
        if _AMOUNT.match(inner) or "\n\n" in inner:
            return False
        if _TEX_SIGNS.search(inner):
            return True
        if inner != inner.strip() or _TWO_WORDS.search(inner):
            return False
        return not (self.source[end : end + 1].isdigit() and re.search(r"\w", inner))

    def _braces(self, match: re.Match[str]) -> str:
        self.at = match.start()
        inner = self._group()
        if inner is None:
            self.at += 1
            return "{"
        converted = self._inside(inner)
        if self.math or inner.startswith("\\") or _PROTECTED.fullmatch(inner):
            return converted
        return "{" + converted + "}"

    def _group(self) -> str | None:
        """Step over the group that begins here and return what is in it, or None where none begins or it stays open."""
        end = self.pairs.get(self.at)
        if end is None:
            return None
        inner = self.source[self.at + 1 : end]
        self.at = end + 1
        return inner

    def _inside(self, inner: str) -> str:
        if self.depth >= _MAX_DEPTH:
            if self.math:
                raise _Unreadable
            return inner
        return _Scanner(inner, math=self.math, depth=self.depth + 1).run()

    def _argument(self) -> str | None:
        """Convert the argument that follows: a group, or in mathematics also a single sign or macro."""
        start = self.at
        self._skip_spaces()
        inner = self._group()
        if inner is not None:
            return self._inside(inner)
        if self.math and self.at < len(self.source):
            match = _MATH_TOKEN.match(self.source, self.at)
            if match is None:
                self.at += 1
                return self.source[self.at - 1]
            if match.lastgroup in ("macro", "escape") and self.depth < _MAX_DEPTH:
                self.depth += 1  # a macro's argument may be a macro with an argument, and so on
                self.at = match.end()
                converted = self._one(match)
                self.depth -= 1
                return converted
        self.at = start
        return None

    def _skip_spaces(self) -> None:
        while self.source[self.at : self.at + 1].isspace():
            self.at += 1

    def _macro(self, match: re.Match[str]) -> str:
        name = match["macro"]
        after = self.at
        converted = self._known(name)
        if converted is not None:
            return converted
        if self.math:
            raise _Unreadable
        self.at = after
        inner = self._group()  # the group of a macro that is not known belongs to it
        return match[0] if inner is None else match[0] + "{" + self._inside(inner) + "}"

    def _known(self, name: str) -> str | None:
        if name in tables.SWITCHES:
            self._end_name(spaces=name != "xspace")
            return ""
        if name in tables.UNWRAPPED or (self.math and name in tables.ALPHABETS):
            argument = self._argument()
            return argument if argument is None else tables.in_alphabet(name, argument)
        if name in tables.ACCENTS and (len(name) > 1 or not self.math):
            return self._accented(tables.ACCENTS[name])
        if name in tables.BUILT:
            return self._built(name)
        symbol = _symbols().get(name)
        if symbol is not None and not self.math:
            self._end_name(spaces=symbol.isalpha() and len(symbol) <= 2)
        return symbol

    def _end_name(self, *, spaces: bool = True) -> None:
        if self.source.startswith("{}", self.at):
            self.at += 2
        elif spaces:
            self._skip_spaces()

    def _built(self, name: str) -> str | None:
        least, most, build = tables.BUILT[name]
        arguments: list[str] = []
        while len(arguments) < most and (argument := self._argument()) is not None:
            arguments.append(argument)
        return build(*arguments) if len(arguments) >= least else None

    def _accented(self, mark: str) -> str | None:
        start = self.at
        self._skip_spaces()
        inner = self._group()
        if inner is None:
            match = re.compile(r"\\[ij](?![A-Za-z])|[^\W\d_]").match(self.source, self.at)
            if match is None:
                self.at = start
                return None
            self.at = match.end()
            inner = match[0]
        converted = {"\\i": "i", "\\j": "j"}.get(inner.strip()) or self._inside(inner).strip()
        return tables.accented(converted, mark)

    def _escape(self, match: re.Match[str]) -> str:
        sign = match["escape"]
        if sign in tables.ESCAPES:
            return tables.ESCAPES[sign]
        if sign in tables.ACCENTS and not self.math:
            converted = self._accented(tables.ACCENTS[sign])
            if converted is not None:
                return converted
        if self.math:
            raise _Unreadable
        return match[0]

    def _script(self, match: re.Match[str]) -> str:
        argument = self._argument()
        return match[0] if argument is None else tables.scripted(match[0], argument.strip())

    def _dash(self, match: re.Match[str]) -> str:
        before = self.source[match.start() - 1 : match.start()]
        after = self.source[match.end() : match.end() + 1]
        joined = before.isalnum() and (after.isalnum() or after in ("$", "\\"))
        if joined or (before.isspace() and after.isspace()) or (len(match[0]) == 3 and before.isalnum()):
            return "–" if len(match[0]) == 2 else "—"
        return match[0]

    def _quote(self, match: re.Match[str]) -> str:
        opens = match[0] == "``" and not self.quoted
        if not opens and not self.quoted:
            return match[0]
        self.quoted = opens
        return "“" if opens else "”"

    def _tie(self, _match: re.Match[str]) -> str:
        return " "


_READERS: dict[str, Callable[[_Scanner, re.Match[str]], str]] = {
    "macro": _Scanner._macro,
    "escape": _Scanner._escape,
    "display": _Scanner._formula,
    "inline": _Scanner._formula,
    "round": _Scanner._formula,
    "square": _Scanner._formula,
    "open": _Scanner._braces,
    "script": _Scanner._script,
    "tie": _Scanner._tie,
    "dash": _Scanner._dash,
    "quote": _Scanner._quote,
}
