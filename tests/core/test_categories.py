"""Categories: short forms become full names, and other schemes' classes are told apart."""

from __future__ import annotations

import pytest

from digest.core.categories import CATEGORY_NAMES, category_name, full_category, is_category


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("AI", "cs.AI"),
        ("CL", "cs.CL"),
        ("CV", "cs.CV"),
        ("CY", "cs.CY"),
        ("LG", "cs.LG"),
        ("ML", "stat.ML"),
        ("NE", "cs.NE"),
        ("OC", "math.OC"),
        ("SD", "cs.SD"),
        ("SI", "cs.SI"),
        ("IV", "eess.IV"),
        ("NC", "q-bio.NC"),
        ("quant-ph", "quant-ph"),
        ("mes-hall", "cond-mat.mes-hall"),
        (" cs.LG ", "cs.LG"),
        ("CS.lg", "cs.LG"),
        ("cond-mat", "cond-mat"),
    ],
)
def test_a_short_class_becomes_its_full_name(short: str, full: str) -> None:
    assert full_category(short) == full


@pytest.mark.parametrize("text", ["", "XX", "cs", "68T05", "I.2.7", "LG " * 1000])
def test_what_is_no_class_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an arXiv category"):
        full_category(text)


def test_every_full_name_is_its_own_full_name() -> None:
    assert all(full_category(full) == full and is_category(full) for full in CATEGORY_NAMES)


@pytest.mark.parametrize("text", ["cs.LG", "cmp-lg", "cs.ZZ", "physics.new-ph", "hep-th"])
def test_known_old_and_coming_categories_are_categories(text: str) -> None:
    assert is_category(text)


@pytest.mark.parametrize(
    "text", ["", "I.2.7", "68T05", "68T50 (Primary)", "K.6.5", "cs", "zz.AI", "cs.LG, cs.AI", "<b>"]
)
def test_classes_of_other_schemes_are_not_categories(text: str) -> None:
    assert not is_category(text)


def test_a_category_has_the_name_that_readers_know() -> None:
    assert category_name("cs.RO") == "Robotics"
    assert category_name("cs.CE") == "Computational Engineering, Finance, and Science"
    assert category_name("cs.ZZ") == "cs.ZZ"
