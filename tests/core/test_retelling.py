"""Evidence that is stored in English is told in the reader's language, and is never made worse."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.core.evidence import ground, lead
from digest.core.language import ENGLISH, Language
from digest.core.retelling import reason_retold, retold, told_anew, unbroken
from digest.core.signals import KINDS, PAGE_PLACE, Movement
from digest.core.titles import telling
from digest.languages import language

BRITISH = Language("en-GB")  # goes through the patterns, and has no words but the English ones
MOVEMENTS = st.builds(
    lambda signal, strength, level, gained, hours, since, of, simulated: Movement(
        signal, 1.0, strength, level, gained, hours, since, of if signal == PAGE_PLACE else None, simulated
    ),
    st.sampled_from(sorted(KINDS)),
    st.floats(0, 1),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.floats(0, 200),
    st.booleans(),
    st.integers(1, 200),
    st.booleans(),
)
GROUNDS = st.builds(
    lambda days, foretold, has_code, categories, listings: ground(
        days, foretold=foretold, has_code=has_code, categories=categories, listings=listings
    ),
    st.none() | st.integers(0, 3000),
    st.booleans(),
    st.booleans(),
    st.integers(0, 9),
    st.integers(0, 9),
)


@settings(max_examples=300)
@given(
    st.lists(MOVEMENTS, max_size=3),
    GROUNDS.filter(lambda grounds: any(one.name != "listing" for one in grounds)),
    st.sampled_from(["", ", more than 98 % of cs.LG this week", ", more than 50 % of all papers this week"]),
)
def test_every_sentence_that_a_score_makes_is_read_back_whole(
    felt: list[Movement], grounds: tuple, compared: str
) -> None:
    words = f"{lead(felt, grounds)}{compared if felt else ''}."
    assert told_anew(words, BRITISH) == words
    german = told_anew(words, language("de"))
    assert german
    assert not {"Gaining", "upvotes", "listed", "this", "papers", "simulated"} & set(german.replace(",", " ").split())


@settings(max_examples=200)
@given(MOVEMENTS, GROUNDS, st.sampled_from(["Agents that reason", "Reasoning", "Nothing known"]))
def test_what_a_part_rests_on_is_read_back_whole(movement: Movement, grounds: tuple, title: str) -> None:
    weights = {"agents": 1.0, "reason": 0.5, "reasoning": 2.0}
    for words in (movement.words, *(one.words for one in grounds), telling(title, weights)):
        assert retold(words, BRITISH) == words
        assert not words or told_anew(words, BRITISH) == words


@pytest.mark.parametrize(
    ("english", "german"),
    [
        (
            "Gaining fast: +1,238 upvotes in 6 h, more than 99 % of cs.LG this week.",
            "Gewinnt schnell: +1.238 Upvotes in 6 h, mehr als 99\u00a0% der Arbeiten in cs.LG diese Woche.",
        ),
        (
            "Gaining: +1 star in 3 days, with simulated signals.",
            "Gewinnt: +1 Stern in 3 Tagen, mit simulierten Signalen.",
        ),
        (
            "Listed today, code is available, in 3 categories; no votes, stars or comments seen yet.",
            "Heute gelistet, Code ist verfügbar, in 3 Kategorien; noch keine Stimmen, Sterne oder Kommentare gesehen.",
        ),
        ("place 2 of 40 on the day's page", "Platz 2 von 40 auf der Tagesseite"),
        ("“agents” and “reason” in the title", "„agents“ und „reason“ im Titel"),
    ],
)
def test_german_evidence_reads_as_german(english: str, german: str) -> None:
    assert retold(english, language("de")) == german


@pytest.mark.parametrize(
    "words",
    ["", "+12 likes in 6 h", "Gaining fast: the moon.", "An editor's own words.", "+٣ upvotes in 6 h", "in 3 cats"],
)
def test_what_follows_no_pattern_stays_as_it_is(words: str) -> None:
    assert retold(words, language("de")) == words


@given(st.text(max_size=200))
def test_whatever_is_stored_something_is_said(words: str) -> None:
    assert bool(retold(words, language("de"))) == bool(words)
    assert retold(words, ENGLISH) == words


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("You follow cs.LG", "Sie folgen cs.LG"),
        ("By Ada Probe, whom you follow", "Von Ada Probe: Sie folgen diesem Namen"),
        ("Close to papers you liked: flow, matching", "Nah an Arbeiten, die Ihnen gefielen: flow, matching"),
        ("Outside your usual", "Außerhalb Ihres Üblichen"),
        ("For no reason", "For no reason"),
        ("", ""),
    ],
)
def test_the_reason_of_a_pick_is_told_too(english: str, german: str) -> None:
    assert reason_retold(english, language("de")) == german
    assert reason_retold(english, ENGLISH) == english


def test_a_number_keeps_to_the_line_of_its_unit() -> None:
    words = "Gaining: +1,200 upvotes in 24 h, more than 98.5 % of cs.LG this week; 4 hours, 12 here, -0.4 % each"
    kept = "Gaining: +1,200 upvotes in 24_h, more than 98.5_% of cs.LG this week; 4 hours, 12 here, -0.4_% each"
    assert unbroken(words) == kept.replace("_", "\u00a0")
