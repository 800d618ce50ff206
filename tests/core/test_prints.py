"""Prints: the same words give the same places, whatever their case, accents or number."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from digest.core.prints import PLACES, place, print_of, singular, subject_words


def test_case_accents_plurals_and_little_words_make_no_difference() -> None:
    assert print_of("The Schrödinger OPERATORS of a class") == print_of("schrodinger operator class")
    assert subject_words("What we do not know of studies, lenses and gas") == ["know", "study", "lense", "gas"]
    assert [singular(word) for word in ("bus", "axis", "loss", "maps", "ties", "as")] == [
        "bus", "axis", "loss", "map", "ty", "as",
    ]  # fmt: skip


def test_a_word_weighs_more_the_more_often_it_stands_but_ever_less_so() -> None:
    def weight(times: int) -> float:
        return float(struct.unpack("<f", print_of("lamp " * times).counts)[0])

    assert weight(1) == 1
    assert 0 < weight(20) - weight(10) < weight(10) - weight(1)


def test_the_place_of_a_word_is_for_ever() -> None:
    assert [place(word) for word in ("lamp", "bridge", "李")] == [217_702, 3_999, 77_680]


@given(st.text(max_size=300))
def test_any_text_has_a_print_in_order(text: str) -> None:
    found = print_of(text)
    places = struct.unpack(f"<{len(found.words) // 4}i", found.words)
    assert list(places) == sorted(set(places))
    assert all(0 <= one < PLACES for one in places)
    assert len(found.counts) == len(found.words)
