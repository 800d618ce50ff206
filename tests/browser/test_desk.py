"""An editor's evening and morning in Chromium: look, change, test, hold, release, send, watch, resend."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from digest.core.roles import Role
from digest.flows.admins import appoint
from digest.flows.audience import sweep
from digest.flows.morning import freeze_and_materialise
from digest.store.engine import reading, writing
from digest.store.tables import BounceEvent, Delivery, IssueRow, Subscriber, Subscription
from tests.browser.conftest import Live, sign_in
from tests.browser.test_reader_pages import looked_at
from tests.browser.test_site_look import TITLES
from tests.conftest import NOW
from tests.web.conftest import ADMIN, Place

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"

TOMORROW = NOW.date() + timedelta(days=1)
READERS = ["ada@readers.test", "bo@readers.test", "cy@readers.test"]


def fill(live: Live, place: Place) -> None:
    """Five fresh papers, and three readers who get a digest at 20:00 UTC; one of them only reads cs.LO."""
    for number, title in enumerate(TITLES, 1):
        category = "cs.LO" if number == 4 else "cs.LG"
        place.add_paper(
            number,
            title=title,
            listed_on=NOW.date(),
            primary_category=category,
            categories=[category],
            abstract="We look at a question that others left open. The answer is shorter than expected.",
            labs=["Probe Laboratory"],
        )
    with writing(live.services.engine) as session:
        for address in READERS:
            reader = Subscriber(address=address, address_key=address, created_at=NOW)
            session.add(reader)
            session.flush()
            session.add(
                Subscription(
                    subscriber_id=reader.id or 0,
                    state="confirmed",
                    confirmed_at=NOW,
                    hour=20,
                    categories=["cs.LO"] if address.startswith("ada") else [],
                )
            )


def lose_one(live: Live) -> int:
    """Leave a delivery as a worker does that dies between its intent and the relay's reply."""
    with writing(live.services.engine) as session:
        row = session.exec(select(Delivery).where(Delivery.kind == "digest").order_by(Delivery.id)).first()
        assert row is not None
        row.state, row.fence, row.attempts = "sending", 1, 1
        row.due_at = row.sent_at = live.clock() - timedelta(hours=1)
        row.lease_until = live.clock() - timedelta(minutes=1)
        number = row.id or 0
    sweep(live.services.engine, now=live.clock())
    return number


@pytest.mark.timeout(400)
def test_an_editor_takes_an_issue_from_the_evening_to_the_last_reader(live: Live, place: Place, page: Page) -> None:
    fill(live, place)
    found = evening(live, page)
    found += morning(live, page)
    assert not found, "\n".join(found)


def evening(live: Live, page: Page) -> list[str]:
    """Look at tomorrow's mail, change it, try it, hold it, release it; return what is wrong with the pages."""
    sign_in(live, page)
    mail = page.frame_locator("iframe.mail")
    page.get_by_label("Reader's address").fill("ada@readers.test")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".envelope")).to_contain_text("ada@readers.test")
    first = mail.locator("h2").first
    expect(first).to_have_text(TITLES[3])
    found = looked_at(page, "desk-reader")
    page.set_viewport_size({"width": 1280, "height": 900})

    page.goto("/admin/")
    page.locator("summary", has_text=TITLES[4]).click()
    page.get_by_role("button", name=f"Pin {TITLES[4]}").click()
    expect(mail.locator("h2").first).to_have_text(TITLES[4])
    page.locator("summary", has_text=TITLES[1]).click()
    page.get_by_role("button", name=f"Drop {TITLES[1]}").click()
    expect(mail.locator("h2", has_text=TITLES[1])).to_have_count(0)
    page.locator("summary", has_text="A note, another subject").click()
    page.get_by_label("Note from the editor").fill("Act now!! Five answers to one question.")
    page.get_by_role("button", name="Save the words").click()
    expect(mail.get_by_text("Five answers to one question.")).to_be_visible()
    expect(page.get_by_role("list", name="Warnings")).to_contain_text("“act now”")
    page.get_by_label("Note from the editor").fill("Five answers to one question.")
    page.get_by_role("button", name="Save the words").click()
    expect(page.get_by_role("list", name="Warnings")).not_to_contain_text("act now")

    page.get_by_role("button", name="Hold it").click()
    expect(page.get_by_text(f"Held by {ADMIN}: it will be frozen, and wait.")).to_be_visible()
    page.get_by_role("button", name="Send a test to me").click()
    expect(page.get_by_role("status")).to_have_text("A test of this mail is on its way to you.")
    found += looked_at(page, "desk-edited")
    assert live.deliver().total == 1
    page.goto("/inbox")
    page.get_by_role("link", name="[Test]").first.click()
    letter = page.frame_locator("iframe.mail")
    expect(letter.locator("h2").first).to_have_text(TITLES[4])
    expect(letter.get_by_text("Five answers to one question.")).to_be_visible()
    page.goto("/admin/")
    page.get_by_role("button", name="Approve it").click()
    expect(page.get_by_text(f"Approved by {ADMIN} as it stands.")).to_be_visible()
    return found


def morning(live: Live, page: Page) -> list[str]:
    """Let the issue be frozen, send it before its hour, watch it go, and send again what was lost."""
    services = live.services
    page.goto("/admin/today")
    found = looked_at(page, "today-before")
    cut_off = services.cut_off(TOMORROW)
    live.clock.offset += cut_off + timedelta(minutes=1) - live.clock()
    made = freeze_and_materialise(
        services.engine, TOMORROW, cut_off=cut_off, size=500, needs_approval=False, now=live.clock()
    )
    assert made == 3
    lost = lose_one(live)
    page.set_viewport_size({"width": 1280, "height": 900})
    sign_in(live, page)
    page.get_by_role("navigation", name="Site").get_by_role("link", name="Today").click()
    expect(page.get_by_text("1 of 3 digests settled")).to_be_visible()
    page.locator("summary", has_text="Send now").click()
    page.get_by_label("Everybody who can have it today").check()
    page.get_by_label("Type ").fill(TOMORROW.isoformat())
    found += looked_at(page, "today-send-now")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("comes anew every 5 seconds")).to_be_visible()
    found += looked_at(page, "today-going")
    page.set_viewport_size({"width": 1280, "height": 900})
    live.deliver()
    # Nobody touches the page: it comes anew by itself.
    expect(page.get_by_text("3 of 3 digests settled")).to_be_visible(timeout=15_000)
    doubt = page.locator(".deck li", has_text="ada@readers.test")
    expect(doubt).to_contain_text("the worker stopped between its intent and the relay's reply")
    found += looked_at(page, "today-unknown")
    page.set_viewport_size({"width": 1280, "height": 900})
    doubt.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("2 of 3 digests settled")).to_be_visible()
    live.deliver()
    sweep(services.engine, now=live.clock())
    page.goto("/admin/today")
    expect(page.get_by_text("Complete", exact=True)).to_be_visible()
    expect(page.get_by_text("comes anew")).to_have_count(0)
    found += looked_at(page, "today-complete")
    page.goto("/admin/deliveries")
    found += looked_at(page, "deliveries")
    page.goto("/admin/sources")
    found += looked_at(page, "sources")
    with reading(services.engine) as session:
        digests = session.exec(select(Delivery).where(Delivery.kind == "digest")).all()
        assert {(one.state, one.local_date) for one in digests} == {("accepted", TOMORROW)}
        row = session.get(Delivery, lost)
        assert row is not None
        assert (row.fence, row.attempts) == (3, 2)
    return found


def test_a_viewer_finds_every_page_and_no_button(live: Live, place: Place, page: Page) -> None:
    fill(live, place)
    appoint(live.services.engine, "intern@firstlight.test", Role.VIEWER, actor=ADMIN, now=live.clock())
    live.admin = "intern@firstlight.test"
    sign_in(live, page)
    for address in ("/admin/", "/admin/today", "/admin/deliveries", "/admin/sources"):
        page.goto(address)
        buttons = page.get_by_role("button").all_inner_texts()
        assert set(buttons) <= {"Show", "Sign out"}, address


def send_half(live: Live, place: Place) -> None:
    """An issue on its way to 1,200 readers of three providers, one of which asks for less, another refuses some."""
    issue = place.add_small_issue(5)
    now = live.clock()
    domains = ("mail.example", "university.example", "institute.example", "readers.test")
    with writing(live.services.engine) as session:
        row = session.get(IssueRow, issue)
        assert row is not None
        row.state, row.queued_at, row.frozen_at = "sending", now, now - timedelta(hours=1)
        for number in range(1_200):
            address = f"reader{number}@{domains[number % 3 if number > 4 else 3]}"
            reader = Subscriber(address=address, address_key=address, created_at=NOW)
            session.add(reader)
            session.flush()
            session.add(Subscription(subscriber_id=reader.id or 0, state="confirmed", confirmed_at=NOW))
            delivery = Delivery(
                kind="digest",
                state="accepted" if number < 780 else "pending",
                issue_id=issue,
                subscriber_id=reader.id,
                local_date=NOW.date(),
                due_at=now,
                expires_at=now + timedelta(days=1),
                created_at=now,
                sent_at=now,
            )
            if number % 3 == 1 and number % 5 == 1:
                delivery.state, delivery.due_at = "deferred", now + timedelta(minutes=27)
                delivery.reply = "451 4.7.1 Greylisting in action, please come back in 25 minutes"
            if number in {300, 306, 312}:
                delivery.state, delivery.reason = "failed", "the relay rejected it"
                delivery.reply = "550 5.1.1 The mailbox does not exist"
            if number in {403, 600}:
                delivery.state, delivery.reason = "unknown", "the connection died after the final dot"
            session.add(delivery)
            session.flush()
            if number in {300, 306, 312, 90}:
                event = BounceEvent(
                    event_key=str(number), kind="hard" if number > 90 else "complaint", action="suppress"
                )
                event.delivery_id, event.subscriber_id, event.received_at = delivery.id, reader.id, now
                session.add(event)


@pytest.mark.timeout(200)
def test_a_large_issue_in_the_midst_of_it_fits_every_screen(live: Live, place: Place, page: Page) -> None:
    send_half(live, place)
    sign_in(live, page)
    page.goto("/admin/today?live=no")
    expect(page.get_by_role("rowheader", name="mail.example")).to_be_visible()
    found = looked_at(page, "today-large")
    page.goto("/admin/deliveries")
    found += looked_at(page, "deliveries-large")
    assert not found, "\n".join(found)
    if os.environ.get("UPDATE_SCREENSHOTS") == "1":
        for file, width, height, scheme in (("today", 1280, 860, "light"), ("today-375", 375, 800, "dark")):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.goto("/admin/today?live=no")
            page.screenshot(path=IMAGES / f"desk-{file}.png")
