"""A visitor reads the site in the language their browser asks for; the desk is in English."""

from __future__ import annotations

import pytest

from tests.web.conftest import Place

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.8"}


@pytest.mark.parametrize("path", ["/", "/issues", "/subscribe", "/nothing"])
def test_a_page_says_which_language_it_is_in_and_that_it_depends_on_the_browser(place: Place, path: str) -> None:
    for headers, tag in ((GERMAN, "de"), ({}, "en"), ({"accept-language": "fr"}, "en")):
        answer = place.browser.get(path, headers=headers)
        assert answer.headers["content-language"] == tag
        assert answer.headers["vary"] == "Accept-Language"
        assert f'<html lang="{tag}" dir="ltr">' in answer.text


def test_a_german_page_speaks_german(place: Place) -> None:
    assert "<h1>Frühere Ausgaben</h1>" in place.browser.get("/issues", headers=GERMAN).text
    assert "<h1>Diese Seite gibt es nicht</h1>" in place.browser.get("/nothing", headers=GERMAN).text
    assert "<h1>Past issues</h1>" in place.browser.get("/issues").text


@pytest.mark.parametrize("path", ["/admin/sign-in", "/admin/nothing"])
def test_the_desk_is_in_english(place: Place, path: str) -> None:
    page = place.browser.get(path, headers=GERMAN).text
    assert '<html lang="en" dir="ltr">' in page
    assert "Skip to the content" in page
