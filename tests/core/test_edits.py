"""Edits of an issue: the last word counts, what is undone never was, and the order is what the editor said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core.edits import ABOUT_LINES, LAST_PLACE, Edit, EditKind, Edits, Made, arranged, edit_of, in_force
from digest.errors import EditRefused

NOON = datetime(2026, 5, 19, 12, 0, tzinfo=UTC)
PIN, DROP = EditKind.PIN, EditKind.DROP


def _made(*edits: Edit) -> list[Made]:
    return [
        Made(id=n, edit=edit, actor=f"editor-{n}@example.org", at=NOON + timedelta(minutes=n))
        for n, edit in enumerate(edits, start=1)
    ]


def test_the_last_word_on_a_paper_and_a_line_counts() -> None:
    found = in_force(
        _made(
            edit_of(DROP, paper_id=4),
            edit_of(PIN, paper_id=4, place=2),
            edit_of(PIN, paper_id=5, place=1),
            edit_of(DROP, paper_id=5),
            edit_of(EditKind.NOTE, words=" Good \n morning "),
            edit_of(EditKind.SUBJECT, words="Of one kind"),
            edit_of(EditKind.SUBJECT),
        )
    )
    assert found == Edits(pins={4: 2}, drops=frozenset({5}), note="Good morning")


def test_an_approval_is_for_what_was_there_when_it_was_given() -> None:
    approve, hold = edit_of(EditKind.APPROVE), edit_of(EditKind.HOLD)
    note = edit_of(EditKind.NOTE, words="One more thing")
    assert in_force(_made(hold, approve)).approved_by == "editor-2@example.org"
    assert not in_force(_made(hold, approve)).held_by
    assert not in_force(_made(approve, note)).approved_by
    assert in_force(_made(approve, hold)) == Edits(held_by="editor-2@example.org")


def test_pins_stand_at_their_places_and_drops_are_gone() -> None:
    edits = in_force(
        _made(edit_of(PIN, paper_id=9, place=1), edit_of(DROP, paper_id=2), edit_of(PIN, paper_id=5, place=3))
    )
    assert arranged([1, 2, 3, 4, 5], edits, 10) == [9, 1, 5, 3, 4]


def test_of_two_pins_to_one_place_the_later_stands_first() -> None:
    edits = in_force(_made(edit_of(PIN, paper_id=7, place=1), edit_of(PIN, paper_id=8, place=1)))
    assert arranged([1, 2], edits, 10) == [8, 7, 1, 2]


def test_a_pin_beyond_the_end_comes_last() -> None:
    edits = in_force(_made(edit_of(PIN, paper_id=7, place=50)))
    assert arranged([1, 2], edits, 10) == [1, 2, 7]


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (PIN, {"place": 1}, "which paper"),
        (DROP, {}, "which paper"),
        (PIN, {"paper_id": 1, "place": 0}, "from 1 to 100, not to 0"),
        (PIN, {"paper_id": 1}, "not to None"),
        (PIN, {"paper_id": 1, "place": LAST_PLACE + 1}, "not to 101"),
        (EditKind.SUBJECT, {"words": "x" * 151}, "151 characters; at most 150"),
        (EditKind.NOTE, {"words": "x" * 1001}, "at most 1000"),
        (EditKind.PREHEADER, {"words": "a\x00b"}, "control character"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_way_out(kind: EditKind, given: dict[str, int], words: str) -> None:
    with pytest.raises(EditRefused, match=words):
        edit_of(kind, **given)  # type: ignore[arg-type]  # whatever a form may send


_PAPER_EDITS = st.lists(
    st.one_of(
        st.builds(lambda paper: edit_of(DROP, paper_id=paper), st.integers(1, 12)),
        st.builds(
            lambda paper, place: edit_of(PIN, paper_id=paper, place=place), st.integers(1, 12), st.integers(1, 15)
        ),
    ),
    max_size=12,
)


@given(st.permutations(range(1, 9)), _PAPER_EDITS, st.integers(1, 20))
def test_every_paper_stands_once_and_the_others_keep_their_order(
    order: list[int], edits: list[Edit], size: int
) -> None:
    force = in_force(_made(*edits))
    found = arranged(order, force, size)
    assert len(found) == len(set(found)) <= size
    assert not force.drops & set(found)
    others = [paper for paper in found if paper not in force.pins]
    wanted = [paper for paper in order if paper not in force.pins and paper not in force.drops]
    assert others == wanted[: len(others)]
    if size >= 20:
        assert set(found) == set(wanted) | set(force.pins)
    kept = list(force.pins.items())
    taken = [place for _, place in kept]
    if len(set(taken)) == len(taken):
        for paper, place in kept:
            if paper in found and place <= len(wanted) and place <= size:
                assert found.index(paper) + 1 == place


def test_lines_are_those_of_the_mail() -> None:
    assert {EditKind.NOTE, EditKind.SUBJECT, EditKind.PREHEADER} == ABOUT_LINES
