"""Whether a database is what it was when it was last sent from, or a copy from earlier that was put back.

Each run that sends raises a count in the database, and a mark of that count outside of it. A database that was put
back knows less than its mark. On PostgreSQL it also lies elsewhere: tables made anew have numbers of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """How many runs a database had sent in when this was written; `identity` says which database."""

    identity: str
    mark: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a database says of itself: its mark, and where its tables lay when that was written (empty: not known)."""

    mark: Mark
    imprint: str = ""


def restored(  # noqa: PLR0911  # one for each reason
    own: Standing | None, outside: Mark | None, imprint: str, *, outside_lasts: bool, has_sent: bool
) -> str:
    """Say why a database must have been restored; empty where nothing speaks for it.

    `outside_lasts` says that a mark which is not there was lost, and not flushed. A database in which no delivery is
    (`has_sent` False) is new, whatever lies beside it.
    """
    if not has_sent:
        return ""
    if own is None:
        return "it is older than the mark that was kept of it" if outside else ""
    if own.imprint and imprint and own.imprint != imprint:
        return "its tables do not lie where they did: they were made anew from a dump, or another server leads"
    if outside is None:
        gone = outside_lasts and own.mark.mark > 0
        return "the mark that is kept of it is not there: it was put back or moved without it" if gone else ""
    if outside.identity != own.mark.identity:
        return "the mark that is kept beside it is another database's"
    if outside.mark > own.mark.mark:
        return f"its mark says {outside.mark} runs, and it knows of {own.mark.mark}"
    return ""


def may_have_gone_out(cut_off: datetime, fenced_at: datetime | None) -> bool:
    """Tell whether the issue of a cut-off may have been sent before a restore that the database knows of.

    It may not know the issue: that was made after the backup was taken.
    """
    return fenced_at is not None and cut_off <= fenced_at
