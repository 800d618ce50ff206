"""A language writes dates, times, numbers and lists its own way, and is found by what a browser asks for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.language import ENGLISH, Language, accepted

GERMAN = Language("de")
DAY = date(2026, 5, 20)
AT = datetime(2026, 5, 20, 8, 5, tzinfo=timezone(timedelta(hours=2)))


def test_dates_have_their_month_in_words() -> None:
    assert ENGLISH.date(DAY) == "20 May 2026"
    assert ENGLISH.date(DAY, weekday=True) == "Wednesday, 20 May 2026"
    assert GERMAN.date(DAY) == "20. Mai 2026"
    assert GERMAN.date(DAY, weekday=True) == "Mittwoch, 20. Mai 2026"
    assert (ENGLISH.month(DAY), GERMAN.month(DAY)) == ("May 2026", "Mai 2026")
    assert (ENGLISH.weekday(0), GERMAN.weekday(6)) == ("Monday", "Sonntag")


def test_times_are_those_of_the_zone_and_instants_of_utc() -> None:
    assert ENGLISH.time(AT) == GERMAN.time(AT) == "08:05"
    assert ENGLISH.instant(AT) == "20 May 2026, 06:05 UTC"


@pytest.mark.parametrize(
    ("value", "digits", "english", "german"),
    [
        (0, 0, "0", "0"),
        (999, 0, "999", "999"),
        (1_234_567, 0, "1,234,567", "1.234.567"),
        (-5, 0, "-5", "-5"),
        (99.64, 1, "99.6", "99,6"),
        (87.0, 1, "87", "87"),
        (1234.5, 1, "1,234.5", "1.234,5"),
    ],
)
def test_numbers_are_grouped_and_cut(value: float, digits: int, english: str, german: str) -> None:
    assert ENGLISH.number(value, digits) == english
    assert GERMAN.number(value, digits) == german


def test_lists_end_with_a_word() -> None:
    assert [ENGLISH.listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert GERMAN.listed(["a", "b", "c"]) == "a, b und c"


def test_words_without_a_catalogue_are_the_english_with_its_places_filled() -> None:
    assert GERMAN("Page %(page)s of %(pages)s, 5 %%", page=1200, pages="x%s") == "Page 1.200 of x%s, 5 %"
    assert ENGLISH.count("%(num)s paper", "%(num)s papers", 1) == "1 paper"
    assert ENGLISH.count("%(num)s paper of %(all)s", "%(num)s papers of %(all)s", 1200, all=3) == "1,200 papers of 3"
    assert ENGLISH.meant("category", "Logic") == "Logic"


def test_a_language_knows_its_direction_and_its_name() -> None:
    assert (ENGLISH.direction, Language("ar").direction, Language("he").direction) == ("ltr", "rtl", "rtl")
    assert (ENGLISH.name, GERMAN.name, Language("pt-BR").name) == ("English", "Deutsch", "Português (Brasil)")


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        ("fr, de-AT;q=0.5, en;q=0.3", "de"),
        ("en;q=0.3, de;q=0.31", "de"),
        ("en, de", "en"),
        ("de;q=0, en", "en"),
        ("pt", "pt-BR"),
        ("pt-br", "pt-BR"),
        ("pt-PT, de;q=0.1", "de"),
        ("zh-Hant-TW", "zh-Hant"),
        ("fr", ""),
        ("*", ""),
        ("", ""),
        ("de;q=x, en;q=2", "en"),
        ("de;level=1", ""),
        ("de;q=nan, en;q=inf", "en"),
        (",;,-,;q=1", ""),
        ("x" * 400 + "," * 200 + "de", ""),
    ],
)
def test_a_browser_gets_what_it_likes_best_of_what_there_is(header: str, tag: str) -> None:
    assert accepted(header, ("en", "de", "pt-BR", "zh-Hant")) == tag


@given(st.text(max_size=600))
def test_whatever_a_browser_sends_the_answer_is_offered_or_nothing(header: str) -> None:
    assert accepted(header, ("en", "de")) in ("", "en", "de")


def test_an_instant_of_another_zone_is_the_same_instant() -> None:
    assert GERMAN.instant(AT) == GERMAN.instant(AT.astimezone(UTC))
