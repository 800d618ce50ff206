"""A language: its words from a catalogue, and how it writes dates, times, numbers and lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from gettext import NullTranslations

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_decimal

from digest.errors import DigestError

SOURCE = "en"  # the language that the code and the templates are written in
# English dates are written as most of the world writes them; every other language as CLDR has it.
_ENGLISH_DATES = {False: "d MMMM y", True: "EEEE, d MMMM y"}
_LONGEST_HEADER = 500  # characters of Accept-Language that are read


def mark(words: str) -> str:
    """Mark words for the catalogue where they are written; whoever shows them asks a Language for them."""
    return words


def mark_count(one: str, many: str) -> tuple[str, str]:
    """Mark words that depend on a number, for `Language.count`."""
    return one, many


@dataclass(frozen=True)
class Language:
    """The words and ways of a language, by its BCP 47 `tag`.

    Called with English it answers in its own words, or with the English where its catalogue has none. What stands
    in them as `%(name)s` is filled in, whole numbers as the language writes them; a per cent sign is doubled.
    """

    tag: str = SOURCE
    catalogue: NullTranslations = field(default_factory=NullTranslations, compare=False, repr=False)

    def __call__(self, words: str, /, **values: object) -> str:
        """Say words that the catalogue knows by themselves."""
        return self.catalogue.gettext(words) % self.written(values)

    def meant(self, context: str, words: str, /, **values: object) -> str:
        """Say words that mean this only in a context, such as `category`."""
        return self.catalogue.pgettext(context, words) % self.written(values)

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Say words that depend on a number, which is `%(num)s` in them."""
        return self.catalogue.ngettext(one, many, number) % self.written({"num": number, **values})

    def told(self, error: DigestError) -> str:
        """Say what an error says, as a sentence; one that the catalogue does not know is told in English."""
        if not error.words:  # which gettext would answer with the head of its catalogue
            return ""
        said = self(error.words, **error.values) if error.values else self.catalogue.gettext(error.words)
        return said[:1].upper() + said[1:] + ("" if said.endswith((".", "!", "?")) else ".")

    def written(self, values: Mapping[str, object]) -> dict[str, object]:
        """Write the whole numbers among values that go into words."""
        return {name: self.number(value) if type(value) is int else value for name, value in values.items()}

    @cached_property
    def locale(self) -> Locale:
        """What CLDR knows of the language; raises ValueError for a tag that it does not know."""
        return Locale.parse(self.tag, sep="-")

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, as the attribute `dir` has it."""
        return str(self.locale.text_direction)

    @property
    def name(self) -> str:
        """The language's name in itself, such as `Deutsch`."""
        name = self.locale.get_display_name(self.locale) or self.tag
        return name[:1].upper() + name[1:]

    def date(self, day: dt.date, *, weekday: bool = False) -> str:
        """Write a date, the month in words: `20 May 2026`, `Mittwoch, 20. Mai 2026`."""
        form = _ENGLISH_DATES[weekday] if self.tag == SOURCE else "full" if weekday else "long"
        return format_date(day, form, self.locale)

    def month(self, day: dt.date) -> str:
        """Write the month that a day is in: `May 2026`."""
        return format_skeleton("yMMMM", day, locale=self.locale)

    def weekday(self, number: int) -> str:
        """Name a weekday; 0 is Monday."""
        return str(self.locale.days["stand-alone"]["wide"][number])

    def time(self, at: dt.datetime) -> str:
        """Write the time of day that an instant shows, in its own zone."""
        return format_time(at, "HH:mm" if self.tag == SOURCE else "short", locale=self.locale)

    def instant(self, at: dt.datetime) -> str:
        """Write an instant in UTC: `20 May 2026, 06:00 UTC`."""
        at, say = at.astimezone(dt.UTC), self
        return say("%(day)s, %(time)s UTC", day=self.date(at.date()), time=self.time(at))

    def number(self, value: float, digits: int = 0) -> str:
        """Write a number, grouped, with at most so many decimals."""
        if type(value) is int and 0 <= value < 1_000:  # most are, and the rest takes a hundred times as long
            return str(value)
        return format_decimal(round(value, digits), f"#,##0.{'#' * digits}" if digits else "#,##0", self.locale)

    def listed(self, words: Iterable[str]) -> str:
        """Join words as in a sentence: `one, two and three`."""
        parts = list(words)
        if self.tag == SOURCE:
            return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
        return format_list(parts, locale=self.locale)


ENGLISH = Language()


def accepted(header: str, offered: Iterable[str]) -> str:
    """Return the offered tag that an Accept-Language header likes best (RFC 9110 section 12.5.4), or an empty string.

    A range matches its own tag, then ever shorter beginnings of it (RFC 4647 section 3.4), then a tag that begins
    with it. What cannot be read is passed over.
    """
    tags = {tag.casefold(): tag for tag in offered}
    liked: list[tuple[float, str]] = []
    for part in header[:_LONGEST_HEADER].split(","):
        wanted, _, parameter = part.strip().partition(";")
        weight = _weight(parameter)
        if weight > 0:
            liked.append((weight, wanted.strip().casefold()))
    for _weighed, wanted in sorted(liked, key=lambda one: -one[0]):
        found = _looked_up(wanted, tags)
        if found:
            return found
    return ""


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(float(value), 1.0) if name.strip().casefold() == "q" and len(value) <= 6 else 0.0
    except ValueError:
        return 0.0


def _looked_up(wanted: str, tags: Mapping[str, str]) -> str:
    parts = wanted.split("-")
    for length in range(len(parts), 0, -1):
        found = tags.get("-".join(parts[:length]))
        if found:
            return found
    return next((tag for folded, tag in tags.items() if folded.startswith(f"{wanted}-")), "") if wanted else ""
