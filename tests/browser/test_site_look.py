"""Every page in Chromium: accessible, within the screen, in light and dark. `SCREENSHOTS_IN=folder` keeps pictures."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from digest.core.plan import Task, Work
from digest.core.trend import Part
from digest.store.engine import writing
from digest.store.percentiles import keep_standings
from digest.store.tables import (
    Author,
    AuthorFigureRow,
    Delivery,
    IngestRun,
    ListingRow,
    ObservationRow,
    PaperText,
    RejectedRecord,
    Score,
    TaskAside,
)
from tests.browser.conftest import Live, sign_in
from tests.conftest import NOW
from tests.web.conftest import Place, card_of

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("SCREENSHOTS_IN", "")
TITLES = [
    "Layerwise quadratic control for training very deep networks",
    "What a small model forgets first",
    "Sparse attention that knows when to look away: a study of long documents in forty languages",
    "A proof assistant that asks before it guesses",
    "Counting galaxies with less light",
]
EVIDENCE = [
    "+38 upvotes in 6 h, 2nd on the day's page",
    "+120 stars in a day",
    "14 comments since this morning",
    "",
    "",
]


def fill(live: Live, place: Place) -> None:
    """Make a site with something in every place: two issues, signals, an author, runs, deliveries."""
    with writing(live.services.engine) as session:
        poison = Work(Task.INGEST, source="arxiv-rss", scope="cs.LG")
        session.add(
            TaskAside(
                key=poison.key,
                tries=3,
                worker="a-host-with-a-long-name.example.org:31337",
                began_at=NOW,
                at=NOW,
                words="Worker exited prematurely: signal 9 (SIGKILL) Job: 0.",
            )
        )
    for day, simulated in ((NOW.date(), False), (NOW.date() + timedelta(days=1), True)):
        cards = []
        for rank, title in enumerate(TITLES, 1):
            number = rank + 10 * day.day
            paper_id = place.add_paper(
                number,
                title=title,
                abstract="We look at a question that others left open.\n\nThe answer is shorter than expected. " * 3,
                labs=["Probe Laboratory", "Institute of Tests"],
                has_code=rank % 2 == 1,
                code_url="https://code.example/probe",
                keywords=["probing", "tests"],
                comment="12 pages, 3 figures",
                version=2,
            )
            parts = (Part("upvotes", 0.71, "+38 upvotes in 6 h"), Part("page_place", 0.29, "2nd of 40"))
            cards.append(
                card_of(
                    paper_id,
                    rank,
                    "cs.LG" if rank != 4 else "cs.LO",
                    title=title,
                    path=f"/papers/2605.{number:05d}",
                    has_code=rank % 2 == 1,
                    evidence=EVIDENCE[rank - 1],
                    percentile=99.6 - rank * 7 if rank < 5 else None,
                    parts=parts,
                    simulated=simulated,
                    summary="A controller is fitted layer by layer; training stays stable at depths where it did not.",
                )
            )
            with writing(live.services.engine) as session:
                plain = [{"name": part.name, "share": part.share, "words": part.words} for part in parts]
                session.add(
                    Score(
                        paper_id=paper_id,
                        as_of=NOW,
                        value=0.9,
                        percentile=99.6,
                        evidence=EVIDENCE[0],
                        parts=plain,
                        simulated=simulated,
                    )
                )
                session.flush()
                keep_standings(session, NOW)
                session.add(PaperText(paper_id=paper_id, listed_on=day, words=b"", counts=b"", novelty=61.0))
                session.add(
                    ObservationRow(
                        paper_id=paper_id, signal="citations", source="openalex", at=NOW, value=float(90 - rank)
                    )
                )
                source = "simulated" if simulated else "hf"
                for signal, growth in (("hf_upvotes", 9), ("hf_page_rank", -2), ("github_stars", 31)):
                    for step in range(6):
                        at = NOW - timedelta(hours=30 - 5 * step)
                        value = float(20 + growth * step + step * step % 5)
                        session.add(ObservationRow(paper_id=paper_id, signal=signal, source=source, at=at, value=value))
                session.add(
                    ListingRow(
                        source="arxiv-rss",
                        key=f"k{number}",
                        paper_id=paper_id,
                        announce_type="new",
                        version=1,
                        listed_on=day,
                    )
                )
        place.add_issue(cards, issued_on=day)
    with writing(live.services.engine) as session:
        author = Author(name="Ada Probe", slug="ada-probe")
        session.add(author)
        session.flush()
        for figure, value in (("field", "cs.LG"), ("h_index", "12"), ("papers", "11"), ("novelty", "61")):
            session.add(
                AuthorFigureRow(author_id=author.id or 0, figure=figure, value=value, source="pages", observed_at=NOW)
            )
        for source, status, reason in (
            ("arxiv-rss", "ok", ""),
            ("hf", "failed", "the server answered 502 three times"),
        ):
            run = IngestRun(
                source=source, scope="cs.LG", status=status, reason=reason, started_at=NOW, finished_at=NOW, listings=7
            )
            session.add(run)
            session.flush()
            session.add(RejectedRecord(run_id=run.id or 0, position="entry 7", reason="no title", excerpt="<b>odd</b>"))
        for state, reply in (("accepted", "250 taken"), ("failed", "550 5.1.1 no such mailbox"), ("unknown", "")):
            session.add(
                Delivery(
                    kind="digest",
                    state=state,
                    issue_id=1,
                    address=f"{state}@readers.test",
                    paper_ids=[1, 2, 3],
                    reply=reply,
                    due_at=NOW,
                    expires_at=NOW + timedelta(days=1),
                    created_at=NOW,
                    settled_at=NOW,
                )
            )


def subscribe(live: Live, page: Page, address: str = "ada@readers.test") -> None:
    """Enter an address on the front page."""
    page.goto("/")
    live.clock.move(seconds=5)
    page.get_by_label("Your e-mail address").fill(address)
    page.get_by_role("button", name="Mail me the digest").click()


def tour(live: Live, page: Page) -> list[tuple[str, str]]:
    """Walk as reader and admin; return the name and address of every page that is worth a look."""
    subscribe(live, page)
    live.deliver()
    page.goto("/inbox")
    page.get_by_role("link", name="Confirm").first.click()
    page.frame_locator("iframe.mail").get_by_role("link", name="Confirm").first.click()
    confirm = page.url
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("link", name="Choose what you get").click()
    preferences = page.url
    page.get_by_role("link", name="Unsubscribe").click()
    unsubscribe = page.url
    sign_in(live, page)
    page.goto("/inbox")
    page.get_by_role("link", name="Confirm").first.click()
    letter = page.url
    return [
        ("home", "/"),
        ("home-filtered", "/?category=cs.LO"),
        ("home-empty", "/?category=hep-th"),
        ("paper", "/papers/2605.00201"),
        ("author", "/authors/ada-probe"),
        ("search", "/search?q=network"),
        ("search-empty", "/search?q=qqqzzz&category=cs.LG"),
        ("lab", "/labs/probe-laboratory"),
        ("issues", "/issues"),
        ("issue", f"/issues/{NOW.date()}"),
        ("edition", f"/editions/{live.services.tokens.sign('edition', {'d': 1})}"),
        ("preview-link", "/preview/unsubscribe"),
        ("ranking", "/about/ranking"),
        ("figures", "/about/figures"),
        ("subscribe", "/subscribe"),
        ("check-your-mail", "/subscribe/check-your-mail"),
        ("confirm", confirm),
        ("preferences", preferences),
        ("unsubscribe", unsubscribe),
        ("not-found", "/nothing"),
        ("inbox", "/inbox"),
        ("letter", letter),
        ("letter-text", f"{letter}?view=text"),
        ("desk", "/admin/"),
        ("desk-phone", "/admin/?view=phone"),
        ("desk-source", "/admin/?view=source"),
        ("desk-today", "/admin/today"),
        ("desk-sources", "/admin/sources"),
        ("desk-deliveries", "/admin/deliveries"),
        ("desk-tasks", "/admin/tasks"),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.timeout(300)
def test_every_page_is_accessible_and_fits_its_screen(
    live: Live, place: Place, page: Page, chromium: Browser, scheme: str
) -> None:
    # checklist 23, 24
    fill(live, place)
    stops = tour(live, page)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found = []
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 1400 if width > 400 else 2000})
        for name, address in stops:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png")
            checked = Axe().run(page, options={"iframes": False})
            found += [
                f"{name} at {width}: {broken['id']}: {node['html'][:160]}"
                for broken in checked.response["violations"]
                for node in broken["nodes"]
            ]
            spill = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if spill > 0:
                found.append(f"{name} at {width}: {spill} px wider than the screen")
    assert not found, "\n".join(found)


def test_the_subscribe_box_is_in_the_first_screen_of_a_phone(live: Live, place: Place, page: Page) -> None:
    fill(live, place)
    page.set_viewport_size({"width": 375, "height": 667})
    page.goto("/")
    button = page.get_by_role("button", name="Mail me the digest").bounding_box()
    first = page.get_by_role("link", name=TITLES[0]).bounding_box()
    assert button is not None
    assert first is not None
    assert button["y"] + button["height"] < 667
    assert first["y"] < 667


def test_the_site_works_by_keyboard_with_the_focus_visible(live: Live, page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.get_by_label("Your e-mail address").focus()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
