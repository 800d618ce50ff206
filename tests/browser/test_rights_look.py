"""The pages about a reader's rights in Chromium: accessible, within the screen, and usable without a mouse."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from digest.flows.invitations import invite
from digest.flows.links import held
from digest.mail.local_inbox import stored_messages
from digest.store.engine import writing
from digest.store.subscribers import suppress
from tests.browser.conftest import Live
from tests.post import add_reader

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("SCREENSHOTS_IN", "")
ADA = "ada.with.a.rather.long.name@department-of-computer-science.readers.test"


def links_of(live: Live) -> dict[str, str]:
    """A reader's own pages, in every state."""
    tokens = live.services.tokens
    states = {"running": add_reader(live.services.engine, ADA)}
    for name, reason in (("bounced", "hard 5.1.1"), ("complained", "complaint")):
        address = f"{name}@readers.test"
        states[name] = add_reader(live.services.engine, address)
        with writing(live.services.engine) as session:
            suppress(session, address, tokens.address_hashes(address), reason, live.clock())
    states["gone"] = add_reader(live.services.engine, "gone@readers.test", state="unsubscribed")
    (token,) = invite(live.services.engine, count=1, lasts=timedelta(days=1), uses=9, now=live.clock())
    own = {name: f"/rights/{tokens.sign('preferences', {'s': reader})}" for name, reader in states.items()}
    return own | {
        "erase": f"{own['running']}/erase",
        "new-address": f"/new-address/{tokens.sign('new-address', {'d': 1}, at=live.clock())}",
        "old-address": f"/old-address/{tokens.sign('object', {'d': 1}, at=live.clock())}",
        "invitation": f"/invitation/{token}",
        "invitation-closed": "/invitation/x",
    }


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_within_the_screen(chromium: Browser, live: Live, width: int, scheme: str) -> None:
    context = chromium.new_context(base_url=live.url, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    for name, path in links_of(live).items():
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}-{scheme}.png"), full_page=True)
    context.close()


def test_a_reader_downloads_moves_and_is_forgotten(page: Page, live: Live) -> None:
    reader = add_reader(live.services.engine, ADA)
    own = f"/rights/{live.services.tokens.sign('preferences', {'s': reader})}"
    page.goto(own)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download everything").press("Enter")
    assert json.loads(Path(downloading.value.path()).read_text("utf-8"))["address"] == ADA
    page.get_by_label("Your new e-mail address").fill("ada@elsewhere.test")
    page.get_by_role("button", name="Ask there").click()
    assert "Now check the mail at the new address" in page.content()
    live.deliver()
    assert len(list(stored_messages(live.outbox))) == 1
    for asked, button in (
        ("Move your Firstlight digest here?", "Move my digest here"),
        ("Your Firstlight digest goes to", "Undo it"),
    ):
        page.goto("/inbox")
        page.get_by_role("link", name=asked).first.click()
        page.frame_locator("iframe.mail").get_by_role("link", name=button).first.click()
        page.get_by_role("button", name=button).click()
        live.deliver()
    assert "The change is undone" in page.content()
    page.goto(own)
    assert "This link does not work" in page.content(), "a link that was mailed before the move may be a stranger's"
    own = f"/rights/{live.services.tokens.sign('preferences', held(reader, 2))}"  # there and back
    page.goto(own)
    assert ADA in page.content()
    page.get_by_role("link", name="Erase everything about me").click()
    page.get_by_role("button", name="Erase everything").click()
    assert "You are forgotten" in page.content()
    page.goto(own)
    assert "This link does not work" in page.content()
