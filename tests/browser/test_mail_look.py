"""The mails as a reader sees them: in Chromium, two widths, light and dark; `SCREENSHOTS_IN=folder` keeps pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from digest.core.capture import Reading
from digest.core.issue import Card
from digest.core.simulate import simulated_observations
from digest.core.tailor import Edition
from digest.core.trend import Candidate, appraise, trend_scores
from digest.files import seeds_folder
from digest.mail import render
from digest.mail.alert_words import alert_words
from digest.sources.seeds import read_seeds
from tests.mail import samples
from tests.mail.test_render import HOSTILE

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"
KEPT = os.environ.get("SCREENSHOTS_IN", "")
NOTE = "Two of today's papers share a data set that was withdrawn last week; the authors know."

# The contrast of every visible text with the nearest opaque ground behind it, and the text; WCAG 2.2, 1.4.3.
CONTRASTS = """() => {
  const numbers = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility() || element.closest('div[style*="display:none"]')) continue;
    const [a, b] = [light(numbers(getComputedStyle(element).color)), light(ground(element))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text]);
  }
  return found;
}"""


def seed_edition() -> Edition:
    """An edition of bundled papers of known authors, with the signals that the demo makes up."""
    now = datetime(2026, 5, 20, 6, tzinfo=UTC)
    captures = read_seeds(seeds_folder(), Reading(observed_at=now, origin="the bundled seeds"))
    known = [each for capture in captures for each in capture.listings if each.authors and each.categories]
    candidates = [
        Candidate(
            paper_id=number,
            primary_category=listing.categories[0],
            listed_on=listing.listed_on,
            has_code=listing.has_code,
            observations=simulated_observations(listing.title_key, now, has_code=bool(listing.has_code)),
        )
        for number, listing in enumerate(known)
    ]
    best = sorted(trend_scores([appraise(each, now) for each in candidates]), key=lambda score: -score.value)[:10]
    cards = []
    for rank, score in enumerate(best, 1):
        listing = known[score.paper_id]
        cards.append(
            Card(
                paper_id=score.paper_id,
                rank=rank,
                title=listing.title,
                path=f"/papers/{rank}",
                primary_category=listing.categories[0],
                authors=listing.authors,
                authors_complete=listing.authors_complete,
                labs=listing.labs,
                listed_on=listing.listed_on,
                has_code=bool(listing.has_code),
                percentile=score.percentile,
                evidence=score.evidence,
                summary=listing.summary,
                simulated=score.simulated,
            )
        )
    return samples.edition(*cards, topics=())


EDITIONS: dict[str, Edition] = {
    "seeds": seed_edition(),
    "one": samples.edition(samples.card(1)),
    "ten": samples.ten(),
    "apart": samples.edition(*(samples.card(place, novelty=96.0) for place in range(1, 4))),
    "simulated": samples.edition(*(samples.card(place, simulated=True) for place in range(1, 4)), note=NOTE),
    "long": samples.edition(samples.card(1, title=samples.LONG_TITLE, labs=("Laboratory " * 20,)), samples.card(2)),
    "rtl": samples.edition(samples.card(1, title=samples.RIGHT_TO_LEFT_TITLE), samples.card(10), topics=()),
    "empty": samples.edition(),
    "thirty": samples.edition(*(samples.card(place, title=samples.LONG_TITLE) for place in range(1, 31))),
    "hostile": samples.edition(*(samples.card(place, **HOSTILE) for place in range(1, 4)), note="<b>&" * 300),
    "endless": samples.edition(
        samples.card(1, title="x" * 300, labs=("y" * 200,), authors=("z" * 200,), summary="w" * 300)
    ),
}
WELCOMES = {"one"}


@pytest.fixture(scope="module")
def mails() -> dict[str, str]:
    renderer = samples.renderer()
    html = {
        name: renderer.digest(each, samples.LINKS, welcome=name in WELCOMES, upcoming=date(2026, 5, 21)).html
        for name, each in EDITIONS.items()
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(render, "HTML_LIMIT", 20 * 1024)
        html["cut"] = renderer.digest(EDITIONS["ten"], samples.LINKS).html
    html["confirmation"] = renderer.confirmation(f"{samples.BASE_URL}/confirm/{'k' * 180}").html
    html["sign-in"] = renderer.sign_in(f"{samples.BASE_URL}/sign-in/{'k' * 90}").html
    html |= {name: renderer.alert(alert_words(body)).html for name, body in samples.NOTICES.items()}
    return html


NAMES = [*EDITIONS, *samples.NOTICES, "cut", "confirmation", "sign-in"]
# A mail is shown within the page of a mail program, whose landmarks are its own.
NO_LANDMARKS = {"rules": {"landmark-one-main": {"enabled": False}, "region": {"enabled": False}}}
_HEAD_STYLES = re.compile(r"<style.*?</style>", re.DOTALL)
_STYLES = re.compile(r' style="(?![^"]*display:none)[^"]*"')


Show = Callable[[str, int, str], Page]


@pytest.fixture
def show(chromium: Browser, mails: dict[str, str]) -> Iterator[Show]:
    """Show a mail at a width and in a colour scheme; nothing is loaded from outside."""
    pages: list[Page] = []

    def opened(name: str, width: int, scheme: str) -> Page:
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.route("**/*", lambda route: route.abort())
        page.set_content(mails[name])
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [600, 375])
@pytest.mark.parametrize("name", NAMES)
def test_a_mail_fits_its_width_and_every_text_stands_out(  # checklist 21, 22, 23, 24
    show: Show, tmp_path: Path, name: str, width: int, scheme: str
) -> None:
    page = show(name, width, scheme)
    page.screenshot(path=Path(KEPT or tmp_path) / f"{name}-{width}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1
    contrasts: list[tuple[float, str]] = page.evaluate(CONTRASTS)
    assert len(contrasts) > 4
    assert [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5] == []
    broken = Axe().run(page, options=NO_LANDMARKS).response["violations"] if width == 375 else []
    assert [(each["id"], each["nodes"][0]["html"][:160]) for each in broken] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_at_twice_its_size_needs_no_sideways_scrolling(show: Show, name: str) -> None:  # checklist 24
    page = show(name, 320, "light")
    page.add_style_tag(content="body { zoom: 2; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320 * 2
    narrow = show(name, 188, "light")  # what a window of 375 px shows at 200 %
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 188


@pytest.mark.parametrize("name", ["ten", "thirty", "rtl", "cut", "empty", "alert"])
@pytest.mark.parametrize("dropped", ["head", "all"])
def test_a_mail_is_read_in_order_where_styles_are_dropped(  # checklist 25
    show: Show, mails: dict[str, str], name: str, dropped: str
) -> None:
    page = show(name, 375, "light")
    read = page.locator("body").inner_text().split()
    html = _HEAD_STYLES.sub("", mails[name])
    page.set_content(html if dropped == "head" else _STYLES.sub("", html))
    if name != "thirty" or dropped == "head":  # nothing but a style can break its endless word
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.locator("body").inner_text().split() == read


@pytest.mark.parametrize("name", ["ten", "confirmation"])
def test_a_wide_window_is_of_one_ground_beside_the_column_and_below_it(show: Show, name: str) -> None:
    for scheme, ground in (("light", "rgb(251, 250, 247)"), ("dark", "rgb(15, 20, 25)")):
        page = show(name, 1280, scheme)
        at_the_edge = "getComputedStyle(document.elementFromPoint(4, 100)).backgroundColor"
        assert page.evaluate(at_the_edge) == ground
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground


def test_a_right_to_left_title_is_set_from_the_right_and_the_rest_is_not(show: Show) -> None:
    page = show("rtl", 600, "light")
    directions = page.eval_on_selector_all("h2", "all => all.map((each) => getComputedStyle(each).direction)")
    assert directions == ["rtl", "ltr"]


def test_unsubscribe_is_in_the_first_screen_of_a_phone(show: Show) -> None:  # checklist 19
    box = show("ten", 375, "light").locator("a", has_text="unsubscribe").first.bounding_box()
    assert box is not None
    assert box["y"] < 300


@pytest.mark.skipif(os.environ.get("UPDATE_SCREENSHOTS") != "1", reason="UPDATE_SCREENSHOTS=1 takes new pictures")
def test_pictures_for_the_documentation(show: Show) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for file, width, scheme in (("600", 600, "light"), ("375", 375, "light"), ("dark", 600, "dark")):
        show("seeds", width, scheme).screenshot(path=PICTURES / f"digest-{file}.png")
