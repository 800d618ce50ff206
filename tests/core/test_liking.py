"""The words of a taste are told as the papers write them, and are the same words in whatever form they are written."""

from __future__ import annotations

import numpy as np
import pytest

from digest.core.liking import Example, Rarity, learn
from digest.core.prints import PLACES, folded_word, place_of_term, print_of
from digest.core.reading import Taste

RARITY = Rarity(1_000, bytes(4 * PLACES))
TEXTS = (
    "Gravitational Lenses Seen Through LoRA\n"
    "LoRA finds lenses. Each lens bends Schrödinger waves; a series of LLMs watches.",
    "LLMs for Time Series\n"
    "Time series of galaxies and of lenses, read by an LLM. LLMs forget; Retrieval helps retrieval.",
)


def liking(*texts: str, struck: tuple[str, ...] = ()) -> Taste:
    return learn([Example(1.0, print_of(text), ("cs.LG",), text) for text in texts], RARITY, struck)


def test_words_are_told_in_the_form_that_the_papers_use_most() -> None:
    told = liking(*TEXTS).terms
    assert {"lenses", "series", "LLMs", "LoRA", "galaxies", "schrödinger", "retrieval"} <= set(told)
    assert not {"lense", "sery", "llm", "lora", "galaxy", "schrodinger", "Retrieval"} & set(told)
    assert list(told.values()) == sorted(told.values(), reverse=True)


def test_what_a_disliked_paper_writes_has_no_say_in_the_form() -> None:
    against = Example(-0.1, print_of("lora"), (), "lora lora lora lora")
    papers = [Example(1.0, print_of(TEXTS[0]), (), TEXTS[0]), against]
    assert "LoRA" in learn(papers, RARITY).terms


@pytest.mark.parametrize("struck", ["lenses", "lense", "Lenses"])
def test_a_word_is_struck_out_in_whatever_form_it_is_named(struck: str) -> None:
    taste = liking(*TEXTS, struck=(struck,))
    assert taste.terms[struck] == 0.0
    assert [word for word in taste.terms if folded_word(word) == "lense"] == [struck]
    assert place_of_term("lenses") not in np.frombuffer(taste.words, "<i4").tolist()


def test_a_folded_word_is_its_own_folded_word_and_a_phrase_or_a_stop_word_is_none() -> None:
    for written, folded in (("LLMs", "llm"), ("Lenses", "lense"), ("series", "sery"), ("naïve", "naive")):
        assert folded_word(written) == folded == folded_word(folded)
    assert [folded_word(none) for none in ("two words", "the", "", "x", "—")] == [""] * 5
