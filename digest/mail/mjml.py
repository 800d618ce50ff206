"""MJML compiled once to a Jinja template: Jinja's tokens are hidden from the compiler and put back after it."""

from __future__ import annotations

import re
from functools import lru_cache

import mjml

from digest.errors import TemplateFault

_JINJA = re.compile(r"(?P<remark>\{#.*?#\})|(?P<statement>\{%.*?%\})|(?P<expression>\{\{.*?\}\})", re.DOTALL)
_MARKUP = re.compile(r"<!--.*?-->|<[a-zA-Z/!](?:\"[^\"]*\"|'[^']*'|[^>\"'])*>", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'", re.DOTALL)
_WORD = re.compile(r"qjinja\d{4}q")
_VEILED = re.compile(r"<!--(qjinja\d{4}q)-->")
_BLOCK = r"html|head|meta|title|style|body|div|table|tbody|tr|td|p|h1|h2|h3|ul|li|center"
_AROUND_BLOCK = re.compile(rf"\s*(</?(?:{_BLOCK})\b[^>]*>)\s*", re.ASCII)
_STYLE = re.compile(r'\bstyle="[^"]*"')
_SPACES = re.compile(r"\s+", re.ASCII)  # a no-break space stays
_TITLE_COPY = re.compile(r'(<div\b(?=[^>]*aria-roledescription="email")[^>]*?) aria-label="qjinja\d{4}q"')
_REMOTE = re.compile(r"<link\b|@import\b|url\(|\bsrc=", re.IGNORECASE)
_ON_ROOT = frozenset({"{{ language.tag }}", "{{ language.direction }}"})  # said of the document, and of its body again
_PLAIN_TABLE = re.compile(r"<table(?![^>]*\brole=)")


@lru_cache(maxsize=8)  # each language has the same templates
def compile_mjml(source: str, name: str) -> str:
    """Compile MJML that holds Jinja tokens to one line of HTML that holds the same tokens.

    Every token becomes an opaque word first, because the compiler parses, escapes, moves and drops what it
    does not know; a statement in text position also goes behind an HTML comment, because text between table
    rows is moved out of the table when styles are inlined. Layout tables get role=presentation. Raises
    TemplateFault, naming the template, if a token was dropped, duplicated or moved.
    """
    hidden, tokens = _hide(source, name)
    try:
        compiled = str(mjml.mjml_to_html(hidden).html)
    except Exception as fault:  # the compiler raises whatever its own bugs raise
        raise TemplateFault(f"{name}: MJML cannot be compiled: {type(fault).__name__} {fault}") from fault
    if "<mj-" in compiled:
        raise TemplateFault(f"{name}: an MJML element was not compiled; look for one in the wrong place")
    remote = _REMOTE.search(compiled)
    if remote:  # the compiler adds a web font for each family it knows, Roboto and Open Sans among them
        raise TemplateFault(f"{name}: {remote[0]!r} would load something from outside; mails load nothing")
    compiled = _TITLE_COPY.sub(r"\1", compiled)  # the compiler copies the title onto the body; once is enough
    compiled = _PLAIN_TABLE.sub('<table role="presentation"', compiled)
    return _restore(_minify(compiled), tokens, name)


def _hide(source: str, name: str) -> tuple[str, dict[str, str]]:
    """Replace Jinja tokens by words; returns the text and what each word stands for, in source order."""
    tokens: dict[str, str] = {}

    def veil(match: re.Match[str]) -> str:
        if match["remark"]:
            return ""
        word = f"qjinja{len(tokens):04d}q"
        tokens[word] = match[0]
        return word

    if _WORD.search(source):
        raise TemplateFault(f"{name}: holds a word of the form qjinja0000q, which is reserved")
    worded = _JINJA.sub(veil, source)

    pieces: list[str] = []
    end = 0
    for markup in _MARKUP.finditer(worded):
        pieces += (_veil_statements(worded[end : markup.start()], tokens), markup[0])
        end = markup.end()
        bare = "" if markup[0].startswith("<!--") else _WORD.search(_QUOTED.sub("", markup[0]))
        if bare:
            raise TemplateFault(f"{name}: {tokens[bare[0]]} stands inside a tag; it may only stand in a quoted value")
    pieces.append(_veil_statements(worded[end:], tokens))
    return "".join(pieces), tokens


def _veil_statements(text: str, tokens: dict[str, str]) -> str:
    """Put the statements of a stretch of text behind comments; expressions are text and stay as words."""
    return _WORD.sub(lambda word: f"<!--{word[0]}-->" if tokens[word[0]].startswith("{%") else word[0], text)


def _minify(html: str) -> str:
    """Fold whitespace, and drop it around blocks and in styles; conditional comments for Outlook are kept."""
    html = _STYLE.sub(lambda style: re.sub(r"([:;]) ", r"\1", style[0]).replace(';"', '"'), html)
    return _AROUND_BLOCK.sub(r"\1", _SPACES.sub(" ", html)).strip()


def _restore(html: str, tokens: dict[str, str], name: str) -> str:
    found = _WORD.findall(html)
    for word, token in tokens.items():
        if found.count(word) != 1 and not (word in found and token in _ON_ROOT):
            fate = "dropped" if word not in found else "duplicated"
            raise TemplateFault(f"{name}: {token} was {fate} by the MJML compiler; put it where text may stand")
    statements = [word for word in found if tokens[word].startswith("{%")]
    if statements != sorted(statements):
        raise TemplateFault(f"{name}: the MJML compiler changed the order of the Jinja statements")
    return _WORD.sub(lambda word: tokens[word[0]], _VEILED.sub(r"\1", html))
