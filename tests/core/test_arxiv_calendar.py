"""The days without a list: by rule for any year, as arXiv's own page names them, and as a year of listings shows."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from digest.core.arxiv_calendar import ArxivCalendar

RULES = ArxivCalendar()
# As arXiv names them on "Availability of submissions"; the others of these years are for reasons of the moment.
NAMED = {
    2023: ["2023-01-16", "2023-06-19", "2023-07-04", "2023-09-04", "2023-11-23", "2023-12-25"],
    2026: ["2026-01-01", "2026-01-19", "2026-06-19", "2026-07-03", "2026-09-07", "2026-11-26", "2026-12-25"],
}


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize("year", NAMED)
def test_the_holidays_that_arxiv_names_are_known_by_rule_and_no_others(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    known = [one.isoformat() for one in days if (found := RULES.holiday(one)) and found.known]
    assert [one for one in known if day(one).weekday() < 5 and one != "2023-01-02"] == NAMED[year]


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ("2026-11-26", None),  # Thanksgiving: what was announced the evening before
        ("2026-11-27", "arXiv lists nothing after Thanksgiving"),
        ("2026-11-28", "arXiv lists nothing on weekends"),
        ("2026-11-30", "arXiv often lists nothing after the Friday after Thanksgiving"),
        ("2026-06-22", "arXiv lists nothing after Juneteenth"),  # a Friday's batch is announced on Sunday
        ("2026-07-06", "arXiv lists nothing after Independence Day"),  # kept on Friday the 3rd
        ("2026-09-08", "arXiv lists nothing after Labor Day"),
        ("2026-12-30", "arXiv often lists nothing after a day around Christmas"),
        ("2022-01-03", "arXiv lists nothing after New Year's Day"),  # kept on 31 December 2021
        ("2026-05-26", None),  # Memorial Day is a holiday, though not at arXiv
        ("2026-05-20", None),
    ],
)
def test_a_holiday_takes_the_list_of_the_next_weekday(on: str, why: str | None) -> None:
    quiet = RULES.quiet(day(on))
    assert (quiet.sentence if quiet else None) == why


def test_what_is_due_and_what_comes_next_step_over_quiet_days() -> None:
    assert RULES.newest_due(day("2026-11-29")) == day("2026-11-26")
    assert RULES.newest_due(day("2026-11-30")) == day("2026-11-26")  # the Monday may have one, and need not
    assert RULES.next_listing(day("2026-11-26")) == day("2026-11-30")
    assert RULES.next_listing(day("2026-09-04")) == day("2026-09-07")
    assert RULES.next_listing(day("2026-09-07")) == day("2026-09-09")


def test_an_operator_knows_better() -> None:
    told = ArxivCalendar.of(["2026-10-13", "-2026-06-19"])
    assert told.quiet(day("2026-10-14")) is not None
    assert RULES.quiet(day("2026-10-14")) is None
    assert told.quiet(day("2026-06-22")) is None


@pytest.mark.parametrize("word", ["tomorrow", "2026-13-01", "26-1-1", "--2026-01-01", "-", "2026-06-19-2026-06-20"])
def test_what_is_no_date_is_refused_by_name(word: str) -> None:
    with pytest.raises(ValueError, match=r"is no date; write 2026-12-29"):
        ArxivCalendar.of([word])


@pytest.mark.parametrize("year", range(1995, 2100))
def test_every_year_has_its_holidays_on_weekdays_and_never_a_week_without_a_list(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    holidays = [one for one in days if (found := RULES.holiday(one)) and found.known]
    assert 6 <= len(holidays) <= 8
    assert all(one.weekday() < 5 for one in holidays)
    assert max((RULES.next_listing(one) - one).days for one in days) <= 5


@pytest.mark.shared
def test_a_year_of_listings_has_none_on_the_days_that_are_known_to_be_quiet(shared: Path) -> None:
    recorded = shared / "data" / "corpus" / "arxiv_listings_2025-03_2026-07.jsonl.gz"
    with gzip.open(recorded, "rt", encoding="utf-8") as lines:
        listed = Counter(json.loads(line)["first_listed"] for line in lines)
    days = [date(2025, 3, 18) + timedelta(days=n) for n in range(470)]
    quiet = [one for one in days if (found := RULES.quiet(one)) and found.known and not found.weekend]
    usual = sorted(listed[one.isoformat()] for one in days if RULES.quiet(one) is None)
    assert len(quiet) == 8
    assert max(listed[one.isoformat()] for one in quiet) < usual[len(usual) // 2] / 4
