"""The desk's pages about readers, growth, sources and tables in Chromium. `SCREENSHOTS_IN=folder` keeps pictures."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from digest.core.capture import Cursor
from digest.core.errands import ErrandKind
from digest.core.subscription import ConsentAction
from digest.store.conditions import record_refusal, record_traffic
from digest.store.engine import writing
from digest.store.errands import advance, ask, take
from digest.store.runs import save_cursor
from digest.store.subscribers import Evidence, record_consent, suppress
from digest.store.tables import Delivery, IngestRun, ReaderDay, RejectedRecord
from tests.browser.conftest import Live, sign_in
from tests.conftest import NOW
from tests.post import add_reader
from tests.web.conftest import Place

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("SCREENSHOTS_IN", "")
ADA = "ada.with.a.rather.long.name@department-of-computer-science.readers.test"
SINCE = (NOW - timedelta(days=9)).date().isoformat()


def fill(live: Live, place: Place) -> dict[str, str]:
    """Make something to see on every page; returns the pages."""
    engine, tokens, now = live.services.engine, live.services.tokens, live.clock()
    issue, dice = place.add_small_issue(), random.Random(3)
    ada = add_reader(engine, ADA, categories=["cs.LG", "cs.CL"])
    waiting = add_reader(engine, "waiting@readers.test", state="pending", confirmed_at=None)
    add_reader(engine, "gone@readers.test", state="unsubscribed")
    with writing(engine) as session:
        suppress(session, ADA, tokens.address_hashes(ADA), "hard 5.1.1", now)
        for action in (ConsentAction.REQUEST, ConsentAction.CONFIRM):
            record_consent(session, ada, action, Evidence(now, "192.0.2.7", "subscribe form", "2026-11"))
        for number, (state, reason) in enumerate((("accepted", ""), ("failed", "rejected"), ("skipped", "paused"))):
            session.add(
                Delivery(
                    kind="digest", state=state, reason=reason, reply=f"250 2.0.0 taken as {number}", paper_ids=[1, 2],
                    issue_id=None if number else issue, subscriber_id=ada, due_at=now, expires_at=now, created_at=now,
                    settled_at=now, attempts=number + 1,
                )
            )  # fmt: skip
        readers = 400
        for back in range(360, 0, -1):
            came, left, stopped = dice.randint(0, 9), dice.randint(0, 5), dice.randint(0, 1)
            readers += came - left
            day = (NOW - timedelta(days=back)).date()
            session.add(ReaderDay(day=day, confirmed=came, departed=left, suppressed=stopped, readers=readers))
        for status, reason in (("ok", ""), ("failed", "huggingface.co answered 502 Bad Gateway"), ("quiet", "")):
            run = IngestRun(
                source="hf", scope="daily", origin="hf daily", status=status, reason=reason, started_at=now,
                finished_at=now, listings=70, papers_new=31, rejected=1,
            )  # fmt: skip
            session.add(run)
            session.flush()
            session.add(
                RejectedRecord(run_id=run.id or 0, position="entry 7", reason="no title", excerpt="{'id': 'x'}")
            )
        save_cursor(session, "hf", "daily", Cursor("2026-05-19"), now=now)
        record_traffic(session, "hf", requests=43, refused=2, status=429, budget=None, now=now)
        record_refusal(session, "hf", "429 Too Many Requests: slow down", now + timedelta(hours=3), now=now)
        ask(
            session, "hf", "daily", ErrandKind.BACKFILL, actor="ed@firstlight.test", now=now, next_at=now,
            since=(NOW - timedelta(days=9)).date(), position="2026-05-12", expected=10,
        )  # fmt: skip
        errand = take(session, "hf", "daily", now)
        assert errand is not None
        advance(session, errand, "2026-05-15", requests=4, listings=70, papers_new=31, now=now)
    return {
        "readers": "/admin/readers",
        "nobody": "/admin/readers?q=zz",
        "reader": f"/admin/readers/{ada}",
        "waiting": f"/admin/readers/{waiting}",
        "growth-30": "/admin/growth",
        "growth-365": "/admin/growth?days=365",
        "sources": "/admin/sources",
        "source": f"/admin/sources/hf/daily?from={SINCE}",
        "source-new": "/admin/sources/arxiv-rss/cs.LG?from=2026-05-01",
        "tables": "/admin/tables",
        "table": "/admin/tables/delivery",
        "row": "/admin/tables/delivery/1",
    }


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_within_the_screen(
    chromium: Browser, live: Live, place: Place, width: int, scheme: str
) -> None:
    pages = fill(live, place)
    context = chromium.new_context(base_url=live.url, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, elsewhere, complaints = context.new_page(), list[str](), list[str]()
    page.on("request", lambda sent: None if sent.url.startswith(live.url) else elsewhere.append(sent.url))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    sign_in(live, page)
    for name, path in pages.items():
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}-{scheme}.png"), full_page=True)
    context.close()
    assert elsewhere == []
    # A page that is answered with 422 on purpose is told of by the browser as well.
    assert [one for one in complaints if "422" not in one] == []


def test_an_owner_stops_a_readers_mail_and_erases_them_without_a_mouse(page: Page, live: Live) -> None:
    add_reader(live.services.engine, ADA)
    sign_in(live, page)
    page.get_by_role("link", name="Readers").press("Enter")
    page.get_by_label("Address, or a part of it").fill("computer-science")
    page.get_by_role("button", name="Find").press("Enter")
    page.get_by_role("link", name=ADA).press("Enter")
    page.get_by_text("Stop all mail to them").press("Enter")
    page.get_by_label("Why").fill("asked by telephone")
    page.get_by_label("Nothing goes to this address").press("Space")
    page.get_by_role("button", name="Stop it").press("Enter")
    assert page.get_by_text("asked by telephone").is_visible()
    page.get_by_text("Erase them").press("Enter")
    page.get_by_label("Type their address").fill(ADA)
    page.get_by_role("button", name="Erase for good").press("Enter")
    assert page.get_by_role("heading", name="The reader is erased").is_visible()
