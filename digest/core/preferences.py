"""What a reader may ask for, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from digest.core.cadence import Cadence, zone
from digest.errors import PreferencesRefused, UnknownZone

FEWEST_PAPERS, MOST_PAPERS = 5, 30
_MOST_CATEGORIES = 40
# arXiv's archives and subject classes: cs.LG, hep-th, astro-ph.GA, cond-mat.mes-hall, q-bio.NC.
_CATEGORY = re.compile(r"[a-z]{2,10}(?:-[a-z]{2,4})?(?:\.[A-Za-z]{2}(?:[A-Za-z-]{0,8}))?")

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,8})*")
_LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """A reader's schedule and taste; no categories means all. Build it with `chosen`, which checks.

    `language` is a BCP 47 tag, or empty for the site's own. `when_empty` asks for a line where there is nothing new,
    `outside` for one paper from outside the usual.
    """

    categories: tuple[str, ...] = ()
    paper_count: int = 10
    hour: int = 8
    timezone: str = "UTC"
    cadence: Cadence = Cadence.DAILY
    weekday: int = 0
    language: str = ""
    plain_text: bool = False
    when_empty: bool = False
    outside: bool = True


class Pause(NamedTuple):
    """Whether a reader wants no digest for now, and the first local date on which they want one again, if they said."""

    paused: bool = False
    until: date | None = None


RUNNING = Pause()


def pause_until(text: str, today: date) -> Pause:
    """Read the date at which a pause ends; raises PreferencesRefused for one that is not ahead of today."""
    try:
        until = date.fromisoformat(text.strip())
    except ValueError as error:
        like = (today + timedelta(days=14)).isoformat()
        raise PreferencesRefused("say on what date the pause ends, like %(like)s", like=like) from error
    if not today < until <= today + _LONGEST_PAUSE:
        raise PreferencesRefused(
            "a pause ends after today, %(today)s, and within a year, not on %(until)s; it may also have no end",
            today=today.isoformat(),
            until=until.isoformat(),
        )
    return Pause(True, until)


def chosen(
    *,
    categories: Sequence[str] = (),
    paper_count: int = 10,
    hour: int = 8,
    timezone: str = "UTC",
    cadence: str = Cadence.DAILY,
    weekday: int = 0,
    language: str = "",
    plain_text: bool = False,
    when_empty: bool = False,
    outside: bool = True,
) -> Choices:
    """Check what a reader chose; raises PreferencesRefused, naming what is wrong. 0 is Monday."""
    kept = tuple(dict.fromkeys(category.strip() for category in categories if category.strip()))
    if len(kept) > _MOST_CATEGORIES:
        raise PreferencesRefused("choose at most %(most)s categories, or none for all of them", most=_MOST_CATEGORIES)
    for category in kept:
        if len(category) > 24 or not _CATEGORY.fullmatch(category):
            raise PreferencesRefused(
                "%(category)s is no arXiv category; they look like cs.LG or hep-th", category=repr(category[:24])
            )
    if not FEWEST_PAPERS <= paper_count <= MOST_PAPERS:
        raise PreferencesRefused(
            "choose from %(fewest)s to %(most)s papers, not %(papers)s",
            fewest=FEWEST_PAPERS,
            most=MOST_PAPERS,
            papers=paper_count,
        )
    if not 0 <= hour <= 23:
        raise PreferencesRefused("choose an hour from 0 to 23, not %(hour)s", hour=hour)
    if not 0 <= weekday <= 6:
        raise PreferencesRefused("choose a weekday from 0 (Monday) to 6 (Sunday), not %(weekday)s", weekday=weekday)
    if cadence not in list(Cadence):
        raise PreferencesRefused("choose daily, weekdays or weekly, not %(cadence)s", cadence=repr(cadence[:24]))
    if language and not _LANGUAGE.fullmatch(language):
        raise PreferencesRefused(
            "%(language)s is no language; they look like en or pt-BR", language=repr(language[:24])
        )
    try:
        zone(timezone)
    except UnknownZone as error:
        raise PreferencesRefused(error.words, **error.values) from error
    return Choices(
        categories=kept,
        paper_count=paper_count,
        hour=hour,
        timezone=timezone,
        cadence=Cadence(cadence),
        weekday=weekday,
        language=language,
        plain_text=plain_text,
        when_empty=when_empty,
        outside=outside,
    )
