"""What is due, and when: intervals, and back-off after failures."""

from datetime import UTC, datetime, timedelta

import pytest

from digest.core.capture import RunStatus
from digest.core.plan import LastRun, Task, Work, sources_due

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


def test_services_that_are_asked_for_signals_come_due_like_sources_and_back_off_like_them() -> None:
    pairs = [("github", "signals"), ("openalex", "signals")]
    last = {
        ("github", "signals"): LastRun(NOW - timedelta(minutes=31), RunStatus.OK),
        ("openalex", "signals"): LastRun(NOW - timedelta(minutes=31), RunStatus.FAILED, failures=3),
    }
    assert sources_due(pairs, last, NOW, Task.REFRESH) == [Work(Task.REFRESH, source="github", scope="signals")]
