"""Subjects, preheaders, clipping and URLs."""

from __future__ import annotations

import textwrap
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.links import web_url
from digest.mail.wording import URL_LENGTH, clip, one_line, preheader_of, subject_of, wrap


@pytest.mark.parametrize(
    ("titles", "subject"),
    [
        (
            ["Layerwise LQR for Geometry-Aware Optimization", *"abcdefghi"],
            "Layerwise LQR for Geometry-Aware Optimization, and 9 more",
        ),
        (["Sorting Robots by Touch"], "Sorting Robots by Touch"),
        (
            ["Patchwork Transformers: Reusing Frozen Vision Encoders across Sensors and Sites", "b"],
            "Patchwork Transformers, and 1 more",
        ),
        (
            ["On: " + "very long words without an end in sight " * 4, "b"],
            "On: very long words without an end in sight very long words…, and 1 more",
        ),
        (["Attention 🚀 Is All ✨You Need\r\nBcc: x@y.example"], "Attention Is All You Need Bcc: x@y.example"),
        (["🚀"], "Today's papers"),
        ([], "Nothing new for you today"),
    ],
)
def test_the_subject_is_the_top_title_and_the_count(titles: list[str], subject: str) -> None:
    assert subject_of(titles) == subject


@given(st.lists(st.text(), max_size=40))
def test_a_subject_is_one_clean_line_of_at_most_78_characters(titles: list[str]) -> None:
    subject = subject_of(titles)
    assert 0 < len(subject) <= 78
    assert not any(unicodedata.category(mark) in {"Cc", "Cs", "Zl", "Zp"} for mark in subject)


def test_the_preheader_is_the_second_and_third_title() -> None:  # checklist 20
    assert preheader_of(["a", "Second", "Third", "d"], "summary") == "Second · Third"
    assert preheader_of(["a"], "summary") == "summary"


@given(st.text(), st.integers(min_value=0, max_value=60))
def test_clipped_text_never_exceeds_its_limit(text: str, limit: int) -> None:
    assert len(clip(text, limit)) <= limit


@given(st.text())
def test_one_line_has_no_controls_and_is_stable(text: str) -> None:
    line = one_line(text)
    assert one_line(line) == line
    assert not any(unicodedata.category(mark) in {"Cc", "Cs", "Zl", "Zp"} for mark in line)


def test_joiners_stay_in_persian_and_indic_words_and_direction_overrides_go() -> None:
    assert one_line("می\u200cخواهم क\u094d\u200dष") == "می\u200cخواهم क\u094d\u200dष"
    assert one_line("a\u202egpj.exe\u200b\u2066b\u200d !") == "agpj.exeb !"


def test_a_cut_never_parts_a_letter_from_its_marks() -> None:
    assert clip("e\u0301" * 30, 12) == "e\u0301" * 5 + "…"


@pytest.mark.parametrize(
    "url",
    ["https://a.example/x?y=1&z=2#q", "http://127.0.0.1:8000/u/t", "HTTPS://A.example", "http://[::1]:8000/"],
)
def test_http_and_https_urls_are_kept(url: str) -> None:
    assert web_url(url, limit=URL_LENGTH) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "//a.example/x",
        "https://",
        "https:///x",
        "java\nscript:x",
        "https://a.example/\r\nX: y",
        'https://a.example/"onclick=x',
        "https://a.example/<b>",
        "https://user@a.example/",
        "https://a.example:99999/",
        "http://[::1",
        "https://a.example/\u202egpj",
        "https://a.example/" + "x" * 700,
        "mailto:a@b.example",
    ],
)
def test_everything_else_is_left_out(url: str) -> None:  # checklist 26
    assert web_url(url, limit=URL_LENGTH) == ""


def test_text_is_wrapped_to_72_columns_but_words_are_whole() -> None:
    lines = wrap("word " * 60 + "x" * 90, "    ", " 1. ").splitlines()
    assert lines[0].startswith(" 1. word")
    assert all(len(line) <= 72 for line in lines[:-1])
    assert lines[-1] == "    " + "x" * 90


WORDS = st.lists(st.text("abc,.-é", min_size=1, max_size=90), min_size=1, max_size=30).map(" ".join)


@given(WORDS, st.sampled_from(["", "    "]), st.sampled_from([None, " 3. "]))
def test_wrapping_is_what_the_standard_library_does(text: str, indent: str, first: str | None) -> None:
    filled = textwrap.fill(
        text,
        72,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    assert wrap(text, indent, first) == filled
