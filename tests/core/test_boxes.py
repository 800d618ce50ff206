"""The boxes of the preferences: every line is judged by itself, whatever is pasted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.boxes import MOST, arxiv_ids, lines_of, own_address, read_box
from digest.core.interests import InterestKind


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("2508.13426", ("2508.13426",)),
        ("2508.13426v3", ("2508.13426",)),
        ("arXiv:2508.13426v2 [cs.LG]", ("2508.13426",)),
        ("https://arxiv.org/abs/2508.13426?context=cs", ("2508.13426",)),
        ("http://www.arxiv.org/pdf/2508.13426v1.pdf", ("2508.13426",)),
        ("https://huggingface.co/papers/2508.13426", ("2508.13426",)),
        ("https://doi.org/10.48550/arXiv.2508.13426", ("2508.13426",)),
        ("eprint = {2508.13426},", ("2508.13426",)),
        ("- [ ] 2508.13426 and 2508.13427, both good", ("2508.13426", "2508.13427")),
        ("hep-th/9901001", ("hep-th/9901001",)),
        ("https://arxiv.org/abs/math.GT/0309136v2", ("math/0309136",)),
        ("alg-geom/9501001", ("alg-geom/9501001",)),
        ("2513.13426", ()),  # there is no month 13
        ("10.1101/2020.05.12345", ()),
        ("12508.13426", ()),
        ("2508.1342678", ()),
        ("nature/1234567", ()),
        ("Layerwise LQR for deep networks", ()),
    ],
)
def test_an_arxiv_id_is_found_however_it_is_written_around(line: str, ids: tuple[str, ...]) -> None:
    assert arxiv_ids(line) == ids


def test_bad_lines_are_named_and_the_others_kept() -> None:
    box = read_box(
        InterestKind.PAPER,
        "2508.13426\r\nsomething else\n\n  2508.13426v2\nA known title\n",
        {"A known title": "a-known-title"},
    )
    assert [one.key for one in box.interests] == ["2508.13426", "a-known-title"]
    assert [refused.line for refused in box.refused] == ["something else"]
    words = read_box(InterestKind.KEYWORD, "sparse attention, pruning;x\n---\n" + "long " * 50)
    assert [one.words for one in words.interests] == ["sparse attention", "pruning"]
    assert [refused.why % {"number": refused.number} for refused in words.refused] == [
        "a single letter is in almost every paper",
        "it holds no letter and no digit",
        "it is longer than 200 characters",
    ]


def test_a_name_with_the_surname_first_is_turned_and_an_address_needs_somebody_behind_it() -> None:
    typed = "Dauphin, Yann N.\nhttps://digest.example/authors/ada-probe\n/authors/nobody"
    box = read_box(InterestKind.AUTHOR, typed, {"https://digest.example/authors/ada-probe": "Ada Probe"})
    assert [(one.key, one.words) for one in box.interests] == [
        ("yann-n-dauphin", "Yann N. Dauphin"),
        ("ada-probe", "Ada Probe"),
    ]
    assert [refused.line for refused in box.refused] == ["/authors/nobody"]
    lab = read_box(InterestKind.LAB, "University of California, Berkeley")
    assert [one.words for one in lab.interests] == ["University of California, Berkeley"]


def test_what_is_above_the_limit_is_left_in_the_box() -> None:
    most = MOST[InterestKind.SEARCH]
    box = read_box(InterestKind.SEARCH, "\n".join(f"search {number}" for number in range(most + 2)) + "\nsearch 0")
    assert len(box.interests) == most
    assert [refused.line for refused in box.refused] == [f"search {most}", f"search {most + 1}"]
    assert all("already" in refused.why for refused in box.refused)


@given(kind=st.sampled_from(InterestKind), typed=st.text(max_size=400))
def test_every_line_is_either_kept_or_named(kind: InterestKind, typed: str) -> None:
    box = read_box(kind, typed)
    assert len(box.interests) <= MOST[kind]
    assert len({one.key for one in box.interests}) == len(box.interests)
    assert all(one.key and one.kind is kind for one in box.interests)
    lines = lines_of(kind, typed)
    assert {refused.line for refused in box.refused} <= set(lines)
    if lines:
        assert box.interests or box.refused
    again = read_box(kind, "\n".join(one.words for one in box.interests))
    if kind is not InterestKind.AUTHOR or not any("," in line or own_address(line) for line in lines):
        assert [one.key for one in again.interests] == [one.key for one in box.interests]
        assert again.refused == ()
