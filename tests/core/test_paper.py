"""Identity: every written form of an arXiv id, authors' keys, and when two listings are one work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.paper import author_key, parse_arxiv_id, same_work
from digest.core.text import slug, title_key


@pytest.mark.parametrize(
    ("written", "canonical", "version"),
    [
        ("2508.13426", "2508.13426", None),
        ("2508.13426v12", "2508.13426", 12),
        ("0704.0001v1", "0704.0001", 1),
        (" arXiv:2508.13426v2 ", "2508.13426", 2),
        ("oai:arXiv.org:2508.13426v1", "2508.13426", 1),
        ("https://arxiv.org/abs/2508.13426v3", "2508.13426", 3),
        ("http://www.arxiv.org/pdf/2508.13426v3.pdf", "2508.13426", 3),
        ("https://export.arxiv.org/html/2508.13426", "2508.13426", None),
        ("math.GT/0309136", "math/0309136", None),
        ("math/0309136v2", "math/0309136", 2),
        ("oai:arXiv.org:hep-th/9901001", "hep-th/9901001", None),
        ("cond-mat.str-el/9901001", "cond-mat/9901001", None),
        ("quant-ph/0201082v1", "quant-ph/0201082", 1),
    ],
)
def test_every_written_form_of_an_id_is_one_id(written: str, canonical: str, version: int | None) -> None:
    assert parse_arxiv_id(written) == (canonical, version)


@pytest.mark.parametrize(
    "written",
    ["", "2508.134", "2513.13426", "2508.13426v0", "2508.13426x", "math/0313136", "https://example.org/abs/2508.13426"],
)
def test_what_is_no_id_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="not an arXiv identifier"):
        parse_arxiv_id(written)


@given(st.text(max_size=300))
def test_any_text_is_an_id_or_refused(text: str) -> None:
    try:
        canonical, _ = parse_arxiv_id(text)
    except ValueError:
        return
    assert parse_arxiv_id(canonical) == (canonical, None)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Yann N. Dauphin", "dauphin y"),
        ("Y. Dauphin", "dauphin y"),
        ("Stéphane d'Ascoli", "ascoli s"),
        ("DatologyAI", "datologyai"),
        ("李明", "李明"),
        ("", ""),
    ],
)
def test_a_name_is_reduced_to_surname_and_initial(name: str, key: str) -> None:
    assert author_key(name) == key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("a b c", "dauphin y"), ("a b c", "dauphin y"), True),
        (("a b c", "dauphin y"), ("a b c", "bell a"), False),
        (("a b c", "dauphin y"), ("a b c", ""), True),
        (("a b", "dauphin y"), ("a b", ""), False),
        (("a b", ""), ("a b", ""), True),
        (("a b c", ""), ("a b d", ""), False),
        (("", ""), ("", ""), False),
    ],
)
def test_two_listings_are_one_work_by_title_and_first_author(
    one: tuple[str, str], other: tuple[str, str], same: bool
) -> None:
    assert same_work(*one, *other) is same
    assert same_work(*other, *one) is same


def test_titles_are_compared_without_case_accents_and_punctuation() -> None:
    assert title_key("ÜberWeb:  Insights—from\nMultilingual") == title_key("uberweb insights from multilingual")


def test_a_slug_is_short_ascii_and_cut_between_words() -> None:
    assert slug("The Finetuner's Fallacy: When to Pretrain", limit=24) == "the-finetuner-s-fallacy"
    assert slug("量子") == ""
    assert slug("x" * 100) == "x" * 80
