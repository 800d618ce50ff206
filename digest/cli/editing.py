"""The editor's commands: `digest issue`."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import sending
from digest.cli.context import actor, day, with_database

if TYPE_CHECKING:
    from digest.core.edits import Edit, EditKind
    from digest.wiring import Services

Date = Annotated[
    str | None, typer.Option(metavar="DATE", help="The issue's date (UTC), such as 2026-05-20; tomorrow's without it.")
]
Paper = Annotated[str, typer.Argument(metavar="PAPER", help="An arXiv id such as 2605.01234, or a paper's slug.")]
Words = Annotated[str, typer.Argument(metavar="WORDS", help="What it says; empty takes an earlier one back.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    issue = typer.Typer(help="Edit, hold, approve or cancel a day's issue.", no_args_is_help=True)
    for command in (show, pin, drop, note, subject, preheader, undo, hold, release, approve, cancel):
        issue.command(command.__name__)(command)
    sending.add_to(issue)
    app.add_typer(issue, name="issue")


def show(date: Date = None, as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False) -> None:
    """List the edits of a day's issue, each with the number by which it can be undone."""
    from digest.flows.editing import edits

    services, issued_on = _on(date)
    made, _ = edits(services.engine, issued_on)
    if as_json:
        rows = [
            {
                "id": one.id,
                "kind": one.edit.kind,
                "paper_id": one.edit.paper_id,
                "place": one.edit.place,
                "words": one.edit.words,
                "actor": one.actor,
                "at": one.at.isoformat(),
            }
            for one in made
        ]
        typer.echo(json.dumps({"issued_on": issued_on.isoformat(), "edits": rows}))
        return
    for one in made:
        about = f"paper {one.edit.paper_id}" if one.edit.paper_id is not None else one.edit.words
        place = f" to place {one.edit.place}" if one.edit.place else ""
        typer.echo(f"{one.id:>5}  {one.edit.kind:<10} {about}{place}  ({one.actor}, {one.at:%Y-%m-%d %H:%M} UTC)")
    if not made:
        typer.echo(f"the issue of {issued_on} has no edits")


def pin(
    paper: Paper,
    place: Annotated[int, typer.Option(help="Where it stands, from 1.")] = 1,
    date: Date = None,
) -> None:
    """Put a paper at a place of the issue, for every reader who does not exclude it."""
    from digest.core.edits import EditKind

    _edit_paper(EditKind.PIN, paper, date, place)


def drop(paper: Paper, date: Date = None) -> None:
    """Leave a paper out of the issue."""
    from digest.core.edits import EditKind

    _edit_paper(EditKind.DROP, paper, date)


def note(words: Words, date: Date = None) -> None:
    """Put a note from the editor at the top of the mail."""
    from digest.core.edits import EditKind

    _edit_line(EditKind.NOTE, words, date)


def subject(words: Words, date: Date = None) -> None:
    """Give every reader's mail this subject instead of their own top paper's title."""
    from digest.core.edits import EditKind

    _edit_line(EditKind.SUBJECT, words, date)


def preheader(words: Words, date: Date = None) -> None:
    """Give every reader's mail this preheader instead of the next titles."""
    from digest.core.edits import EditKind

    _edit_line(EditKind.PREHEADER, words, date)


def undo(
    number: Annotated[int, typer.Argument(help="The edit's number in `digest issue show`.")], date: Date = None
) -> None:
    """Take an edit back."""
    from digest.flows import editing

    services, issued_on = _on(date)
    editing.undo(services.engine, issued_on, number, actor=actor(), now=services.clock())
    typer.echo(f"edit {number} of the issue of {issued_on} is taken back")


def hold(date: Date = None) -> None:
    """Let nothing more of the issue go out until it is released."""
    from digest.flows import editing

    services, issued_on = _on(date)
    editing.hold(services.engine, issued_on, actor=actor(), now=services.clock())
    typer.echo(f"the issue of {issued_on} is held")


def approve(date: Date = None) -> None:
    """Approve the issue: a held one goes out, one that is not frozen yet will."""
    from digest.flows import editing

    services, issued_on = _on(date)
    editing.approve(services.engine, issued_on, actor=actor(), now=services.clock())
    typer.echo(f"the issue of {issued_on} may go out")


def release(date: Date = None) -> None:
    """Let a held issue go on: the same as approve."""
    approve(date)


def cancel(
    date: Date = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False
) -> None:
    """Give up what has not left of a frozen issue."""
    from digest.flows import editing

    services, issued_on = _on(date)
    if not yes:
        typer.confirm(
            f"Nothing more of the issue of {issued_on} will be sent, and this cannot be undone. Go on?", abort=True
        )
    given_up = editing.cancel(services.engine, issued_on, actor=actor(), now=services.clock())
    typer.echo(f"{given_up} deliveries of the issue of {issued_on} are given up")


def _edit_paper(kind: EditKind, paper: str, date: str | None, place: int | None = None) -> None:
    from digest.core.edits import edit_of
    from digest.flows.editing import paper_named

    services, issued_on = _on(date)
    _make(services, issued_on, edit_of(kind, paper_id=paper_named(services.engine, paper), place=place))


def _edit_line(kind: EditKind, words: str, date: str | None) -> None:
    from digest.core.edits import edit_of

    services, issued_on = _on(date)
    _make(services, issued_on, edit_of(kind, words=words))


def _make(services: Services, issued_on: date, edit: Edit) -> None:
    from digest.flows.editing import make_edit

    number = make_edit(services.engine, issued_on, edit, actor=actor(), now=services.clock())
    typer.echo(f"edit {number} of the issue of {issued_on}: {edit.kind}; take it back with: digest issue undo {number}")


def _on(text: str | None) -> tuple[Services, date]:
    services = with_database()
    return services, day(text, "--date") or (services.clock() + timedelta(days=1)).date()
