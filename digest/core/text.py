"""Text from outside made readable, and comparable: keys and slugs."""

from __future__ import annotations

import html
import re
import unicodedata

from digest.core.latex import to_unicode

_NOT_WORD = re.compile(r"[\W_]+")
_BLANK_LINE = re.compile(r"\n[ \t\r\f\v]*\n\s*")
# Only with its semicolon: `&copy=1` in an address is no copyright sign. Twice escaped text is met as well.
_ENTITY = re.compile(r"&(?:amp;)?(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# UTF-8 that was once taken for Latin-1: arXiv's own API sends names so. No language writes these pairs.
_TWICE_ENCODED = re.compile("[\u00c2-\u00c5][\u0080-\u00bf]")
# Signs that reorder or hide text, and halves of surrogate pairs, which no encoding takes.
_ABSENT = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")


def title_key(text: str) -> str:
    """Normalise a title for comparison: case-folded words, without accents or punctuation, single spaces."""
    if text.isascii():  # most titles and names, and five times as fast
        return _NOT_WORD.sub(" ", text.lower()).strip()
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return _NOT_WORD.sub(" ", bare.casefold()).strip()


def slug(text: str, *, limit: int = 80) -> str:
    """Make an ASCII slug of at most `limit` characters, cut between words; empty if nothing is left."""
    ascii_words = title_key(text).encode("ascii", "ignore").decode().split()
    kept = ""
    for word in ascii_words:
        longer = f"{kept}-{word}" if kept else word
        if len(longer) > limit:
            break
        kept = longer
    return kept or "".join(ascii_words)[:limit]


def readable(text: str) -> str:
    """Make LaTeX and entities readable Unicode, conservatively; one line, spaces folded.

    What is not understood stays as it was written. Never raises; the time is linear in the text.
    """
    return " ".join(_clear(text).split())


def readable_paragraphs(text: str) -> str:
    """Do what `readable` does, and keep the paragraphs: blank lines between them become one."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in _BLANK_LINE.split(_clear(text)))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _clear(text: str) -> str:
    if "&" in text:
        text = _ENTITY.sub(_entity, text)
    if text.isascii():  # most texts, and none of the signs below
        return to_unicode(text if text.isprintable() else _INVISIBLE.sub(" ", text))
    text = _TWICE_ENCODED.sub(lambda pair: pair[0].encode("latin-1").decode("utf-8"), text)
    bare = _INVISIBLE.sub(" ", _ABSENT.sub("", text))
    return unicodedata.normalize("NFC", to_unicode(bare))


def _entity(match: re.Match[str]) -> str:
    return html.unescape(html.unescape(match[0]))
