"""What the LaTeX scanner knows by heart: accents, scripts, escapes, and which macros only dress their argument."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable

ESCAPES = {sign: sign for sign in "%&$#_{}"} | {
    " ": " ",
    "\n": " ",
    "\t": " ",
    "\\": " ",  # a line break
    ",": " ",
    ";": " ",
    ":": " ",
    ">": " ",
    "!": "",
    "-": "",
    "/": "",
    "@": "",
    "|": "‖",
}

ACCENTS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    "u": "\u0306",
    ".": "\u0307",
    '"': "\u0308",
    "r": "\u030a",
    "H": "\u030b",
    "v": "\u030c",
    "d": "\u0323",
    "c": "\u0327",
    "k": "\u0328",
    "b": "\u0331",
    "grave": "\u0300",
    "acute": "\u0301",
    "hat": "\u0302",
    "widehat": "\u0302",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "bar": "\u0304",
    "overline": "\u0304",
    "breve": "\u0306",
    "dot": "\u0307",
    "ddot": "\u0308",
    "mathring": "\u030a",
    "check": "\u030c",
    "vec": "\u20d7",
}

UNWRAPPED = frozenset(
    {"emph", "textbf", "textit", "texttt", "textsc", "textsf", "textrm", "textsl", "textmd", "textup", "textnormal"}
    | {"text", "mbox", "hbox", "fbox", "underline", "uline", "url", "nolinkurl", "path", "ensuremath", "title"}
    | {"mathrm", "mathbf", "mathit", "mathsf", "mathtt", "mathnormal", "boldsymbol", "bm", "operatorname", "mathop"}
    | {"mathbin", "mathrel", "textls", "MakeUppercase", "MakeLowercase", "uppercase", "lowercase", "boldmath"}
)

ALPHABETS = frozenset({"mathbb", "mathcal", "mathfrak", "mathscr"})
_BLACKBOARD = dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))

SWITCHES = frozenset(
    {"em", "bf", "it", "rm", "tt", "sc", "sf", "sl", "cal", "bfseries", "itshape", "scshape", "ttfamily", "rmfamily"}
    | {"normalfont", "tiny", "small", "footnotesize", "large", "Large", "LARGE", "huge", "normalsize", "xspace"}
    | {"left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "bigg", "Bigg", "biggl", "biggr", "middle"}
    | {"limits", "nolimits", "displaystyle", "textstyle", "scriptstyle", "noindent", "protect", "nobreak", "allowbreak"}
)

_FUNCTIONS = ("argmin", "argmax", "deg", "det", "dim", "gcd", "hom", "inf", "ker", "lg", "max", "min", "Pr", "sup")
SYMBOLS = {name: name for name in (*_FUNCTIONS, "Re", "Im")} | {
    "LaTeX": "LaTeX",
    "TeX": "TeX",
    "BibTeX": "BibTeX",
    "eg": "e.g.",
    "ie": "i.e.",
    "etal": "et al.",
    "degree": "°",
    "textdegree": "°",
    "ne": "≠",
    "colon": ":",
    "S": "§",
    "P": "¶",
    "copyright": "©",
    "pounds": "£",
    "euro": "€",
    "textmu": "µ",
    "i": "ı",
    "j": "ȷ",
    "lbrace": "{",
    "rbrace": "}",
    "quad": " ",
    "qquad": " ",
    "newline": " ",
    "linebreak": " ",
    "par": " ",
    "implies": "⇒",
    "iff": "⇔",
    "lvert": "|",
    "rvert": "|",
    "lVert": "‖",
    "rVert": "‖",
    "bmod": "mod",
    "triangleq": "≜",
    "prime": "′",
}

_SUPERSCRIPTS = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzT*′",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ*′",
        strict=True,
    )
)
_SUBSCRIPTS = dict(zip("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))


def accented(text: str, mark: str) -> str:
    """Put an accent on the first character of a text; an accent over nothing is the accent's own sign."""
    if not text:
        return {"\u0303": "~", "\u0302": "^", "\u0300": "`", "\u0301": "´", "\u0308": "¨"}.get(mark, "")
    return unicodedata.normalize("NFC", text[0] + mark) + text[1:]


def scripted(sign: str, text: str) -> str:
    """Raise (`^`) or lower (`_`) a text: in small figures where it is short and Unicode has them, else by its sign."""
    if sign == "^" and text in ("∘", "°"):
        return "°"
    small = _SUPERSCRIPTS if sign == "^" else _SUBSCRIPTS
    if text and all(letter in small for letter in text) and (len(text) <= 2 or not any(map(str.isalpha, text))):
        return "".join(small[letter] for letter in text)
    if len(text) == 1 or text.replace(".", "").isalnum():
        return f"{sign}{text}"
    return f"{sign}({text})" if text else ""


def in_alphabet(name: str, text: str) -> str:
    """Write a letter in a macro's alphabet where mail programs surely have it: ℝ for `mathbb`, plain for the others."""
    return _BLACKBOARD.get(text.strip(), text) if name == "mathbb" else text


def code_point(written: str) -> str | None:
    """Return the visible character that `x2013` or `8211` names, or None."""
    number = int(written[1:], 16) if re.fullmatch(r"x[0-9A-Fa-f]{2,5}", written) else None
    number = int(written) if re.fullmatch(r"\d{2,6}", written) else number
    if number is None or number > sys.maxunicode or not chr(number).isprintable():
        return None
    return chr(number)


_COMPOUND = re.compile(r"[\s+\-−*/·×]")


def _bracketed(text: str) -> str:
    return f"({text})" if _COMPOUND.search(text.strip()) else text.strip()


def _fraction(above: str, below: str) -> str:
    return f"{_bracketed(above)}/{_bracketed(below)}"


def _link(address: str, words: str = "") -> str:
    return f"{words} ({address})" if words.strip() not in ("", address.strip()) else address


def _cited(keys: str) -> str:
    return f"[{keys.strip()}]"


BUILT: dict[str, tuple[int, int, Callable[..., str | None]]] = {
    "frac": (2, 2, _fraction),
    "tfrac": (2, 2, _fraction),
    "dfrac": (2, 2, _fraction),
    "nicefrac": (2, 2, _fraction),
    "sfrac": (2, 2, _fraction),
    "binom": (2, 2, lambda above, below: f"C({above}, {below})"),
    "sqrt": (1, 1, lambda inner: f"√{_bracketed(inner)}"),
    "href": (1, 2, _link),
    "textcolor": (2, 2, lambda _colour, inner: inner),
    "footnote": (1, 1, lambda inner: f" ({inner.strip()})"),
    "textsuperscript": (1, 1, lambda inner: scripted("^", inner)),
    "textsubscript": (1, 1, lambda inner: scripted("_", inner)),
    "cite": (1, 1, _cited),
    "citep": (1, 1, _cited),
    "citet": (1, 1, _cited),
    "unicode": (1, 1, code_point),  # MathJax's own: a code point
}
"""Macros whose arguments are put together: the least and the most arguments, and how."""
