"""The local inbox in the browser."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from tests.web.conftest import Place, place_for, settings_for

NAME = "20260520T060000000000Z-00001-ada@readers.test.eml"


def put(folder: Path, *, name: str = NAME, html: str = "<html><head></head><body>Hi</body></html>") -> None:
    """Store a message as the inbox's server would."""
    message = EmailMessage()
    message["X-Envelope-To"] = "<ada@readers.test>"
    message["From"] = "Firstlight <digest@firstlight.test>"
    message["Subject"] = "A probe <b>subject</b>"
    message["Date"] = datetime(2026, 5, 20, 6, tzinfo=UTC)
    message.set_content("The text part & its link: https://firstlight.test/x")
    message.add_alternative(html, subtype="html")
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(message.as_bytes())


def test_an_empty_inbox_says_where_mail_comes_from(place: Place) -> None:
    assert "No mail yet" in place.browser.get("/inbox").text


def test_messages_are_listed_and_shown_in_a_powerless_frame_whose_links_open(place: Place, tmp_path: Path) -> None:
    put(tmp_path / "outbox")
    listed = place.browser.get("/inbox").text
    assert "A probe &lt;b&gt;subject&lt;/b&gt;" in listed
    assert "to ada@readers.test" in listed
    page = place.browser.get(f"/inbox/{NAME}").text
    assert 'sandbox="allow-popups allow-top-navigation-by-user-activation"' in page
    framed = place.browser.get(f"/inbox/{NAME}/html")
    assert '<head><base target="_top">' in framed.text
    policy = framed.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy.replace("sandbox allow-popups", "")
    assert "The text part &amp; its link" in place.browser.get(f"/inbox/{NAME}?view=text").text
    assert "Content-Type: multipart/alternative" in place.browser.get(f"/inbox/{NAME}?view=source").text
    assert place.browser.get(f"/inbox/{NAME}?view=other").status_code == 404


def test_names_that_leave_the_folder_are_not_found(place: Place, tmp_path: Path) -> None:
    put(tmp_path / "outbox")
    put(tmp_path)
    for name in ("..%2f" + NAME, "%2e%2e%2f" + NAME, "digest.db", "%2e%2e", "%00", NAME + "x"):
        for tail in ("", "/html"):
            assert place.browser.get(f"/inbox/{name}{tail}").status_code == 404, name


def test_there_is_no_inbox_where_it_is_not_switched_on(tmp_path: Path) -> None:
    place = place_for(settings_for(tmp_path, outbox_dir=None))
    put(tmp_path / "outbox")
    assert place.browser.get("/inbox").status_code == 404
    assert place.browser.get(f"/inbox/{NAME}").status_code == 404
    assert "/inbox" not in place.browser.get("/").text
