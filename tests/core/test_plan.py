"""What is due, and when: intervals, back-off after failures, the misfire grace of an issue."""

from datetime import UTC, date, datetime, timedelta

import pytest

from digest.core.capture import RunStatus
from digest.core.plan import STALE_AFTER, LastRun, issue_due, sources_due

NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)
RSS = ("arxiv-rss", "cs.LG")


def test_a_source_never_read_is_due() -> None:
    assert [(work.source, work.scope) for work in sources_due([RSS], {}, NOW)] == [RSS]


@pytest.mark.parametrize(("hours", "due"), [(0.9, False), (1, True), (30, True)])
def test_a_source_read_well_is_due_after_its_interval(hours: float, due: bool) -> None:
    last = LastRun(NOW - timedelta(hours=hours), RunStatus.OK)
    assert bool(sources_due([RSS], {RSS: last}, NOW)) is due


@pytest.mark.parametrize(
    ("failures", "minutes", "due"),
    [(1, 14, False), (1, 15, True), (3, 59, False), (3, 60, True), (500, 179, False), (500, 180, True)],
)
def test_a_failed_source_is_asked_sooner_and_backs_off(failures: int, minutes: int, due: bool) -> None:
    last = LastRun(NOW - timedelta(minutes=minutes), RunStatus.FAILED, failures)
    assert bool(sources_due([RSS], {RSS: last}, NOW)) is due


def test_a_late_source_is_asked_again_within_the_hour() -> None:
    last = LastRun(NOW - timedelta(hours=1), RunStatus.LATE)
    assert sources_due([RSS], {RSS: last}, NOW)


@pytest.mark.parametrize(
    ("newest", "since_cut_off", "due"),
    [
        (None, timedelta(0), True),
        (date(2026, 5, 19), timedelta(minutes=5), True),
        (date(2026, 5, 20), timedelta(minutes=5), False),
        (date(2026, 5, 19), STALE_AFTER, False),  # a stale issue is not made up for
        (date(2026, 5, 19), -timedelta(seconds=1), False),
    ],
)
def test_an_issue_is_due_once_from_its_cut_off_until_it_is_stale(
    newest: date | None, since_cut_off: timedelta, due: bool
) -> None:
    assert issue_due(newest, NOW, NOW + since_cut_off) is due


def test_services_that_are_asked_for_signals_come_due_like_sources_and_back_off_like_them() -> None:
    pairs = [("github", "signals"), ("openalex", "signals")]
    last = {
        ("github", "signals"): LastRun(NOW - timedelta(minutes=31), RunStatus.OK),
        ("openalex", "signals"): LastRun(NOW - timedelta(minutes=31), RunStatus.FAILED, failures=3),
    }
    assert sources_due(pairs, last, NOW, Task.REFRESH) == [Work(Task.REFRESH, source="github", scope="signals")]
