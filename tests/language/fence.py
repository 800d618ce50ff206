"""A language whose words stand in brackets and whose months are in Greek letters: what is said outside shows."""

from __future__ import annotations

import re

from digest.core.language import Language

OPEN, CLOSE = "⟦", "⟧"
_WORD = re.compile(r"[A-Za-z]{3,}")


class _Fenced:
    """A catalogue that answers with the English in brackets."""

    def gettext(self, words: str) -> str:
        return f"{OPEN}{words}{CLOSE}"

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self.gettext(one if number == 1 else many)

    def pgettext(self, context: str, words: str) -> str:
        return self.gettext(words)


FENCED = Language("el", _Fenced())  # type: ignore[arg-type]  # it has all that is asked of it


def outside(text: str) -> list[str]:
    """Return the words of a text that stand in no brackets."""
    depth, found = 0, []
    for mark in text:
        depth += (mark == OPEN) - (mark == CLOSE)
        found.append(mark if depth == 0 else " ")
    return _WORD.findall("".join(found))
