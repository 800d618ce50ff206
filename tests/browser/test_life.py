"""A whole life of a subscription in Chromium: wide with a mouse, on a phone with a keyboard alone, and in German."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from digest.core.capture import Capture, Reading
from digest.core.delivery import DeliveryKind, DeliveryState
from digest.core.paper import Listing, Observation
from digest.flows.ingest import ingest_capture
from digest.flows.learn import learn_again
from digest.flows.score import score
from digest.flows.words import read_words
from digest.languages import language
from tests.browser.conftest import Live
from tests.browser.hand import Hand
from tests.browser.test_journey import morning, states

pytestmark = pytest.mark.browser

ADA = "ada@readers.test"
ELSEWHERE = "ada@elsewhere.test"
FIRST_DAY = date(2026, 5, 21)
DIGEST = r", part \d\d"
SUBJECTS = [
    ("Sparse attention over long documents", "Sparse attention looks away from most of a long document."),
    ("Layers that control themselves", "A controller is fitted to each layer, and training stays stable."),
    ("Blockchain ledgers for model weights", "Ledgers of blocks keep the weights of a model in public."),
    ("Proof assistants that ask back", "A proof assistant asks questions before it guesses a lemma."),
]


def listed(live: Live, day: date) -> None:
    """Let four papers be listed that are new on a day, gain attention, and have their words read."""
    now = live.clock()
    listings = [
        Listing(
            source="hf",
            title=f"{title}, part {day.day}",
            arxiv_id=f"2605.{day.day:02}{number:03}",
            authors=("Ada Probe", "Bo Sample") if number == 3 else ("Cy Trial",),
            abstract=f"{abstract} This is part {day.day} of a series, with results on nine data sets.",
            categories=("cs.LO",) if number == 3 else ("cs.LG",),
            listed_on=now.date(),
            observations=tuple(
                Observation("hf_upvotes", now - timedelta(hours=hours), float(votes * (number + 1)), "hf")
                for hours, votes in ((9, 1), (6, 4), (3, 9))
            ),
        )
        for number, (title, abstract) in enumerate(SUBJECTS)
    ]
    engine, origin = live.services.engine, Reading(observed_at=now, origin="a life's own papers")
    ingest_capture(engine, "hf", "daily", Capture(listings=listings), origin, now=now)
    read_words(engine, then=lambda session, ids: learn_again(session, ids, now=now))
    score(engine, now)


def day_of(live: Live, day: date, *, mailed: int) -> None:
    """Let a morning pass: papers are listed, the issue is frozen, and by nine in Berlin digests have gone out."""
    live.clock.move(seconds=(live.services.cut_off(day) - live.clock()).total_seconds() - 3_600)
    listed(live, day)
    morning(live, day)
    live.clock.move(hours=2)
    assert live.deliver()[DeliveryState.ACCEPTED] == mailed


@pytest.fixture(
    params=[(1280, "en", False), (375, "en", True), (375, "de", False)],
    ids=["wide with a mouse", "phone with a keyboard", "phone in German"],
)
def hand(request: pytest.FixtureRequest, chromium: Browser, live: Live) -> Iterator[Hand]:
    """A reader with an empty browser; what they saw to be wrong is told at the end."""
    width, tag, keyboard = request.param
    context = chromium.new_context(
        base_url=live.url,
        viewport={"width": width, "height": 800},
        locale={"en": "en-US", "de": "de-DE"}[tag],
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
    )
    context.set_default_timeout(10_000)
    made = Hand(context.new_page(), live, language(tag), keyboard, f"{width}-{tag}")
    yield made
    context.close()
    assert made.faults == []


def subscribe(hand: Hand, what: str) -> None:
    """Subscribe on the front page, and confirm from the mail."""
    hand.go("/", f"{what}-home")
    hand.live.clock.move(seconds=5)
    hand.fill("Your e-mail address", ADA)
    hand.press("button", "Mail me the digest", f"{what}-check-your-mail")
    assert hand.live.deliver()[DeliveryState.ACCEPTED] == 1
    hand.mail(hand.say("Confirm your subscription to %(name)s", name="Firstlight"), ADA, f"{what}-confirmation")
    hand.press("link", "Confirm the subscription", f"{what}-confirm")
    hand.press("button", "Confirm the subscription", f"{what}-confirmed")
    expect(hand.page.get_by_role("heading", level=1)).to_have_text(hand.say("You are subscribed"))


@pytest.mark.timeout(600)
def test_a_reader_comes_reads_corrects_moves_leaves_comes_back_and_is_forgotten(hand: Hand, live: Live) -> None:
    # checklist 23, 24, 52, 63
    page, say = hand.page, hand.say
    day_of(live, FIRST_DAY, mailed=0)
    subscribe(hand, "first")
    assert live.deliver()[DeliveryState.ACCEPTED] == 1
    preferences = wish(hand)
    reads(hand)
    corrects(hand)
    pauses(hand, preferences)
    moves(hand, preferences)
    reads_on_the_web_and_takes_everything_along(hand)
    leaves_and_comes_back(hand)
    hand.press("link", "Choose what you get", "last-preferences")
    hand.press("link", "Your data: download it, change your address, erase everything", "last-rights")
    hand.press("link", "Erase everything about me", "erase")
    hand.press("button", "Erase everything", "erased")
    expect(page.get_by_role("heading", level=1)).to_have_text(say("You are forgotten"))
    page.goto(preferences)
    expect(page.get_by_role("heading", level=1)).to_have_text(say("This link does not work"))
    hand.look("dead-link")
    day_of(live, FIRST_DAY + timedelta(days=8), mailed=0)


def wish(hand: Hand) -> str:
    """From the welcome mail to the preferences, all of them; return where they are."""
    text = hand.mail(DIGEST, ADA, "welcome")
    assert hand.say("Welcome") in text
    hand.press("link", "change", "preferences")
    assert hand.page.locator("html").get_attribute("lang") == hand.say.tag
    hand.tick("cs.LG")
    hand.fill("Others, with commas between them", "cs.LO")
    hand.open("Authors and labs you follow")
    hand.fill("Authors, one a line", "Ada Probe")
    hand.open("Words you look for")
    hand.fill("Keywords and phrases, one a line", "sparse attention")
    hand.open("What you never want to see")
    hand.fill("Phrases and categories, one a line", "blockchain")
    hand.choose("Hour", "09:00")
    hand.fill("Time zone", "Europe/Berlin")
    hand.look("preferences-filled")
    preferences = hand.page.url
    hand.press("button", "Save", "preferences-saved")
    expect(hand.page.get_by_role("status")).to_contain_text(hand.say("Saved."))
    expect(hand.page.get_by_role("status")).to_contain_text("Ada Probe")
    expect(hand.page.get_by_role("status")).to_contain_text("Europe/Berlin")
    hand.press("link", "See tomorrow’s digest", "tomorrow")
    return preferences


def reads(hand: Hand) -> None:
    """Receive a digest with its reasons, want more like one of its papers, and save another."""
    day_of(hand.live, FIRST_DAY + timedelta(days=1), mailed=1)
    text = " ".join(hand.mail(DIGEST, ADA, "digest").split())
    assert "Blockchain" not in text
    reasons = hand.page.locator("p.y, p.x").all_inner_texts()
    assert any("Ada Probe" in one for one in reasons), reasons
    assert any("sparse attention" in one for one in reasons), reasons
    entry = hand.page.locator("tr", has_text="Layers that control").last
    more = entry.get_by_role("link", name=hand.say("more like this"))
    hand.follow(more, "react-more")
    hand.press("button", "More like this", "react-more-done")
    expect(hand.page.get_by_role("status")).to_contain_text(hand.say("You want more like this."))
    hand.mail(DIGEST, ADA, "digest-again")
    entry = hand.page.locator("tr", has_text="Proof assistants").last
    hand.follow(entry.get_by_role("link", name=hand.say("save"), exact=True), "react-save")
    hand.press("button", "Save this paper", "react-save-done")
    hand.press("link", "Papers you saved", "saved")
    expect(hand.page.get_by_role("link", name="Proof assistants that ask back, part 22")).to_be_visible()


def corrects(hand: Hand) -> None:
    """See the taste that was learned, strike out a word of it, and mute a topic of a paper."""
    hand.press("link", "What we think you like", "taste")
    word = hand.page.locator("ul.weighed .word").first.inner_text()
    hand.follow(hand.page.get_by_role("button", name=hand.say("Strike out %(word)s", word=word)), "taste-struck")
    expect(hand.page.locator("del")).to_have_text(word)
    hand.mail(DIGEST, ADA, "digest-once-more")
    entry = hand.page.locator("tr", has_text="Layers that control").last
    hand.follow(entry.get_by_role("link", name=hand.say("less"), exact=True), "react-less")
    hand.press("link", "Mute a topic of it", "mute")
    hand.follow(hand.page.locator("ul.topics button").first, "muted")
    expect(hand.page.locator(".state.ok")).to_have_text(hand.say("muted"))
    hand.follow(hand.page.locator("ul.topics button").first, "unmuted")
    expect(hand.page.locator(".state.ok")).to_have_count(0)


def pauses(hand: Hand, preferences: str) -> None:
    """Pause until a day, get nothing meanwhile, and resume before it."""
    hand.page.goto(preferences)
    hand.pause("until", "06/01/2026")
    hand.press("button", "Save", "paused")
    day_of(hand.live, FIRST_DAY + timedelta(days=2), mailed=0)
    hand.page.goto(preferences)
    hand.pause("run")
    hand.press("button", "Save", "resumed")
    expect(hand.page.get_by_role("status")).to_contain_text(hand.say("The digest comes again."))


def moves(hand: Hand, preferences: str) -> None:
    """Move to another address, think better of it, and get the next digest at the old one."""
    hand.page.goto(preferences)
    hand.press("link", "Your data: download it, change your address, erase everything", "rights")
    hand.fill("Your new e-mail address", ELSEWHERE)
    hand.press("button", "Ask there", "asked-there")
    assert hand.live.deliver()[DeliveryState.ACCEPTED] == 1
    hand.mail(re.escape(hand.say("Move your %(name)s digest here?", name="Firstlight")), ELSEWHERE, "new-address-mail")
    hand.press("link", "Move my digest here", "new-address")
    hand.press("button", "Move my digest here", "moved")
    assert hand.live.deliver()[DeliveryState.ACCEPTED] == 1
    told = hand.say("Your %(name)s digest goes to another address now", name="Firstlight")
    hand.mail(re.escape(told), ADA, "moved-mail")
    hand.press("link", "Undo it, I did not ask for this", "old-address")
    hand.press("button", "Undo it", "undone")
    day_of(hand.live, FIRST_DAY + timedelta(days=3), mailed=1)


def reads_on_the_web_and_takes_everything_along(hand: Hand) -> None:
    """Open the web edition of the digest, and download all that is held."""
    hand.mail(DIGEST, ADA, "digest-after-the-move")
    titles = hand.page.locator("h2").all_inner_texts()
    hand.press("link", "read on the web", "web-edition")
    assert hand.page.locator("article h2 a").all_inner_texts() == titles
    hand.mail(DIGEST, ADA, "digest-after-the-move-again")
    hand.press("link", "change", "preferences-after-the-move")
    hand.press("link", "Your data: download it, change your address, erase everything", "rights-after-the-move")
    with hand.page.expect_download() as downloading:
        hand.press("button", "Download everything")
    held = json.loads(Path(downloading.value.path()).read_text("utf-8"))
    assert held["address"] == ADA
    assert {one["words"] for one in held["interests"]} >= {"Ada Probe", "sparse attention", "blockchain"}
    assert {one["language"] for one in held["consents"][:2]} == {hand.say.tag}
    assert len(held["reactions"]) == 2


def leaves_and_comes_back(hand: Hand) -> None:
    """Leave by the page, come back, leave by a mail program's one click, and come back once more."""
    hand.mail(DIGEST, ADA, "digest-before-leaving")
    hand.press("link", "unsubscribe", "unsubscribe")
    hand.press("button", "Unsubscribe", "unsubscribed")
    day_of(hand.live, FIRST_DAY + timedelta(days=4), mailed=0)
    subscribe(hand, "second")
    assert hand.live.deliver()[DeliveryState.ACCEPTED] == 1
    day_of(hand.live, FIRST_DAY + timedelta(days=5), mailed=1)
    hand.mail(DIGEST, ADA, "digest-after-coming-back")
    way_out = hand.headers["list-unsubscribe"].strip("<>")
    one_click = {"form": {"List-Unsubscribe": "One-Click"}}
    assert hand.page.request.post(way_out, **one_click).ok
    day_of(hand.live, FIRST_DAY + timedelta(days=6), mailed=0)
    subscribe(hand, "third")
    assert set(states(hand.live, DeliveryKind.DIGEST)) <= {"accepted", "skipped"}
