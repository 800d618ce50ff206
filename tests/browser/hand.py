"""A reader at the browser: with a mouse, or with a keyboard alone; every page they open is looked at."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from digest.core.language import Language
from digest.mail.local_inbox import read_message, stored_messages
from tests.browser.conftest import Live

PICTURES = os.environ.get("SCREENSHOTS_IN", "")
MOST_TABS = 200  # far more than any page has; a loop that finds nothing ends
# A mail is shown within the page of a mail program, whose landmarks are its own.
NO_LANDMARKS = {"rules": {"landmark-one-main": {"enabled": False}, "region": {"enabled": False}}}


@dataclass
class Hand:
    """Press, fill in and choose as a reader does; `faults` is what was seen to be wrong on the way."""

    page: Page
    live: Live
    say: Language
    keyboard: bool
    name: str
    faults: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)  # of the mail that was opened last

    def look(self, what: str, *, options: dict[str, object] | None = None) -> None:
        """Look at what is open: axe finds nothing, nothing is wider than the screen, one heading leads it."""
        checked = Axe().run(self.page, options=options or {"iframes": False})
        self.faults += [
            f"{self.name}, {what}: {broken['id']}: {node['html'][:160]}"
            for broken in checked.response["violations"]
            for node in broken["nodes"]
        ]
        spill = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if spill > 0:
            self.faults.append(f"{self.name}, {what}: {spill} px wider than the screen")
        if self.page.locator("h1").count() != 1:
            self.faults.append(f"{self.name}, {what}: {self.page.locator('h1').count()} main headings")
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"life-{self.name}-{what}.png", full_page=True)

    def go(self, path: str, what: str) -> None:
        """Open an address and look at it."""
        self.page.goto(path)
        self.look(what)

    def reach(self, wanted: Locator) -> None:
        """Press Tab until what is wanted has the focus, and see that it shows it."""
        expect(wanted).to_be_visible()
        for _press in range(MOST_TABS):
            if wanted.evaluate("one => one === document.activeElement"):
                if wanted.evaluate("one => getComputedStyle(one).outlineStyle") == "none":
                    self.faults.append(f"{self.name}: {wanted} does not show its focus")
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {wanted} at {self.page.url}")

    def press(self, role: str, words: str, what: str = "") -> None:
        """Press a button or follow a link, and look at where it leads."""
        named = self.page.get_by_role(role, name=re.compile(re.escape(self.say(words)))).first  # type: ignore[arg-type]  # a role's name
        if what:
            self.follow(named, what)
        else:
            self._press(named)

    def follow(self, named: Locator, what: str) -> None:
        """Press what leads to another page, and look at that."""
        with self.page.expect_navigation():
            self._press(named)
        self.look(what)

    def _press(self, named: Locator) -> None:
        if self.keyboard:
            self.reach(named)
            self.page.keyboard.press("Enter")
        else:
            named.click()

    def open(self, part: str) -> None:
        """Open a part of the preferences, if it is closed."""
        summary = self.page.locator("details.part > summary", has_text=self.say(part))
        if summary.evaluate("one => one.parentElement.open"):
            return
        self._press(summary)
        expect(summary.locator("..")).to_have_attribute("open", "")

    def fill(self, label: str, words: str) -> None:
        """Write into a field in place of what stands there."""
        named = self.page.get_by_label(self.say(label), exact=False).first
        if self.keyboard:
            self.reach(named)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(words)
        else:
            named.fill(words)
        expect(named).to_have_value(words)

    def choose(self, label: str, words: str) -> None:
        """Choose from a list, by the words it shows."""
        named = self.page.get_by_label(self.say(label), exact=True)
        if self.keyboard:
            self.reach(named)
            self.page.keyboard.type(words)
        else:
            named.select_option(label=words)
        assert named.evaluate("one => one.selectedOptions[0].text") == words

    def tick(self, label: str) -> None:
        """Tick a box."""
        named = self.page.get_by_label(re.compile(re.escape(label))).first
        if self.keyboard:
            self.reach(named)
            self.page.keyboard.press("Space")
        else:
            named.check()
        expect(named).to_be_checked()

    def pause(self, choice: str, until: str = "") -> None:
        """Choose whether the digest comes; `until` is a date as its field shows it in English: 05/25/2026."""
        self.open("A pause")
        wanted = self.page.locator(f'input[name="pause"][value="{choice}"]')
        if self.keyboard:
            self.reach(self.page.locator('input[name="pause"]:checked'))
            for _arrow in range(3):
                if wanted.is_checked():
                    break
                self.page.keyboard.press("ArrowDown")
        else:
            wanted.check()
        expect(wanted).to_be_checked()
        if until:
            month, day, year = until.split("/")
            field_ = self.page.locator("#until")
            if self.keyboard:
                self.reach(field_)
                self.page.keyboard.type(until.replace("/", ""))
            else:
                field_.fill(f"{year}-{month}-{day}")
            expect(field_).to_have_value(f"{year}-{month}-{day}")

    def mail(self, subject: str, to: str, what: str) -> str:
        """Open the newest message of a subject as a mail program would, outside the inbox's frame; return its text.

        The frame there is a sandbox, in which axe cannot run.
        """
        newest = next(
            each
            for each in stored_messages(self.live.outbox)
            if re.search(subject, each.subject) and each.recipient == to
        )
        message = read_message(self.live.outbox, newest.name)
        html, text = (message.get_body((kind,)) for kind in ("html", "plain"))
        assert html is not None
        assert text is not None
        self.page.goto("about:blank")
        self.page.set_content(html.get_content())
        self.look(what, options=NO_LANDMARKS)
        self.headers = {name.lower(): str(value) for name, value in message.items()}
        return str(text.get_content())
