"""Versions gathered from announcements."""

from __future__ import annotations

from datetime import date

from digest.core.versions import Version, versions


def test_each_version_is_told_once_with_its_first_day() -> None:
    announced = [
        (2, date(2026, 5, 18), "arxiv-rss"),
        (1, date(2026, 5, 12), "arxiv-oai"),
        (1, date(2026, 5, 11), "arxiv-rss"),
        (None, date(2026, 5, 1), "hf"),
        (1, None, "arxiv-api"),
    ]
    assert versions(announced, current=3) == [
        Version(1, date(2026, 5, 11), ("arxiv-api", "arxiv-oai", "arxiv-rss")),
        Version(2, date(2026, 5, 18), ("arxiv-rss",)),
        Version(3, None, ()),
    ]
    assert versions([(None, None, "hf")]) == []
