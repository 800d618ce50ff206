"""Names, categories and instants as arXiv's interfaces write them."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest

from digest.sources.arxiv_fields import (
    MAX_AUTHOR_LINE,
    abstract_of,
    authors_of_line,
    categories_of,
    day_of,
    instant_of,
    web_address,
)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("Ada Potter", ("Ada Potter",)),
        ("Ada Potter,  Bo Clay, Cy", ("Ada Potter", "Bo Clay", "Cy")),
        ("A. Potter, B. Clay and C. Glaze", ("A. Potter", "B. Clay", "C. Glaze")),
        ("A. Potter, B. Clay, and C. Glaze", ("A. Potter", "B. Clay", "C. Glaze")),
        ("A. Potter, Jr., B. Clay III", ("A. Potter Jr.", "B. Clay III")),
        ("A. Potter (Kiln, Inc.), B. Clay ((1) Here, (2) There)", ("A. Potter", "B. Clay")),
        ("Yi (Ethan) Clay (Here)", ("Yi (Ethan) Clay",)),
        ("Kiln Collaboration: A. Potter", ("Kiln Collaboration", "A. Potter")),
        ("Ferdinand Anderson, Sandy Brand", ("Ferdinand Anderson", "Sandy Brand")),
        ("Bo K\\\"olner, \\'Eva Clay", ("Bo Kölner", "Éva Clay")),
        ("A (never closed, B", ("A (never closed, B",)),
        (" , : ;", ()),
        ("", ()),
    ],
)
def test_a_line_of_authors_becomes_their_names(line: str, names: tuple[str, ...]) -> None:
    assert authors_of_line(line) == names


@pytest.mark.parametrize(
    "line", ["()" * 240_000, "(" * 480_000, "a)" * 240_000, ", " * 240_000, "a" + "(b) " * 120_000]
)
def test_a_hostile_line_of_authors_takes_bounded_time(line: str) -> None:
    started = time.monotonic()
    authors_of_line(line)
    assert time.monotonic() - started < 5
    with pytest.raises(ValueError, match="characters"):
        authors_of_line(line + "x" * MAX_AUTHOR_LINE)


def test_the_primary_category_stands_first_and_other_classes_are_left_out() -> None:
    assert categories_of(["cs.LG", "68T05", "cs.AI", "I.2.7", "cs.LG"], "cs.AI") == ("cs.AI", "cs.LG")
    assert categories_of(["nonsense"], "") == ()


def test_instants_and_days_are_read_in_both_notations() -> None:
    assert instant_of("Mon, 18 May 2026 00:00:00 -0400") == datetime(2026, 5, 18, 4, tzinfo=UTC)
    assert instant_of("2026-05-18T04:00:19.5+00:00") == datetime(2026, 5, 18, 4, 0, 19, 500_000, tzinfo=UTC)
    assert instant_of("2026-05-18T04:00:00Z") == datetime(2026, 5, 18, 4, tzinfo=UTC)
    assert day_of("Mon, 18 May 2026 00:00:00 -0400") == date(2026, 5, 18)
    assert day_of("2026-05-18") == date(2026, 5, 18)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "0000", "9999-12-31T23:59:59-23:00", "Mon, 99 May 2026 00:00:00"]
)
def test_what_is_no_instant_is_none(text: str) -> None:
    assert instant_of(text) is None


def test_only_web_addresses_pass() -> None:
    assert web_address(" http://example.org/x ") == "http://example.org/x"
    assert not any(map(web_address, ["javascript:alert(1)", "http://a b", "https://x.org/<b>", "ftp://x.org", ""]))


def test_an_indented_line_begins_a_paragraph() -> None:
    assert abstract_of("  One\nline.\n  Another.\n") == "One line.\n\nAnother."
