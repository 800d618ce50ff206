"""Papers as BibTeX entries, safe for whatever their titles hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from digest.core.text import slug, title_key

# Backslash first by being one pass: a replaced sign is not looked at again.
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}
_TO_ESCAPE = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")
_CAPITAL = re.compile(r"[A-Z]")
_LITTLE = frozenset({"a", "an", "the", "on", "in", "of", "for", "to", "and", "with", "is", "are", "what", "how"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an entry is made of; empty fields are left out."""

    title: str
    authors: Sequence[str] = ()
    authors_complete: bool = True
    on: date | None = None
    arxiv_id: str | None = None
    primary_category: str = ""
    doi: str = ""
    journal: str = ""
    url: str = ""


def bibliography(works: Sequence[Work]) -> str:
    """Write works as a BibTeX file in UTF-8, one entry each, under keys that are all different."""
    used: set[str] = set()
    return "\n".join(_entry(work, used) for work in works)


def _entry(work: Work, used: set[str]) -> str:
    key = _key(work, used)
    used.add(key)
    authors = [_escaped(_one_line(name)) for name in work.authors] + ([] if work.authors_complete else ["others"])
    fields = [
        ("title", f"{{{_capitals_kept(work.title)}}}"),
        ("author", f"{{{' and '.join(authors)}}}" if authors else ""),
        ("year", f"{{{work.on.year}}}" if work.on else ""),
        ("journal", f"{{{_escaped(_one_line(work.journal))}}}" if work.journal else ""),
        ("eprint", f"{{{work.arxiv_id}}}" if work.arxiv_id else ""),
        ("archivePrefix", "{arXiv}" if work.arxiv_id else ""),
        ("primaryClass", f"{{{_escaped(work.primary_category)}}}" if work.arxiv_id and work.primary_category else ""),
        ("doi", f"{{{_escaped(_one_line(work.doi))}}}" if work.doi else ""),
        ("url", f"{{{_address(work.url)}}}" if work.url else ""),
    ]
    lines = "".join(f"  {name} = {value},\n" for name, value in fields if value)
    return f"@{'article' if work.journal else 'misc'}{{{key},\n{lines}}}\n"


def _key(work: Work, used: Collection[str]) -> str:
    """Make a key like `probe2026layerwise`: surname, year, first telling word; in ASCII, so that LaTeX takes it."""
    surname = slug(work.authors[0]).split("-")[-1] if work.authors else ""
    word = next((one for one in title_key(work.title).split() if one not in _LITTLE and one.isascii()), "")
    stem = f"{surname or 'paper'}{work.on.year if work.on else ''}{word}"[:60]
    number, key = 1, stem
    while key in used:
        number += 1
        key = f"{stem}-{number}"
    return key


def _capitals_kept(title: str) -> str:
    """Escape a title, and put words with a capital inside in braces: styles make the others small."""
    return " ".join(f"{{{_escaped(word)}}}" if _CAPITAL.search(word[1:]) else _escaped(word) for word in title.split())


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return _TO_ESCAPE.sub(lambda sign: _SPECIAL[sign[0]], text)


def _address(url: str) -> str:
    return "".join(url.split()).replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")
