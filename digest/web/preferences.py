"""The preferences form: what was typed into it, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote
from zoneinfo import available_timezones

from fastapi import Response

from digest.core.preferences import Choices
from digest.errors import PreferencesRefused
from digest.web.site import Site

_CADENCES = [("daily", "Every day"), ("weekdays", "Monday to Friday"), ("weekly", "Once a week")]
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form's fields as text, right or wrong; `more` holds categories that have no box to tick."""

    categories: tuple[str, ...]
    more: str
    paper_count: str
    cadence: str
    weekday: str
    hour: str
    timezone: str

    @classmethod
    def of(cls, chosen: Choices) -> Typed:
        """Fill the form with a reader's choices."""
        return cls(
            categories=chosen.categories,
            more="",
            paper_count=str(chosen.paper_count),
            cadence=chosen.cadence.value,
            weekday=str(chosen.weekday),
            hour=str(chosen.hour),
            timezone=chosen.timezone,
        )

    def read(self) -> dict[str, Any]:
        """Return the fields as `change_preferences` takes them; raises PreferencesRefused for what is no number."""
        return {
            "categories": [*self.categories, *self.more.replace(",", " ").replace(";", " ").split()],
            "paper_count": _whole(self.paper_count, "the number of papers"),
            "hour": _whole(self.hour, "the hour"),
            "weekday": _whole(self.weekday, "the weekday"),
            "cadence": self.cadence,
            "timezone": self.timezone,
        }


def form_page(
    site: Site, token: str, typed: Typed, *, said: str = "", faults: list[str] | None = None, status: int = 200
) -> Response:
    """Show the form; a category without a box of its own stands among the others."""
    offered = site.services.settings.categories
    others = [name for name in typed.categories if name not in offered]
    return site.pages.show(
        "preferences.html",
        status=status,
        personal=True,
        action=f"/preferences/{quote(token)}",
        way_out=_way_out(site, token),
        offered=offered,
        chosen=typed,
        more=", ".join([*others, *filter(None, [typed.more])]),
        cadences=_CADENCES,
        weekdays=_WEEKDAYS,
        zones=_zones(),
        said=said,
        faults=faults or [],
    )


def _way_out(site: Site, token: str) -> str:
    """Make the reader's own unsubscribe link: whoever holds one of the two links was mailed the other too."""
    tokens = site.services.tokens
    reader = tokens.verify("preferences", token, now=site.now)
    return f"/unsubscribe/{quote(tokens.sign('unsubscribe', reader))}"


@cache
def _zones() -> tuple[str, ...]:
    """The names of places to choose from; the old aliases without a continent are left out, UTC is not."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def _whole(text: str, what: str) -> int:
    if not (text.strip().isascii() and text.strip().isdecimal()):
        raise PreferencesRefused(f"{what} must be a whole number, not {text[:20]!r}")
    return int(text)
