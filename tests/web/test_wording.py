"""What is kept of the words of consent is what readers are shown now; other words need a version of their own."""

from __future__ import annotations

import html
import re

import pytest

from digest.flows.subscribe import WORDING
from digest.flows.wording import name_of, words_of
from digest.languages import offered
from tests.web.conftest import Place
from tests.web.test_readers import confirm_token, reader_token, subscribe


def said(markup: str) -> str:
    """The words of a page or mail in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@pytest.mark.parametrize("tag", offered())
def test_the_words_that_are_kept_are_the_words_that_are_shown(place: Place, tag: str) -> None:
    # checklist 62
    kept, place.browser.headers["accept-language"] = words_of(name_of(WORDING, tag)), tag
    assert set(kept) == {"form", "mail", "page", "button", "way_out"}
    assert kept["form"] in said(place.browser.get("/subscribe").text)
    subscribe(place)
    page = said(place.browser.get(f"/confirm/{confirm_token(place)}").text)
    assert kept["page"] in page
    assert kept["button"] in page
    assert kept["way_out"] in said(place.browser.get(f"/unsubscribe/{reader_token(place, 'unsubscribe')}").text)
    mail = said(place.services.renderer.speaking(tag).confirmation("https://firstlight.test/confirm/x").text)
    for sentence in kept["mail"].format(site=place.services.settings.site_name).split(". "):
        assert sentence.rstrip(".") in mail


def test_a_version_that_is_not_kept_has_no_words() -> None:
    assert words_of("1999-01") == words_of("../../etc/passwd") == words_of("") == {}
