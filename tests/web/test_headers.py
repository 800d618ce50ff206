"""What every answer carries, and what happens when something breaks or is too large."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from digest.store.engine import open_engine
from digest.web.headers import MAX_BODY
from tests.web.conftest import Place

PAGES = ["/", "/issues", "/about/ranking", "/subscribe", "/subscribe/check-your-mail", "/admin/sign-in", "/nothing"]


@pytest.mark.parametrize("path", [*PAGES, "/static/site.css", "/healthz", "/robots.txt", "/inbox"])
def test_every_answer_carries_the_headers_and_takes_head(place: Place, path: str) -> None:
    # checklist 66
    answer = place.browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "referrer-policy" in answer.headers
    head = place.browser.head(path)
    assert head.status_code == answer.status_code
    assert head.content == b""
    assert head.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_one_heading_a_language_and_nothing_from_elsewhere(place: Place, path: str) -> None:
    place.add_small_issue()
    page = place.browser.get(path).text
    assert page.count("<h1") == 1
    assert '<html lang="en" dir="ltr">' in page
    own_script = re.sub(r'<script src="/static/zone\.js\?v=[0-9a-f]{10}" defer></script>', "", page)
    assert (own_script != page) == ("script-src 'self'" in place.browser.get(path).headers["content-security-policy"])
    assert "<script" not in own_script
    for hazard in ("style=", "onclick", "src=http", 'rel="stylesheet" href="http'):
        assert hazard not in page


def test_a_body_that_is_too_large_is_refused_with_a_page(place: Place) -> None:
    answer = place.browser.post("/subscribe", content=b"a" * (MAX_BODY + 1))
    assert answer.status_code == 413
    assert "too much at once" in answer.text
    assert "content-security-policy" in answer.headers
    unsaid = place.browser.post("/subscribe", content=(b"a" * 1024 for _ in range(MAX_BODY // 1024 + 1)))
    assert unsaid.status_code == 413
    for declared in ("x", "-1", "9" * 30):
        assert place.browser.post("/subscribe", headers={"content-length": declared}).status_code == 413


def test_a_body_that_is_no_form_gets_a_page(place: Place) -> None:
    answer = place.browser.post(
        "/subscribe", content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code in (400, 422)
    assert "<h1" in answer.text
    assert place.browser.put("/subscribe").status_code == 405


def test_a_failure_nobody_foresaw_is_a_page_in_the_sites_look_without_its_cause(place: Place) -> None:
    SQLModel.metadata.drop_all(place.services.engine)
    answer = place.browser.get("/")
    assert answer.status_code == 500
    assert "went wrong on our side" in answer.text
    assert "no such table" not in answer.text
    assert "content-security-policy" in answer.headers


def test_health_is_about_the_process_and_readiness_about_the_database(place: Place, tmp_path: Path) -> None:
    assert place.browser.get("/healthz").json() == {"status": "up"}
    ready = place.browser.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    place.services.engine = open_engine(f"sqlite:///{tmp_path}/empty.db")
    empty = place.browser.get("/readyz")
    assert (empty.status_code, empty.json()["schema"]) == (503, "absent")
    (tmp_path / "folder.db").mkdir()
    place.services.engine = open_engine(f"sqlite:///{tmp_path}/folder.db")
    gone = place.browser.get("/readyz")
    assert (gone.status_code, gone.json()["database"]) == (503, "unreachable")
    assert place.browser.get("/healthz").status_code == 200


def test_crawlers_are_asked_to_leave_personal_pages_alone(place: Place) -> None:
    lines = place.browser.get("/robots.txt").text.splitlines()
    assert "Disallow: /preferences" in lines
    assert "Disallow: /admin" in lines


def test_the_stylesheets_address_changes_with_its_content(place: Place) -> None:
    page = place.browser.get("/").text
    start = page.index("/static/site.css?v=")
    address = page[start : page.index('"', start)]
    assert place.browser.get(address).headers["content-type"].startswith("text/css")
