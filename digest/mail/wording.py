"""Words for a mail made from words of others: cleaned, clipped, and safe to put in a subject or a link."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from digest.core.language import ENGLISH, Language

SUBJECT_LENGTH = 78
URL_LENGTH = 600

_EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\ufe0f\u20e3\U000e0020-\U000e007f]")
_BIDI_CONTROLS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
_JOINERS = frozenset("\u200c\u200d")


def one_line(text: str) -> str:
    """Fold whitespace and drop what could break a line, turn its direction or hide in it (Cc, Cf, Cs, bidi)."""
    folded = " ".join(text.split())
    if folded.isascii() and folded.isprintable():  # most are, and the rest takes a hundred times as long
        return folded
    kept = []
    for place, mark in enumerate(folded):
        if mark in _BIDI_CONTROLS:
            continue
        if mark in _JOINERS:  # letters of Persian and Indic scripts need them between letters; nothing else does
            around = folded[max(place - 1, 0) : place] + folded[place + 1 : place + 2]
            if len(around) < 2 or not all(unicodedata.category(other)[0] in "LM" for other in around):
                continue
        elif unicodedata.category(mark) in {"Cc", "Cf", "Cs"}:
            continue
        kept.append(mark)
    return " ".join("".join(kept).split())


def clip(text: str, limit: int) -> str:
    """Cut text to at most `limit` characters, at a word where there is one, with an ellipsis in place of the rest."""
    if len(text) <= limit:
        return text
    if limit < 2:
        return ""
    head = text[: limit - 1]
    at_word = head.rsplit(" ", 1)[0] if " " in head and text[limit - 1] != " " else head
    if len(at_word) < limit // 2:  # one endless word: cut inside it rather than lose most of the text
        at_word = head
    while at_word and unicodedata.category(text[len(at_word)]).startswith("M"):
        at_word = at_word[:-1]  # never between a letter and its marks
    return at_word.rstrip(" ,;:.-–—") + "…"


@lru_cache(maxsize=4_000)
def short_title(title: str, limit: int) -> str:
    """Shorten a title for a subject: whole if it fits, else up to its colon, else at a word; no emoji."""
    plain = one_line(_EMOJI.sub("", one_line(title)))
    if len(plain) <= limit:
        return plain
    before_colon = plain.split(": ", 1)[0]
    if 12 <= len(before_colon) <= limit:
        return before_colon
    return clip(plain, limit)


def subject_of(titles: Sequence[str], number: int | None = None, say: Language = ENGLISH) -> str:
    """Write the subject of a digest: the top paper's short title, then how many more of the `number` there are."""
    if not titles:
        return say("Nothing new for you today")
    count = (len(titles) if number is None else number) - 1
    suffix = _and_more(count, say) if count else ""
    return (short_title(titles[0], SUBJECT_LENGTH - len(suffix)) or say("Today's papers")) + suffix


@lru_cache(maxsize=256)
def _and_more(count: int, say: Language) -> str:
    return say.count(", and %(num)s more", ", and %(num)s more", count)


def preheader_of(titles: Sequence[str], otherwise: str) -> str:
    """Write the line a mail list shows after the subject: the second and third titles, or `otherwise`."""
    rest = [short_title(title, 90) for title in titles[1:3]]
    return clip(" · ".join(filter(None, rest)) or one_line(otherwise), 180)


def more_on_the_web(number: int, say: Language = ENGLISH) -> str:
    """Say how many papers a mail had no room for."""
    return say.count("%(num)s more on the web", "%(num)s more on the web", number)


def nothing_new(upcoming: date | None, say: Language = ENGLISH) -> str:
    """Say that there is nothing new for a reader, and on which local date their next digest is due, if it is known."""
    if upcoming is None:
        return say("Nothing new on your topics today; your next digest comes when there is.")
    day = say.date(upcoming, weekday=True)
    return say("Nothing new on your topics today; your next digest comes on %(day)s.", day=day)


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """Wrap one paragraph to 72 columns; `first` begins the first line, `indent` the others. Words are not cut.

    No line breaks at a no-break space; it is an ordinary one afterwards, as plain text wants it.
    """
    if text.isascii() and text.isprintable() and "  " not in f" {text} ":  # as textwrap does it, in a tenth of its time
        return _wrapped(text.split(" "), indent, indent if first is None else first)
    filled = textwrap.fill(
        text,
        72,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace("\u00a0", " ")


def _wrapped(words: list[str], indent: str, first: str) -> str:
    lines = []
    line = first + words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) <= 72:
            line += f" {word}"
        else:
            lines.append(line)
            line = indent + word
    lines.append(line)
    return "\n".join(lines) if words != [""] else ""
