"""A reader and an admin, from the front page to the inbox and out again, in a real browser."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from digest.core.capture import Capture, Reading
from digest.core.delivery import DeliveryKind, DeliveryState
from digest.core.paper import Listing, Observation
from digest.flows.ingest import ingest_capture
from digest.flows.morning import freeze_and_materialise
from digest.flows.preview import preview
from digest.flows.score import score
from digest.store.engine import reading
from digest.store.tables import Delivery, Subscription
from tests.browser.conftest import Live, sign_in

pytestmark = pytest.mark.browser

READER = "ada@readers.test"
TITLES = ["A probe of layers", "A probe of attention", "A probe of proofs <b>and</b> & of light"]


def ingest(live: Live) -> None:
    """Let the site read three papers that gain attention, and score them."""
    now = live.clock()
    listings = [
        Listing(
            source="hf",
            title=title,
            arxiv_id=f"2605.{number:05d}",
            authors=("Ada Probe", "Bo Sample"),
            abstract="We look at a question. The answer is short.",
            categories=("cs.LG",) if number < 3 else ("cs.LO",),
            listed_on=now.date() - timedelta(days=1),
            observations=tuple(
                Observation("hf_upvotes", now - timedelta(hours=hours), float(votes * number), "hf")
                for hours, votes in ((9, 1), (6, 4), (3, 9))
            ),
        )
        for number, title in enumerate(TITLES, 1)
    ]
    origin = Reading(observed_at=now, origin="the journey's own papers")
    ingest_capture(live.services.engine, "hf", "daily", Capture(listings=listings), origin, now=now)
    score(live.services.engine, now)


def morning(live: Live, day: date) -> int:
    """Freeze the issue of a day at its cut-off, as the scheduler's tick would; return the deliveries made."""
    cut_off = live.services.cut_off(day)
    live.clock.offset = cut_off - datetime.now(UTC) + timedelta(seconds=5)
    return freeze_and_materialise(
        live.services.engine,
        day,
        cut_off=cut_off,
        until=cut_off + timedelta(days=1),
        size=live.services.settings.issue_size,
        now=live.clock(),
    )


def states(live: Live, kind: DeliveryKind) -> list[str]:
    """The states of the deliveries of a kind."""
    with reading(live.services.engine) as session:
        return [row.state for row in session.exec(select(Delivery).where(Delivery.kind == kind)).all()]


def open_mail(page: Page, subject: str) -> None:
    """Open the newest message of a subject in the local inbox."""
    page.goto("/inbox")
    page.get_by_role("link", name=re.compile(subject)).first.click()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("width", [1280, 375])
def test_a_reader_subscribes_confirms_receives_and_leaves_while_the_admin_sees_it_coming(
    live: Live, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    ingest(live)
    mail = page.frame_locator("iframe.mail")

    page.goto("/")
    expect(page.get_by_role("heading", name=TITLES[2], exact=False)).to_be_visible()
    live.clock.move(seconds=5)
    page.get_by_label("Your e-mail address").fill(READER)
    page.get_by_role("button", name="Mail me the digest").click()
    expect(page.get_by_role("heading", name="Now check your mail")).to_be_visible()
    assert live.deliver()[DeliveryState.ACCEPTED] == 1

    open_mail(page, "Confirm your subscription")
    mail.get_by_role("link", name="Confirm the subscription").click()
    expect(page.get_by_role("heading", name="One step is left")).to_be_visible()
    page.get_by_role("button", name="Confirm the subscription").click()
    expect(page.get_by_role("heading", name="You are subscribed")).to_be_visible()

    page.get_by_role("link", name="Choose what you get").click()
    page.get_by_label("cs.LG").check()
    page.get_by_label("Others, with commas between them").fill("cs.LO")
    page.get_by_label("Hour").select_option("9")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("at 09:00 (Europe/Berlin)")

    sign_in(live, page)
    page.get_by_label("Reader's address").fill(READER)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("a draft, as of ")).to_be_visible()
    for title in TITLES:
        expect(mail.get_by_role("link", name=title)).to_be_visible()

    day = live.clock().date() + timedelta(days=1)
    assert morning(live, day) == 1
    live.clock.move(hours=1, minutes=1)  # 09:01 in Berlin
    engine, courier = live.services.engine, live.services.courier
    expected = preview(engine, courier, issued_on=day, at=live.clock(), reader=READER)
    assert live.deliver()[DeliveryState.ACCEPTED] == 1
    assert live.deliver().total == 0

    page.goto("/inbox")
    page.get_by_role("link", name=expected.subject).first.click()
    for title in TITLES:
        expect(mail.get_by_role("link", name=title)).to_be_visible()
    mail.get_by_role("link", name=TITLES[0]).click()
    expect(page.get_by_role("heading", level=1, name=TITLES[0])).to_be_visible()
    assert page.url == f"{live.url}/papers/2605.00001"

    sign_in(live, page)  # the session of yesterday is over
    page.goto("/admin/deliveries")
    expect(page.get_by_role("row", name=re.compile(r"digest\s+1\s+1"))).to_be_visible()

    page.goto("/inbox")
    page.get_by_role("link", name=expected.subject).first.click()
    mail.get_by_role("link", name="unsubscribe").first.click()
    expect(page.get_by_role("heading", name="Unsubscribe")).to_be_visible()
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()

    morning(live, day + timedelta(days=1))
    live.clock.move(hours=2)
    live.deliver()
    assert states(live, DeliveryKind.DIGEST) == [DeliveryState.ACCEPTED]


@pytest.mark.parametrize(
    ("script", "guessed", "said"),
    # Chromium calls Asia/Kathmandu by its old name.
    [(True, "Asia/Tokyo", "At 08:00 (Asia/Tokyo)"), (True, "Asia/Katmandu", "At 08:00 (Asia/Katmandu)"),
     (False, "Asia/Tokyo", "At 08:00 (UTC)")],
)  # fmt: skip
def test_the_subscribe_box_guesses_the_zone_and_lets_it_be_changed(
    live: Live, chromium: Browser, script: bool, guessed: str, said: str
) -> None:
    context = chromium.new_context(base_url=live.url, timezone_id=guessed, java_script_enabled=script)
    page = context.new_page()
    page.goto("/")
    expect(page.locator("details.when summary")).to_have_text(said)
    live.clock.move(seconds=5)
    page.get_by_label("Your e-mail address").fill(READER)
    page.get_by_role("button", name="Mail me the digest").click()
    expect(page.get_by_role("heading", name="Now check your mail")).to_be_visible()
    assert asked_for(live) == (guessed if script else "UTC", 8)

    page.goto("/subscribe")
    page.locator("details.when summary").click()
    page.get_by_label("Hour").select_option("07:00")
    page.get_by_label("Time zone").select_option("Pacific/Chatham")
    if script:
        expect(page.locator("details.when summary")).to_have_text("At 07:00 (Pacific/Chatham)")
    live.clock.move(seconds=5)
    page.get_by_label("Your e-mail address").fill(READER)
    page.get_by_role("button", name="Mail me the digest").click()
    expect(page.get_by_role("heading", name="Now check your mail")).to_be_visible()
    assert asked_for(live) == ("Pacific/Chatham", 7)
    context.close()


def asked_for(live: Live) -> tuple[str, int]:
    """The zone and hour that the only reader asked for."""
    with reading(live.services.engine) as session:
        asked = session.exec(select(Subscription)).one()
    return asked.timezone, asked.hour
