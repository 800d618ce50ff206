"""What colours a mail's text has, in light and in dark, by its style sheets and inline styles.

Enough of CSS for mail: rules by selector with their weight, `!important`, inheritance of colour, the nearest ground,
and media queries for the colour scheme. Rules for other widths or states (`:hover`) paint nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, cast

import tinycss2
from cssselect import SelectorError
from cssselect import parse as parse_selectors
from cssselect.xpath import HTMLTranslator
from lxml import etree, html
from tinycss2.color3 import parse_color

from digest.core.contrast import Colour

_Weight = tuple[bool, tuple[int, int, int, int], int]  # important, specificity with that of inline styles, order
_INLINE = (1, 0, 0, 0)
_PAINTED = frozenset({"color", "background", "background-color", "display"})
_WHITE, _BLACK = Colour(1, 1, 1), Colour(0, 0, 0)
_UNSEEN = frozenset({"head", "style", "title", "script", "noscript"})
_TRANSLATOR = HTMLTranslator()


class Painted(NamedTuple):
    """A run of text and its two colours."""

    text: str
    colour: Colour
    ground: Colour


class _Rule(NamedTuple):
    path: etree.XPath
    weight: tuple[int, int, int, int]
    declarations: tuple[tuple[str, str, bool], ...]  # name, value, whether important


def painted(document: html.HtmlElement, *, dark: bool) -> list[Painted]:
    """Return every visible run of text with its colours, in the order of the document."""
    styles: dict[html.HtmlElement, dict[str, tuple[_Weight, str]]] = {}
    for order, rule in enumerate(_rules_of(document, dark)):
        for element in cast(list[html.HtmlElement], rule.path(document)):
            _declare(styles.setdefault(element, {}), rule.declarations, rule.weight, order)
    for element in document.iter(etree.Element):
        own = styles.setdefault(element, {})
        if ground := element.get("bgcolor"):
            _declare(own, (("background-color", ground, False),), (0, 0, 0, 0), -1)
        if inline := element.get("style"):
            _declare(own, _declarations(inline), _INLINE, 0)
    return list(_walk(document, styles, _BLACK, _WHITE))


def _declare(
    own: dict[str, tuple[_Weight, str]],
    declarations: tuple[tuple[str, str, bool], ...],
    weight: tuple[int, int, int, int],
    order: int,
) -> None:
    for name, value, important in declarations:
        stands = "background-color" if name == "background" else name
        mine = important, weight, order
        if stands not in own or mine >= own[stands][0]:
            own[stands] = mine, value


def _walk(
    element: html.HtmlElement,
    styles: dict[html.HtmlElement, dict[str, tuple[_Weight, str]]],
    colour: Colour,
    ground: Colour,
) -> Iterator[Painted]:
    own = styles.get(element, {})
    if element.tag in _UNSEEN or ("display" in own and own["display"][1] == "none"):
        return
    if "background-color" in own and (found := _colour(own["background-color"][1])):
        ground = found.over(ground)
    if "color" in own and (found := _colour(own["color"][1])):
        colour = found.over(ground)
    if element.text and element.text.strip():
        yield Painted(element.text.strip(), colour, ground)
    for child in element:
        if isinstance(child.tag, str):
            yield from _walk(child, styles, colour, ground)
        if child.tail and child.tail.strip():
            yield Painted(child.tail.strip(), colour, ground)


@lru_cache(maxsize=500)
def _colour(value: str) -> Colour | None:
    """Read a colour, the first there is in a `background`; None for what is none, or is inherited."""
    for token in tinycss2.parse_component_value_list(value, skip_comments=True):
        found = parse_color(token)
        if found is not None and found != "currentColor":
            return Colour(*found)
    return None


def _rules_of(document: html.HtmlElement, dark: bool) -> Iterator[_Rule]:
    for style in document.iter("style"):
        if "width" not in style.get("media", ""):
            yield from _rules(style.text or "", dark)


@lru_cache(maxsize=32)
def _rules(css: str, dark: bool) -> tuple[_Rule, ...]:
    return tuple(_read(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), dark))


def _read(nodes: list[tinycss2.ast.Node], dark: bool) -> Iterator[_Rule]:
    for node in nodes:
        if node.type == "at-rule" and node.lower_at_keyword == "media" and node.content is not None:
            if _applies(tinycss2.serialize(node.prelude), dark):
                inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
                yield from _read(inner, dark)
        elif node.type == "qualified-rule":
            declarations = _declarations(tinycss2.serialize(node.content))
            if declarations:
                for path, weight in _selectors(tinycss2.serialize(node.prelude)):
                    yield _Rule(path, weight, declarations)


def _applies(query: str, dark: bool) -> bool:
    """Whether a media query holds on an ordinary screen of the scheme; one about width is for other screens."""
    folded = query.lower()
    if "prefers-color-scheme" in folded:
        return ("dark" in folded) == dark
    return "width" not in folded and "print" not in folded


@lru_cache(maxsize=1_000)
def _declarations(text: str) -> tuple[tuple[str, str, bool], ...]:
    nodes = tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True)
    return tuple(
        (node.lower_name, tinycss2.serialize(node.value).strip().lower(), bool(node.important))
        for node in nodes
        if node.type == "declaration" and node.lower_name in _PAINTED
    )


def _selectors(text: str) -> Iterator[tuple[etree.XPath, tuple[int, int, int, int]]]:
    try:
        parsed = parse_selectors(text.strip())
    except SelectorError:
        return  # what cannot be read selects nothing, as in a browser
    for selector in parsed:
        try:
            path = etree.XPath(_TRANSLATOR.selector_to_xpath(selector))
        except SelectorError:
            continue  # `:hover` and its like, which no text is in when it is read
        yield path, (0, *selector.specificity())
