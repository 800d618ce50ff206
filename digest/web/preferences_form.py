"""The preferences form: what was typed into it, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Form

from digest.core.boxes import MOST, Box, lines_of, read_box
from digest.core.cadence import known_or_utc, local_date
from digest.core.interests import Interest, InterestKind
from digest.core.preferences import Pause, pause_until
from digest.errors import PreferencesRefused
from digest.flows.preferences import ReaderPreferences

BOXES: Mapping[InterestKind, str] = {
    InterestKind.AUTHOR: "authors",
    InterestKind.LAB: "labs",
    InterestKind.KEYWORD: "keywords",
    InterestKind.SEARCH: "searches",
    InterestKind.EXCLUSION: "exclusions",
    InterestKind.PAPER: "papers",
}
"""The boxes of the form, in its order, with the names of their fields."""

RUNNING, UNTIL, ENDLESS = "run", "until", "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form's fields as text, right or wrong; `more` holds categories that have no box to tick.

    `seen` is the instant at which the page was made; `whole` says that the form's last field came, and so all of them.
    """

    categories: tuple[str, ...]
    more: str
    paper_count: str
    cadence: str
    weekday: str
    hour: str
    timezone: str
    language: str
    plain_text: bool
    when_empty: bool
    outside: bool
    pause: str
    until: str
    boxes: Mapping[InterestKind, str]
    seen: str = ""
    whole: bool = True

    @classmethod
    def of(cls, reader: ReaderPreferences, now: datetime) -> Typed:
        """Fill the form with what a reader wants."""
        chosen, pause = reader.choices, reader.pause
        return cls(
            categories=chosen.categories,
            more="",
            paper_count=str(chosen.paper_count),
            cadence=chosen.cadence.value,
            weekday=str(chosen.weekday),
            hour=str(chosen.hour),
            timezone=chosen.timezone,
            language=chosen.language,
            plain_text=chosen.plain_text,
            when_empty=chosen.when_empty,
            outside=chosen.outside,
            pause=(UNTIL if pause.until else ENDLESS) if pause.paused else RUNNING,
            until=pause.until.isoformat() if pause.until else "",
            boxes=boxes_of(reader.interests),
            seen=now.isoformat(),
        )

    def read(self, now: datetime) -> dict[str, Any]:
        """Return what is no list as `change_preferences` takes it; raises PreferencesRefused, naming what is wrong."""
        if self.pause not in (RUNNING, UNTIL, ENDLESS):
            raise PreferencesRefused(
                "choose whether the digest comes or pauses, not %(typed)s", typed=repr(self.pause[:20])
            )
        paused = Pause(paused=self.pause == ENDLESS)
        today = local_date(known_or_utc(self.timezone), now)
        return {
            "categories": [*self.categories, *self.more.replace(",", " ").replace(";", " ").split()],
            "paper_count": _whole(
                self.paper_count,
                PreferencesRefused(
                    "the number of papers must be a whole number, not %(typed)s", typed=repr(self.paper_count[:20])
                ),
            ),
            "hour": _whole(
                self.hour,
                PreferencesRefused("the hour must be a whole number, not %(typed)s", typed=repr(self.hour[:20])),
            ),
            "weekday": _whole(
                self.weekday,
                PreferencesRefused("the weekday must be a whole number, not %(typed)s", typed=repr(self.weekday[:20])),
            ),
            "cadence": self.cadence,
            "timezone": self.timezone,
            "language": self.language,
            "plain_text": self.plain_text,
            "when_empty": self.when_empty,
            "outside": self.outside,
            "pause": pause_until(self.until, today) if self.pause == UNTIL else paused,
        }

    def seen_at(self, now: datetime) -> datetime:
        """Return when the page was made; a page that does not say so was made now."""
        try:
            return min(datetime.fromisoformat(self.seen).astimezone(UTC), now)
        except (ValueError, OverflowError):
            return now

    def with_line(self, kind: InterestKind, line: str) -> Typed:
        """Add a line to a box that does not hold it yet."""
        wanted, there = read_box(kind, line).interests, read_box(kind, self.boxes[kind]).interests
        if {one.key for one in wanted} <= {one.key for one in there}:
            return self
        return replace(self, boxes={**self.boxes, kind: f"{self.boxes[kind].rstrip()}\n{line}".lstrip()})

    def with_other(self, instead: str) -> Typed:
        """Put another name in place of one that was typed: the kind, the key of the one and the other, tabs between."""
        asked = instead.split("\t")
        kind = next((kind for kind in BOXES if kind.value == asked[0]), None)
        if kind is None or len(asked) != 3:
            return self
        lines = [
            asked[2] if any(one.key == asked[1] for one in read_box(kind, line).interests) else line
            for line in lines_of(kind, self.boxes[kind])
        ]
        return replace(self, boxes={**self.boxes, kind: "\n".join(lines)})


def boxes_of(interests: Iterable[Interest], refused: Mapping[InterestKind, Box] | None = None) -> dict[Any, str]:
    """Write interests into their boxes, a line each, and the lines that were refused below them."""
    lines: dict[InterestKind, list[str]] = {kind: [] for kind in BOXES}
    for one in interests:
        lines[one.kind].append(one.words)
    for kind, box in (refused or {}).items():
        lines[kind] += [refusal.line for refusal in box.refused]
    return {kind: "\n".join(kept) for kind, kept in lines.items()}


def _typed(  # noqa: PLR0917  # the fields of the form
    categories: Annotated[list[str] | None, Form()] = None,
    more_categories: Annotated[str, Form()] = "",
    paper_count: Annotated[str, Form()] = "10",
    cadence: Annotated[str, Form()] = "daily",
    weekday: Annotated[str, Form()] = "0",
    hour: Annotated[str, Form()] = "8",
    timezone: Annotated[str, Form()] = "UTC",
    language: Annotated[str, Form()] = "",
    plain_text: Annotated[str, Form()] = "",
    when_empty: Annotated[str, Form()] = "",
    outside: Annotated[str, Form()] = "",
    pause: Annotated[str, Form()] = RUNNING,
    until: Annotated[str, Form()] = "",
    authors: Annotated[str, Form()] = "",
    labs: Annotated[str, Form()] = "",
    keywords: Annotated[str, Form()] = "",
    searches: Annotated[str, Form()] = "",
    exclusions: Annotated[str, Form()] = "",
    papers: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
    instead: Annotated[str, Form()] = "",
    whole: Annotated[str, Form()] = "",
) -> Typed:
    typed = Typed(
        categories=tuple(categories or ()),
        more=more_categories,
        paper_count=paper_count,
        cadence=cadence,
        weekday=weekday,
        hour=hour,
        timezone=timezone.strip(),
        language=language,
        plain_text=bool(plain_text),
        when_empty=bool(when_empty),
        outside=bool(outside),
        pause=pause,
        until=until,
        boxes=dict(zip(BOXES, (authors, labs, keywords, searches, exclusions, papers), strict=True)),
        seen=seen,
        whole=bool(whole),
    )
    return typed.with_other(instead) if instead else typed


TheForm = Annotated[Typed, Depends(_typed)]


def _whole(text: str, refusal: PreferencesRefused) -> int:
    if not (text.strip().isascii() and text.strip().isdecimal() and len(text) < 10):
        raise refusal
    return int(text)


def limits() -> dict[str, int]:
    """Return how many lines each box takes, by its field's name."""
    return {name: MOST[kind] for kind, name in BOXES.items()}
