"""The editor's forms: what is pinned, dropped and said in a day's issue, and whether it may go out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Request, Response

from digest.core.edits import ABOUT_LINES, Edit, EditKind, Edits, Made, edit_of
from digest.errors import EditRefused, NotFound
from digest.flows import editing
from digest.store.engine import reading
from digest.store.papers import papers_by_id
from digest.web.admin import Proven
from digest.web.pages import client_ip, sentence, to
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/admin/edits")
Day = Annotated[date, Path()]
Name = Annotated[str, Form(max_length=300)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An edit as the desk lists it."""

    id: int
    words: str
    actor: str
    made: Made


def shown_edits(site: Site, issued_on: date) -> tuple[list[Line], Edits]:
    """Return the edits of a day, the newest first, in words, and what they amount to."""
    made, amount = editing.edits(site.services.engine, issued_on)
    with reading(site.services.engine) as session:
        papers = papers_by_id(session, [one.edit.paper_id for one in made if one.edit.paper_id is not None])
        titles = {paper_id: paper.title for paper_id, paper in papers.items()}
    return [Line(id=one.id, words=_told(one.edit, titles), actor=one.actor, made=one) for one in reversed(made)], amount


def _told(edit: Edit, titles: dict[int, str]) -> str:
    title = titles.get(edit.paper_id or 0, "a paper that is gone")
    match edit.kind:
        case EditKind.PIN:
            return f"{title}: pinned to place {edit.place}"
        case EditKind.DROP:
            return f"{title}: dropped"
        case EditKind.HOLD:
            return "Held"
        case EditKind.APPROVE:
            return "Approved"
        case _:
            return f"{edit.kind.capitalize()}: {edit.words}" if edit.words else f"{edit.kind.capitalize()} taken back"


@router.post("/{day}/pin")
def pin(  # noqa: PLR0917  # the fields of the form
    request: Request, site: TheSite, admin: Proven, day: Day, paper: Name = "", place: Annotated[int, Form()] = 1
) -> Response:
    """Put a paper at a place of the issue."""
    return _done(site, day, lambda: _edit_paper(request, site, admin.address, day, EditKind.PIN, paper, place))


@router.post("/{day}/drop")
def drop(request: Request, site: TheSite, admin: Proven, day: Day, paper: Name = "") -> Response:
    """Leave a paper out of the issue."""
    return _done(site, day, lambda: _edit_paper(request, site, admin.address, day, EditKind.DROP, paper))


@router.post("/{day}/lines")
def say(  # noqa: PLR0917  # the fields of the form
    request: Request,
    site: TheSite,
    admin: Proven,
    day: Day,
    note: Annotated[str, Form(max_length=5_000)] = "",
    subject: Annotated[str, Form(max_length=1_000)] = "",
    preheader: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:
    """Set the note, the subject and the preheader; those that stayed as they were make no edit."""
    typed = {EditKind.NOTE: note, EditKind.SUBJECT: subject, EditKind.PREHEADER: preheader}

    def change() -> None:
        _, before = editing.edits(site.services.engine, day)
        had = {EditKind.NOTE: before.note, EditKind.SUBJECT: before.subject, EditKind.PREHEADER: before.preheader}
        changes = [edit_of(kind, words=typed[kind]) for kind in EditKind if kind in ABOUT_LINES]
        for edit in changes:
            if edit.words != had[edit.kind]:
                _make(request, site, admin.address, day, edit)

    return _done(site, day, change)


@router.post("/{day}/undo")
def undo(request: Request, site: TheSite, admin: Proven, day: Day, edit: Annotated[int, Form()] = 0) -> Response:
    """Take an edit back."""

    def change() -> None:
        editing.undo(site.services.engine, day, edit, actor=admin.address, now=site.now, ip=client_ip(request))

    return _done(site, day, change)


@router.post("/{day}/hold")
def hold(request: Request, site: TheSite, admin: Proven, day: Day) -> Response:
    """Let nothing more of the issue go out."""
    return _done(site, day, lambda: _decide(editing.hold, request, site, admin.address, day))


@router.post("/{day}/approve")
def approve(request: Request, site: TheSite, admin: Proven, day: Day) -> Response:
    """Let the issue go out."""
    return _done(site, day, lambda: _decide(editing.approve, request, site, admin.address, day))


@router.post("/{day}/cancel")
def cancel(request: Request, site: TheSite, admin: Proven, day: Day, sure: Annotated[str, Form()] = "") -> Response:
    """Give up what has not left of a frozen issue, where the box says that it is meant."""

    def change() -> None:
        if sure != "yes":
            raise EditRefused("tick the box beside the button: what is given up cannot be sent any more")
        editing.cancel(site.services.engine, day, actor=admin.address, now=site.now, ip=client_ip(request))

    return _done(site, day, change)


def _decide(decision: Callable[..., None], request: Request, site: Site, actor: str, day: date) -> None:
    decision(site.services.engine, day, actor=actor, now=site.now, ip=client_ip(request))
    site.services.kick()


def _edit_paper(  # noqa: PLR0917  # who does what to which paper of which day
    request: Request, site: Site, actor: str, day: date, kind: EditKind, paper: str, place: int | None = None
) -> None:
    paper_id = editing.paper_named(site.services.engine, paper)
    _make(request, site, actor, day, edit_of(kind, paper_id=paper_id, place=place))


def _make(request: Request, site: Site, actor: str, day: date, edit: Edit) -> None:
    editing.make_edit(site.services.engine, day, edit, actor=actor, now=site.now, ip=client_ip(request))


def _done(site: Site, day: date, change: Callable[[], None]) -> Response:
    """Make a change and lead back to the day; what cannot be done is said, with the way back."""
    back = f"/admin/?{urlencode({'date': day.isoformat()})}"
    try:
        change()
    except (EditRefused, NotFound) as refused:
        status = 404 if isinstance(refused, NotFound) else 422
        words = sentence(refused)
        return site.pages.notice("That cannot be done", words, status=status, way_out=(back, "Back to the mail"))
    return to(back)
