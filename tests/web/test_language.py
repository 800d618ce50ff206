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


@pytest.mark.parametrize(
    "purpose", ["preferences", "rights", "confirm", "unsubscribe", "saved", "taste", "new-address", "old-address"]
)
def test_a_dead_link_is_told_in_the_visitors_language(place: Place, purpose: str) -> None:
    page = place.browser.get(f"/{purpose}/nonsense", headers=GERMAN).text
    assert "Dieser Link führt nirgendwohin" in page
    assert "Dieser Link ist beschädigt" in page
    assert ("Einen neuen Link anfordern" if purpose == "confirm" else "Die Arbeiten von heute") in page


def test_the_way_in_and_out_is_said_in_the_visitors_language(place: Place) -> None:
    check = place.browser.get("/subscribe/check-your-mail", headers=GERMAN).text
    assert "Sehen Sie jetzt in Ihre Mail" in check
    refused = place.browser.post("/subscribe", data={"address": "x"}, headers=GERMAN).text
    assert "Die Seite war zu alt" in refused
    closed = place.browser.get("/invitation/nonsense", headers=GERMAN).text
    assert "Diese Einladung gilt nicht" in closed
