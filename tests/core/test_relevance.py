"""What a search found, ordered anew: words weigh by rarity, a title that holds all of them leads."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from digest.core.prints import PLACES, place, print_of
from digest.core.relevance import Hit, blended


def counts(**having: int) -> bytes:
    frequency = [0] * PLACES
    for word, papers in having.items():
        frequency[place(word)] = papers
    return struct.pack(f"<{PLACES}i", *frequency)


COUNTS = counts(lamp=900, bridge=3, model=1_000)


def test_a_rare_word_says_more_than_a_common_one() -> None:
    hits = [
        Hit(1, 5.0, "a", print_of("lamps lamps lamps bridge town harbour river road")),
        Hit(2, 5.0, "b", print_of("lamp bridges bridges bridges town harbour river road")),
    ]
    assert blended(["bridges", "lamps"], hits, 1_000, COUNTS) == [2, 1]


def test_a_title_with_every_word_leads_whatever_their_number() -> None:
    text = print_of("bridge lamp bridge lamp bridge")
    hits = [
        Hit(1, 9.0, "on towns", text),
        Hit(2, 1.0, "lamp and bridges in towns", print_of("bridge lamp " + "x " * 99)),
    ]
    assert blended(["bridge", "lamps"], hits, 1_000, COUNTS) == [2, 1]


def test_without_prints_the_engine_decides() -> None:
    hits = [Hit(number, float(9 - number), "an untold title") for number in range(5)]
    assert blended(["zoe", "elan"], hits, 0, bytes(4 * PLACES)) == [0, 1, 2, 3, 4]
    assert blended(["zoe", "elan"], hits, 1_000, COUNTS) == [0, 1, 2, 3, 4]
    assert blended([], [], 1_000, COUNTS) == []


@given(
    st.lists(st.text(max_size=12), max_size=5),
    st.lists(st.tuples(st.floats(0, 100), st.text(max_size=20), st.none() | st.text(max_size=40)), max_size=8),
    st.integers(0, 2_000),
)
def test_every_hit_comes_back_once(query: list[str], stated: list[tuple[float, str, str | None]], papers: int) -> None:
    hits = [
        Hit(number, weight, title, None if text is None else print_of(text))
        for number, (weight, title, text) in enumerate(stated)
    ]
    assert sorted(blended(query, hits, papers, COUNTS)) == list(range(len(hits)))
