"""Where the site sends a browser: to a path of its own, whatever the request claims."""

from __future__ import annotations

import pytest

from tests.web.conftest import Place
from tests.web.test_readers import confirm_token, subscribe

HOSTILE = [
    "//evil.example/",
    "///evil.example//",
    "/%2f%2fevil.example/",
    "/%5cevil.example/",
    "/\\evil.example/",
    "/\\/evil.example/",
    "/https://evil.example/",
    "/%0d%0aLocation:%20https://evil.example/",
    "/.//evil.example/",
    "/search/?next=https://evil.example/",
    "/papers/2605.00001v3?to=//evil.example",
    "/admin/?next=//evil.example",
]


def is_our_own(location: str) -> bool:
    """Say whether a browser stays on this site: one slash, and then no other, nor a backslash."""
    return location.startswith("/") and not location.startswith(("//", "/\\")) and "\n" not in location


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("headers", [{}, {"host": "evil.example", "x-forwarded-host": "evil.example"}])
def test_every_redirect_leads_to_a_path_of_this_site(place: Place, path: str, headers: dict[str, str]) -> None:
    # checklist 68
    place.add_paper(1)
    for method in ("GET", "POST"):
        answer = place.browser.request(method, f"http://testserver{path}", headers=headers)
        if answer.is_redirect:
            assert is_our_own(answer.headers["location"]), answer.headers["location"]
        assert "evil.example" not in answer.headers.get("refresh", "")


def test_forms_lead_to_pages_of_this_site_whatever_else_is_sent(place: Place) -> None:
    # checklist 68
    extra = {"next": "https://evil.example", "return": "//evil.example"}
    asked = subscribe(place, **extra)
    assert asked.headers["location"] == "/subscribe/check-your-mail"
    signing_in = place.browser.post("/admin/sign-in", data={"address": "x@y.test"} | extra)
    assert signing_in.headers["location"] == "/admin/check-your-mail"
    assert "location" not in place.browser.post(f"/confirm/{confirm_token(place)}", data=extra).headers
