"""The first sentences of a text, for a reader in a hurry."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?][\"')\]]*(?=\s+[^\s a-z])|[。！？]")
_NO_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|al|fig|figs|eq|eqs|sec|no|dr|prof|st|approx|resp|w\.r\.t)|\b[A-Z])\.$", re.IGNORECASE
)


def first_sentences(text: str, *, count: int = 2, limit: int = 420) -> str:
    """Return the first sentences on one line, at most `limit` characters; what is longer is cut at a word with `…`.

    Abbreviations and initials do not end a sentence.
    """
    line = " ".join(text[: limit * 8].split())
    ends = [match.end() for match in _END.finditer(line) if not _NO_END.search(line[: match.end()][-12:])]
    whole = line[: ends[count - 1]] if len(ends) >= count else line
    if len(whole) <= limit:
        return whole
    fitting = [end for end in ends if limit // 3 <= end <= limit]
    if fitting:
        return line[: fitting[-1]]
    cut = whole[: limit - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[limit // 2 :] else cut}…"
