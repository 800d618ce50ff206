"""A paper's words as places in one wide row: hashed, not learned, so that prints of any day can be compared.

Light: the web and the sender may import it. A change of what a word or a place is needs the stored prints made anew.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections import Counter
from typing import NamedTuple

from digest.core.text import title_key

PLACES = 2**18  # what words are hashed to
_LONGEST = 20_000  # characters of a text that are read; an abstract has 1,000 to 2,000
_LONGEST_WORD = 40
# They hold a sentence together and say nothing of its subject.
_LITTLE = """
    a about above after again against all also although am among an and another any are as at be because been before
    being below between both but by can cannot could did do does doing done down during each either else even ever every
    few for from further had has have having he hence her here him his how however if in into is it its itself just may
    me might more moreover most much must my nor not now of off often on once one only onto or other others our out over
    own per rather same she should since so some such than that the their them then there therefore these they this
    those though through thus to too toward towards under until up upon us very via was we well were what when where
    whether which while who whom whose why will with within without would yet you your
"""
_STOP = frozenset(_LITTLE.split())


class Print(NamedTuple):
    """The places of a text's different words, ascending, as little-endian int32; the weight of each as float32."""

    words: bytes
    counts: bytes


def print_of(text: str) -> Print:
    """Make the print of a text: each word weighs one more than the logarithm of its count."""
    counted = Counter(map(place, subject_words(text)))
    places = sorted(counted)
    return Print(
        struct.pack(f"<{len(places)}i", *places),
        struct.pack(f"<{len(places)}f", *(1 + math.log(counted[one]) for one in places)),
    )


def subject_words(text: str) -> list[str]:
    """List the words of a text without case, accents, plurals and the words that hold a sentence together."""
    found = title_key(text[:_LONGEST]).split()
    return [singular(word) for word in found if is_telling(word)]


def is_telling(word: str) -> bool:
    """Tell whether a folded word says something of a subject."""
    return 1 < len(word) <= _LONGEST_WORD and word not in _STOP


def singular(word: str) -> str:
    """Strip what makes most English plurals; a word that only looks like one is stripped alike everywhere."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


def folded_word(written: str) -> str:
    """Return a word as a print counts it, however it is written; empty for what is not one telling word."""
    folded = written.lower() if written.isascii() and written.isalnum() else title_key(written)
    return singular(folded) if is_telling(folded) and " " not in folded else ""


def place_of_term(written: str) -> int:
    """Return where a word counts, however it is written."""
    return place(folded_word(written))


def place(word: str) -> int:
    """Return where a word counts, 0 to PLACES - 1."""
    return zlib.crc32(word.encode("utf-8", "replace")) % PLACES
