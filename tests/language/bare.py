"""Find what a template says outside of the catalogues: text, attributes that are read out, words in expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, nodes

_SPOKEN = r"(?:aria-label|alt|title|placeholder|content|label)"
_ATTRIBUTE = re.compile(rf"""\b{_SPOKEN}=(?:"([^"]*)"|'([^']*)')""")
_NOT_SPOKEN = re.compile(
    r"<(style|mj-style|mj-attributes|script)\b.*?</\1>|<!--.*?-->|<meta\b(?![^>]*description)[^>]*>", re.DOTALL
)
_TAG = re.compile(r"<[a-zA-Z/!](?:\"[^\"]*\"|'[^']*'|[^>\"'])*>", re.DOTALL)
_LOOSE = re.compile(r"""[\w-]+="[^"]*\"""")  # an attribute that a block hands to a tag elsewhere
_ADDRESS = re.compile("\x00(?:/[a-z-]+)+")  # the rest of an address
_ENTITY = re.compile(r"&\w+;")
_WORD = re.compile(r"[A-Za-z]{2,}")
# The same in every language: names, formats, marks.
_NAMES = re.compile(r"\b(?:arXiv|PDF|RSS|JSON|HTML|DOI|UTC)\b")
_EXTENSIONS = ["jinja2.ext.i18n"]


def bare_words(source: str) -> list[str]:
    """Return what of a template's source would be English whatever the language, in order of place."""
    environment = Environment(extensions=_EXTENSIONS, autoescape=True)
    text = _ADDRESS.sub("\x00", _NOT_SPOKEN.sub(" ", "".join(_outside(environment, source))))
    spoken = [one or other for one, other in _ATTRIBUTE.findall(text)]
    spoken += [_LOOSE.sub("", words) for words in _TAG.split(text)]
    spoken += _in_expressions(environment.parse(source))
    return [" ".join(words.split()) for words in spoken if _WORD.search(_NAMES.sub("", _ENTITY.sub("", words)))]


def _outside(environment: Environment, source: str) -> Iterator[str]:
    """Yield what stands outside of tokens and of `{% trans %}`; a no-break mark stands for an expression."""
    statement: list[str] = []
    translated = False
    for _line, kind, value in environment.lex(source):
        if kind == "block_begin":
            statement = []
        elif kind == "block_end":
            translated = "trans" in statement[:1] or (translated and "endtrans" not in statement[:1])
        elif kind == "name":
            statement.append(value)
        elif kind == "variable_begin" and not translated:
            yield "\x00"
        elif kind == "data" and not translated:
            yield value


def _in_expressions(tree: nodes.Template) -> Iterator[str]:
    for output in tree.find_all(nodes.Output):
        for one in output.nodes:
            if not isinstance(one, nodes.TemplateData):
                yield from _values(one)
    for call in tree.find_all(nodes.Assign):
        yield from (words for words in _values(call.node) if " " in words)


def _values(node: nodes.Node) -> Iterator[str]:
    """Yield the strings that an expression may come to, as far as they are written in it."""
    match node:
        case nodes.Const(value=str() as words):
            yield words
        case nodes.CondExpr(expr1=one, expr2=other):
            yield from _values(one)
            if other is not None:
                yield from _values(other)
        case nodes.And() | nodes.Or() | nodes.Add():
            yield from _values(node.left)
            yield from _values(node.right)
        case nodes.Concat() | nodes.List():
            for part in node.nodes if isinstance(node, nodes.Concat) else node.items:
                yield from _values(part)
        case nodes.Filter() if node.node is not None:
            yield from _values(node.node)
        case nodes.Getitem(node=nodes.Dict() as choices):
            for pair in choices.items:
                yield from _values(pair.value)
