"""The reader's own pages in Chromium: every state of them, wide and narrow, light and dark, by keyboard alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from digest.core.prints import print_of
from digest.flows.subscribe import confirm, request
from digest.store.engine import reading, writing
from digest.store.tables import Delivery, PaperText
from tests.browser.conftest import Live
from tests.browser.test_site_look import TITLES
from tests.conftest import NOW
from tests.web.conftest import Place, card_of

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("SCREENSHOTS_IN", "")
ABSTRACTS = [
    "A controller is fitted layer by layer. Quadratic control keeps training stable at great depth.",
    "Small language models forget rare facts first. We measure forgetting during training.",
    "Sparse attention over long documents in many languages. Attention that looks away saves time.",
    "A proof assistant asks questions before it guesses a lemma. Formal proofs become shorter.",
    "Counting galaxies with less light. Photometric redshifts from sparse surveys.",
]


@dataclass
class Reader:
    """A confirmed reader and where their links lead."""

    preferences: str
    react: str
    papers: list[int]

    def reaction(self, place: int, verb: str) -> str:
        """The link beside a paper."""
        return f"/r/{self.react}/{self.papers[place]}/{verb}"


@pytest.fixture
def ada(live: Live, place: Place) -> Reader:
    """A reader of a site with an issue of five papers whose words were read."""
    papers, cards = [], []
    for rank, (title, abstract) in enumerate(zip(TITLES, ABSTRACTS, strict=True), 1):
        paper_id = place.add_paper(
            rank,
            title=title,
            abstract=abstract,
            summary=abstract,
            labs=["Probe Laboratory"],
            keywords=["probing"],
            authors=["Yann N. Dauphin", "Bo Sample"],
        )
        found = print_of(f"{title}\n{abstract}")
        with writing(live.services.engine) as session:
            session.add(PaperText(paper_id=paper_id, listed_on=NOW.date(), words=found.words, counts=found.counts))
        papers.append(paper_id)
        cards.append(card_of(paper_id, rank, title=title, summary=abstract))
    place.add_issue(cards)
    services, tokens = live.services, live.services.tokens
    request(services.engine, tokens, "ada@readers.test", now=NOW, ip="192.0.2.1", source="test", special_use=True)
    with reading(services.engine) as session:
        asked = session.get_one(Delivery, 1)
    own = {"s": asked.subscriber_id or 0}
    confirm(services.engine, tokens, tokens.sign("confirm", {**own, "d": 1}, at=NOW), now=NOW, ip="192.0.2.1")
    return Reader(f"/preferences/{tokens.sign('preferences', own)}", tokens.sign("react", own), papers)


def looked_at(page: Page, name: str) -> list[str]:
    """Look at the page that is open: axe at both widths in light and dark, nothing wider than the screen."""
    found = []
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 1400 if width > 400 else 800})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png", full_page=True)
            checked = Axe().run(page, options={"iframes": False})
            found += [
                f"{name} at {width}, {scheme}: {broken['id']}: {node['html'][:160]}"
                for broken in checked.response["violations"]
                for node in broken["nodes"]
            ]
            spill = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if spill > 0:
                found.append(f"{name} at {width}: {spill} px wider than the screen")
    return found


def open_all(page: Page) -> None:
    """Open every part of the preferences."""
    closed = page.locator("details.part:not([open]) > summary")
    while closed.count():
        closed.first.click()


@pytest.mark.timeout(300)
def test_every_state_of_the_preferences_is_accessible_and_fits_its_screen(page: Page, ada: Reader) -> None:
    # checklist 23, 24
    page.goto(ada.preferences)
    found = looked_at(page, "preferences")
    open_all(page)
    found += looked_at(page, "preferences-open")
    page.get_by_label("Authors, one a line").fill(
        "Yan Dauphin\nBo Sample\nA Name That Is Longer Than Any Screen " + "x" * 120
    )
    page.get_by_label("Keywords and phrases").fill("\n".join(f"a phrase of words {number}" for number in range(40)))
    page.get_by_label("Phrases and categories").fill("blockchain\na phrase of words 3")
    page.get_by_label("Papers you like").fill("https://arxiv.org/abs/2605.00001v2\nnot a paper at all\n2508.13426")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved, but for some lines.")
    found += looked_at(page, "preferences-saved")
    page.get_by_role("button", name="Yann N. Dauphin").click()
    expect(page.get_by_role("status")).to_contain_text("Yann N. Dauphin added")
    open_all(page)
    page.get_by_label("Papers in a digest").fill("99")
    page.get_by_label("Pause until a date").check()
    page.get_by_label("The date").fill("2026-06-01")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("5 to 30")
    expect(page.get_by_label("Papers in a digest")).to_have_value("99")
    expect(page.get_by_label("The date")).to_have_value("2026-06-01")
    found += looked_at(page, "preferences-fault")
    page.goto(f"{ada.preferences}?follow=/labs/probe-laboratory")
    expect(page.get_by_label("Labs, one a line")).to_have_value("Probe Laboratory")
    found += looked_at(page, "preferences-follow")
    page.get_by_role("link", name="See tomorrow’s digest").click()
    expect(page.frame_locator("iframe.mail").locator("body")).to_contain_text("Counting galaxies")
    found += looked_at(page, "tomorrow")
    assert not found, "\n".join(found)


@pytest.mark.timeout(300)
def test_every_state_of_feedback_is_accessible_and_fits_its_screen(page: Page, ada: Reader) -> None:
    # checklist 23, 24
    found = []
    page.goto(f"/taste/{ada.react}")
    found += looked_at(page, "taste-empty")
    page.goto(f"/saved/{ada.react}")
    found += looked_at(page, "saved-empty")
    page.goto(ada.reaction(2, "more"))
    found += looked_at(page, "react-more")
    page.get_by_role("button", name="More like this").click()
    expect(page.get_by_role("status")).to_contain_text("You want more like this.")
    found += looked_at(page, "react-more-done")
    page.get_by_role("link", name="Save this paper").click()
    page.get_by_role("button", name="Save this paper").click()
    page.get_by_role("link", name="Mute a topic of it").click()
    found += looked_at(page, "react-mute")
    page.get_by_role("button", name="Mute long documents").click()
    expect(page.locator(".state.ok")).to_have_text("muted")
    found += looked_at(page, "react-mute-done")
    page.goto(ada.reaction(4, "less"))
    page.get_by_role("button", name="Less like this").click()
    page.goto(ada.reaction(0, "save"))
    page.get_by_role("button", name="Save this paper").click()
    page.get_by_role("link", name="Papers you saved").click()
    found += looked_at(page, "saved")
    page.get_by_role("button", name=f"Take off the list: {TITLES[0]}").click()
    found += looked_at(page, "saved-off")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as BibTeX").click()
    assert "eprint = {2605.00003}" in download.value.path().read_text("utf-8")
    page.get_by_role("link", name="What we think you like").click()
    page.get_by_role("button", name="Strike out attention").click()
    expect(page.locator("del")).to_have_text("attention")
    found += looked_at(page, "taste")
    page.get_by_role("link", name="Forget all of this").click()
    found += looked_at(page, "taste-reset")
    page.get_by_role("button", name="Forget it").click()
    expect(page.locator("del")).to_have_count(0)
    page.goto(f"/r/{ada.react}/999/more")
    found += looked_at(page, "react-gone")
    assert not found, "\n".join(found)


def test_the_readers_pages_work_by_keyboard_alone_with_the_focus_visible(page: Page, ada: Reader) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(ada.reaction(1, "more"))
    _tab_to(page, "button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You want more like this.")
    page.goto(ada.preferences)
    _tab_to(page, "summary", "Words you look for")
    page.keyboard.press("Enter")
    _tab_to(page, "textarea")
    page.keyboard.type("sparse attention")
    box = page.evaluate("document.activeElement.getBoundingClientRect().bottom")
    bar = page.evaluate("document.querySelector('.savebar').getBoundingClientRect().top")
    assert box <= bar + 1, "the bar with the button hides what is typed into"
    _tab_to(page, "input", "", wanted="paper_count")
    page.keyboard.press("Enter")  # the first button of a form is pressed so: it must be the one that saves
    expect(page.get_by_role("status")).to_contain_text("Keywords: sparse attention added.")


def _tab_to(page: Page, tag: str, words: str = "", *, wanted: str = "") -> None:
    """Press Tab until an element of that kind has the focus; it must show it."""
    for _press in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e);"
            "return [e.tagName.toLowerCase(), e.innerText || '', e.id, s.outlineStyle, e.tabIndex]; })()"
        )
        assert here[4] >= 0
        if here[0] == tag and words in here[1] and wanted in here[2]:
            assert here[3] == "solid", f"{tag} does not show its focus"
            return
    raise AssertionError(f"no {tag} with {words!r} is reached by Tab")
