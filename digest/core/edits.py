"""What an editor changes in tomorrow's issue: which of their edits are in force, and what these do to the order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from digest.errors import EditRefused

LONGEST_NOTE, LONGEST_LINE = 1_000, 150  # characters: of the note, and of a subject or preheader
LAST_PLACE = 100  # to which a paper can be pinned


class EditKind(StrEnum):
    """What an edit is about: one paper, one of the mail's own lines, or whether the issue may go out."""

    PIN = "pin"
    DROP = "drop"
    NOTE = "note"
    SUBJECT = "subject"
    PREHEADER = "preheader"
    HOLD = "hold"
    APPROVE = "approve"


ABOUT_PAPERS = frozenset({EditKind.PIN, EditKind.DROP})
ABOUT_LINES = frozenset({EditKind.NOTE, EditKind.SUBJECT, EditKind.PREHEADER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit of a day's issue; `place` counts from 1. Build it with `edit_of`, which checks."""

    kind: EditKind
    paper_id: int | None = None
    place: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An edit as somebody made it."""

    id: int
    edit: Edit
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """The edits in force for one day: the last word on each paper and each line."""

    pins: Mapping[int, int] = field(default_factory=dict)  # paper id to place, in the order of the places
    drops: frozenset[int] = frozenset()
    note: str = ""
    subject: str = ""
    preheader: str = ""
    held_by: str = ""
    approved_by: str = ""


def edit_of(kind: EditKind, *, paper_id: int | None = None, place: int | None = None, words: str = "") -> Edit:
    """Check an edit; raises EditRefused, naming what is wrong. An empty line takes an earlier one back."""
    if kind in ABOUT_PAPERS and paper_id is None:
        raise EditRefused(f"say which paper to {kind}")
    if kind is EditKind.PIN and not (place is not None and 1 <= place <= LAST_PLACE):
        raise EditRefused(f"a paper can be pinned to a place from 1 to {LAST_PLACE}, not to {place}")
    kept = " ".join(words.split()) if kind in ABOUT_LINES else ""
    most = LONGEST_NOTE if kind is EditKind.NOTE else LONGEST_LINE
    if len(kept) > most:
        raise EditRefused(f"the {kind} has {len(kept)} characters; at most {most} are shown")
    if not kept.isprintable():
        raise EditRefused(f"the {kind} holds a control character; write it again without")
    return Edit(
        kind=kind,
        paper_id=paper_id if kind in ABOUT_PAPERS else None,
        place=place if kind is EditKind.PIN else None,
        words=kept,
    )


def in_force(made: Iterable[Made]) -> Edits:
    """Say what edits amount to, given in the order in which they were made, without those that were undone.

    Of several pins to one place, the later stands first. An approval holds for what was there when it was given:
    any later edit of papers or lines takes it back. A hold lasts until somebody approves.
    """
    places: dict[int, tuple[int, int]] = {}
    drops: set[int] = set()
    lines = dict.fromkeys(ABOUT_LINES, "")
    held, approved = "", ""
    for number, one in enumerate(made):
        edit = one.edit
        if edit.kind in ABOUT_LINES:
            lines[edit.kind] = edit.words
        elif edit.kind is EditKind.HOLD:
            held = one.actor
        elif edit.kind is EditKind.APPROVE:
            held = ""
        elif edit.paper_id is not None:
            places.pop(edit.paper_id, None)
            drops.discard(edit.paper_id)
            if edit.kind is EditKind.DROP:
                drops.add(edit.paper_id)
            else:
                places[edit.paper_id] = (edit.place or 1, -number)
        approved = one.actor if edit.kind is EditKind.APPROVE else ""
    return Edits(
        pins={paper: places[paper][0] for paper in sorted(places, key=lambda paper: places[paper])},
        drops=frozenset(drops),
        note=lines[EditKind.NOTE],
        subject=lines[EditKind.SUBJECT],
        preheader=lines[EditKind.PREHEADER],
        held_by=held,
        approved_by=approved,
    )


def arranged(order: Sequence[int], edits: Edits, size: int) -> list[int]:
    """Return at most `size` paper ids in the order that the edits leave: no drops, and each pin at its place.

    A pin need not be in the order; one beyond its end comes last.
    """
    rest = iter([paper for paper in order if paper not in edits.drops and paper not in edits.pins])
    pins = list(edits.pins.items())
    found: list[int] = []
    while len(found) < size:
        if pins and pins[0][1] <= len(found) + 1:
            found.append(pins.pop(0)[0])
            continue
        following = next(rest, None)
        if following is None:
            found += [paper for paper, _ in pins]
            break
        found.append(following)
    return found[:size]
