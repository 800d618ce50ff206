"""The editor's hand on a day's issue: edits before it is frozen, and whether it may go out, before and after."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.edits import ABOUT_PAPERS, Edit, EditKind, Edits, Made, edit_of, in_force
from digest.core.issue import IssueState
from digest.errors import EditRefused, NotFound
from digest.store.admins import append_audit
from digest.store.audience import cancel_waiting
from digest.store.brake import held_by_brake
from digest.store.dialects import one_writer
from digest.store.edits import ISSUES, add_edit, edits_of, undo_edit
from digest.store.engine import reading, writing
from digest.store.issues import move_issue, state_on
from digest.store.papers import current_ids
from digest.store.site import find_paper


def edits(engine: Engine, issued_on: date) -> tuple[list[Made], Edits]:
    """Return the edits of a day in the order in which they were made, and what they amount to."""
    with reading(engine) as session:
        made = edits_of(session, issued_on)
    return made, in_force(made)


def make_edit(engine: Engine, issued_on: date, edit: Edit, *, actor: str, now: datetime, ip: str = "") -> int:
    """Edit the issue of a day and return the edit's id, with which it can be undone.

    Raises EditRefused where the issue is frozen already, NotFound for an unknown paper.
    """
    with writing(engine) as session:
        _still_open(session, issued_on)
        if edit.paper_id is not None and not current_ids(session, {edit.paper_id}):
            raise NotFound(f"no paper has the id {edit.paper_id}")
        made = add_edit(session, issued_on, edit, actor=actor, now=now)
        append_audit(session, at=now, actor=actor, action=edit.kind, target=_day(issued_on), detail=_told(edit), ip=ip)
    return made


def undo(engine: Engine, issued_on: date, edit_id: int, *, actor: str, now: datetime, ip: str = "") -> None:
    """Take an edit back, as if it had never been made; raises EditRefused where that is too late, or was done."""
    with writing(engine) as session:
        _still_open(session, issued_on)
        if not undo_edit(session, issued_on, edit_id, actor=actor, now=now):
            raise EditRefused("this edit was taken back already")
        append_audit(
            session, at=now, actor=actor, action="undo", target=_day(issued_on), detail=f"edit {edit_id}", ip=ip
        )


def hold(engine: Engine, issued_on: date, *, actor: str, now: datetime, ip: str = "") -> None:
    """Let nothing more of a day's issue go out, from the next message on, or from its freezing; raises EditRefused."""
    _decide(engine, issued_on, EditKind.HOLD, IssueState.HELD, actor=actor, now=now, ip=ip)


def approve(engine: Engine, issued_on: date, *, actor: str, now: datetime, ip: str = "") -> None:
    """Let a day's issue go out, held or not yet frozen; raises EditRefused where it cannot be released.

    An approval before the freezing is for what the editor saw: a later edit takes it back.
    """
    _decide(engine, issued_on, EditKind.APPROVE, IssueState.FROZEN, actor=actor, now=now, ip=ip)


def cancel(engine: Engine, issued_on: date, *, actor: str, now: datetime, ip: str = "") -> int:
    """Give up what has not left of a day's issue; return how many deliveries that were. Raises NotFound."""
    with writing(engine) as session:
        one_writer(session, ISSUES)
        found = state_on(session, issued_on)
        if found is None:
            raise NotFound(f"there is no frozen issue of {issued_on}")
        given_up = cancel_waiting(session, found[0], now)
        append_audit(
            session,
            at=now,
            actor=actor,
            action="cancel",
            target=_day(issued_on),
            detail=f"{given_up} deliveries given up",
            ip=ip,
        )
    return given_up


def paper_named(engine: Engine, name: str) -> int:
    """Return the id of the paper with an arXiv id, slug or id; raises NotFound."""
    with reading(engine) as session:
        found = find_paper(session, name.strip())
        if found is not None and found.id is not None:
            return found.id
        known = current_ids(session, {int(name)}) if name.strip().isdecimal() and len(name) < 10 else {}
    if not known:
        raise NotFound(f"no paper is known as {name[:80]!r}; name it by its arXiv id, such as 2605.01234")
    return next(iter(known.values()))


def _decide(
    engine: Engine, issued_on: date, kind: EditKind, to: IssueState, *, actor: str, now: datetime, ip: str
) -> None:
    with writing(engine) as session:
        one_writer(session, ISSUES)
        found = state_on(session, issued_on)
        if found is None:
            add_edit(session, issued_on, edit_of(kind), actor=actor, now=now)
        elif to is IssueState.FROZEN and found[0] in held_by_brake(session):
            raise EditRefused("the brake holds this issue; look at why, then release the brake")
        elif found[1] is not to and not move_issue(session, found[0], to):
            raise EditRefused(f"the issue of {issued_on} is {found[1]}; that cannot be changed to {to}")
        append_audit(session, at=now, actor=actor, action=kind, target=_day(issued_on), ip=ip)


def _still_open(session: Session, issued_on: date) -> None:
    one_writer(session, ISSUES)
    if state_on(session, issued_on) is not None:
        raise EditRefused(
            f"the issue of {issued_on} is frozen and does not change any more; it can be held or cancelled"
        )


def _day(issued_on: date) -> str:
    return f"issue of {issued_on}"


def _told(edit: Edit) -> str:
    if edit.kind in ABOUT_PAPERS:
        return f"paper {edit.paper_id}" + (f" to place {edit.place}" if edit.place else "")
    return edit.words[:500]
