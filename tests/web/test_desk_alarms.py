"""The alarms on top of the desk's pages: what is wrong, since when, what to do, and nothing where nothing is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.store.engine import writing
from digest.store.tables import AlarmRow
from tests.conftest import NOW
from tests.web.conftest import Place
from tests.web.test_admin import sign_in

PAGES = ["/admin/", "/admin/deliveries"]


def add(place: Place, key: str, **changes: object) -> None:
    since = NOW - timedelta(hours=2)
    row = {"key": key, "severity": "page", "details": "", "since": since, "seen_at": NOW, "told_at": since}
    with writing(place.services.engine) as session:
        session.add(AlarmRow(**{**row, **changes}))


@pytest.mark.parametrize("page", PAGES)
def test_what_holds_is_on_top_with_what_to_do_and_where(place: Place, page: str) -> None:
    sign_in(place)
    add(place, "source-failed:arxiv-rss", severity="ticket", details="cs.LG <script>alert(1)</script>")
    add(place, "brake", details="1 issue is held: 5 complaints")
    shown = place.browser.get(page).text
    assert shown.index("The brake has stopped sending") < shown.index("arxiv-rss cannot be read"), "the gravest first"
    assert "since 20 May 2026, 04:00 UTC" in shown
    assert "digest brake release" in shown
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown
    assert 'href="/admin/sources">See it' in shown
    assert f'href="{page}">See it' not in shown, "whoever is there needs no link there"


@pytest.mark.parametrize("page", PAGES)
def test_what_is_over_says_so_at_once_and_is_gone_once_that_is_told(place: Place, page: str) -> None:
    sign_in(place)
    add(place, "brake", over_at=NOW - timedelta(minutes=5))
    add(place, "scores-old", told_at=None)
    add(place, "not-pruned", over_at=NOW, told_over_at=NOW)
    add(place, "of-another-version:x")
    shown = place.browser.get(page).text
    assert "over since 20 May 2026, 05:55 UTC" in shown
    assert "told if it lasts" in shown
    assert "Nothing is deleted" not in shown
    assert "of-another-version:x" in shown


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_shown_where_no_alarm_holds(place: Place, page: str) -> None:
    sign_in(place)
    assert 'class="alarm' not in place.browser.get(page).text


def test_a_stranger_is_told_of_no_alarm(place: Place) -> None:
    add(place, "brake")
    assert "brake" not in place.browser.get("/admin/").text
