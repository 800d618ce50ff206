"""The days for which arXiv lists nothing: weekends, holidays that are known, and days on which it often rests.

arXiv closes a batch at 14:00 US Eastern from Monday to Friday and announces it at 20:00, Friday's on Sunday; the feed
is dated the next day. On a holiday the batch of that day is put off, so that the next weekday has no list: the Tuesday
after Labor Day, and, of a holiday on a Friday, the Monday. The dates are those of arXiv's own page (Availability of
submissions, "Holidays", 2023 and 2026); that lists do fail to come as said here was seen in a year of listings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from digest.core.language import ENGLISH, Language, mark

_DAY = timedelta(days=1)
_MONDAY, _THURSDAY, _SATURDAY = 0, 3, 5


@dataclass(frozen=True, slots=True)
class Quiet:
    """Why a day has no list; `known` tells a holiday that is sure from a day on which arXiv only often rests."""

    name: str
    known: bool

    @property
    def weekend(self) -> bool:
        """Whether it is no holiday but a Saturday or Sunday."""
        return self.name == _WEEKEND.name

    @property
    def sentence(self) -> str:
        """Say so in English, without a full stop."""
        return self.said(ENGLISH)

    def said(self, say: Language) -> str:
        """Say so to a reader, without a full stop."""
        if self.weekend:
            return say("arXiv lists nothing on weekends")
        if self.known:
            return say("arXiv lists nothing after %(holiday)s", holiday=say(self.name))
        return say("arXiv often lists nothing after %(holiday)s", holiday=say(self.name))


_WEEKEND = Quiet("a weekend", known=True)


@dataclass(frozen=True, slots=True)
class ArxivCalendar:
    """arXiv's days by rule for any year, and what an operator knows better.

    `closed` are more holidays and `open_on` are holidays on which arXiv does announce, each dated as on arXiv's page:
    the day of the holiday itself, not the day whose list is missing.
    """

    closed: frozenset[date] = frozenset()
    open_on: frozenset[date] = frozenset()

    @classmethod
    def of(cls, words: Iterable[str]) -> ArxivCalendar:
        """Read dates such as `2026-12-29`; a minus before one says that it is no holiday. Raises ValueError."""
        closed: set[date] = set()
        open_on: set[date] = set()
        for word in words:
            named = open_on if word.startswith("-") else closed
            try:
                named.add(date.fromisoformat(word.removeprefix("-")))
            except ValueError:
                raise ValueError(f"{word!r} is no date; write 2026-12-29, or -2026-12-29 for no holiday") from None
        return cls(frozenset(closed - open_on), frozenset(open_on))

    def holiday(self, day: date) -> Quiet | None:
        """Return the holiday on a day, weekends aside."""
        if day in self.closed:
            return Quiet(mark("a holiday"), known=True)
        if day in self.open_on:
            return None
        for year in (day.year, day.year + 1):  # the first day of a year may be kept on the last of the year before
            if day in (known := _known(year)):
                return Quiet(known[day], known=True)
        if day in (often := _often(day.year)):
            return Quiet(often[day], known=False)
        return None

    def quiet(self, day: date) -> Quiet | None:
        """Return why the list dated with a day is missing or empty; None where there must be one."""
        if day.weekday() >= _SATURDAY:
            return _WEEKEND
        return self.holiday(day - (3 if day.weekday() == _MONDAY else 1) * _DAY)

    def newest_due(self, day: date) -> date:
        """Return the newest day, up to this one, for which there must be a list."""
        while self.quiet(day) is not None:
            day -= _DAY
        return day

    def next_listing(self, after: date) -> date:
        """Return the first later day for which there is a list, as far as is known."""
        day = after + _DAY
        while (quiet := self.quiet(day)) is not None and quiet.known:
            day += _DAY
        return day


def _known(year: int) -> dict[date, str]:
    return {
        _kept(date(year, 1, 1)): mark("New Year's Day"),
        _nth(year, 1, _MONDAY, 3): mark("Martin Luther King Day"),
        _kept(date(year, 6, 19)): mark("Juneteenth"),
        _kept(date(year, 7, 4)): mark("Independence Day"),
        _nth(year, 9, _MONDAY, 1): mark("Labor Day"),
        _nth(year, 11, _THURSDAY, 4): mark("Thanksgiving"),
        _kept(date(year, 12, 25)): mark("Christmas Day"),
    }


def _often(year: int) -> dict[date, str]:
    """The days on which arXiv rests in some years: the day after Thanksgiving did in 2025 and does not in 2026.

    Of the days around Christmas one or two are taken, never the same: 27 December 2023, 29 and 31 December 2026.
    Memorial Day is not among them: arXiv announced on it in 2025 and 2026.
    """
    christmas = {date(year, 12, day): mark("a day around Christmas") for day in (24, 26, 27, 28, 29, 30, 31)}
    return {_nth(year, 11, _THURSDAY, 4) + _DAY: mark("the Friday after Thanksgiving"), **christmas}


def _kept(day: date) -> date:
    """Move a holiday that falls on a weekend to the weekday on which it is kept."""
    match day.weekday():
        case 5:
            return day - _DAY
        case 6:
            return day + _DAY
    return day


def _nth(year: int, month: int, weekday: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))
