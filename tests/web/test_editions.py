"""A reader's own edition on the web: what the mail brought, and nothing that acts or tells whose it is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_string, policy

import pytest
from sqlmodel import select

from digest.core.delivery import DeliveryState
from digest.flows.audience import materialise
from digest.flows.deliver import deliver_due
from digest.mail import render
from digest.store.engine import reading, writing
from digest.store.tables import Delivery, IssueCard, Subscriber, Subscription
from tests.conftest import NOW
from tests.post import Sink
from tests.web.conftest import TODAY, Place, card_of


def sent(place: Place, issue_id: int, papers: list[int], **columns: object) -> str:
    """Store what a mail brought; return the path of its edition."""
    fields: dict[str, object] = {
        "kind": "digest",
        "state": DeliveryState.ACCEPTED.value,
        "issue_id": issue_id,
        "paper_ids": papers,
        "due_at": NOW,
        "expires_at": NOW + timedelta(days=1),
        "created_at": NOW,
    }
    with writing(place.services.engine) as session:
        row = Delivery(**(fields | columns))
        session.add(row)
        session.flush()
        return f"/editions/{place.services.tokens.sign('edition', {'d': row.id or 0})}"


def titles(page: str) -> list[str]:
    return re.findall(r"<h2>.*?<a href=\"/papers/[^\"]+\">([^<]+)</a></h2>", page)


def test_an_edition_is_what_was_sent_in_its_order_and_personal(place: Place) -> None:  # checklist 66
    issue = place.add_small_issue(5)
    path = sent(place, issue, [4, 1, 3])
    answer = place.browser.get(path)
    assert answer.status_code == 200
    assert titles(answer.text) == ["Probe paper 4", "Probe paper 1", "Probe paper 3"]
    assert "Your digest of Wednesday, 20 May 2026" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert place.browser.head(path).status_code == 200
    assert place.browser.post(path).status_code == 405


def test_a_forwarded_edition_gives_nothing_of_its_reader_away(place: Place) -> None:
    page = place.browser.get(sent(place, place.add_small_issue(2), [1, 2], address="ada@readers.test")).text
    assert "ada@readers" not in page
    assert not re.search(r'href="[^"]*/(r|preferences|unsubscribe|editions)/', page)


def test_it_does_not_end_and_shows_the_cards_as_they_were_frozen(place: Place) -> None:
    issue = place.add_small_issue(2, evidence="+38 upvotes in 6 h")
    path = sent(place, issue, [1])
    place.clock.move(days=2000)
    page = place.browser.get(path).text
    assert titles(page) == ["Probe paper 1"]
    assert "+38 upvotes in 6\u00a0h" in page


def test_a_weekly_edition_finds_its_papers_in_the_issues_of_the_week(place: Place) -> None:
    ids = [place.add_paper(number) for number in range(1, 4)]
    place.add_issue([card_of(ids[0], 1, title="Of six days ago")], issued_on=TODAY - timedelta(days=6))
    place.add_issue([card_of(ids[1], 1), card_of(ids[2], 2, title="As it was")], issued_on=TODAY - timedelta(days=2))
    newest = place.add_issue([card_of(ids[2], 1, title="As it is now")])
    page = place.browser.get(sent(place, newest, [ids[2], ids[0], ids[1]])).text
    assert titles(page) == ["As it is now", "Of six days ago", "Probe paper 1"]


def test_a_paper_that_was_merged_since_is_still_there(place: Place) -> None:
    issue = place.add_small_issue(3)
    path = sent(place, issue, [1, 2])
    with writing(place.services.engine) as session:
        for row in session.exec(select(IssueCard).where(IssueCard.paper_id == 2)).all():
            row.paper_id = 3
            session.add(row)
    assert titles(place.browser.get(path).text) == ["Probe paper 1", "Probe paper 2"]


@pytest.mark.parametrize("columns", [{"kind": "confirmation"}, {"paper_ids": []}])
def test_what_brought_no_papers_is_no_edition(place: Place, columns: dict[str, object]) -> None:
    answer = place.browser.get(sent(place, place.add_small_issue(1), [1], **columns))
    assert answer.status_code == 410
    assert "/issues" in answer.text


def test_a_link_that_is_not_ours_is_refused(place: Place) -> None:
    path = sent(place, place.add_small_issue(1), [1])
    wrong = place.services.tokens.sign("unsubscribe", {"d": 1})
    for other in (path + "x", path[:-2], "/editions/x", f"/editions/{wrong}", "/editions/" + "a" * 5000):
        assert place.browser.get(other).status_code == 404
    missing = place.services.tokens.sign("edition", {"d": 999})
    assert place.browser.get(f"/editions/{missing}").status_code == 410


def test_links_of_a_preview_say_that_they_do_nothing(place: Place) -> None:
    for link in ("unsubscribe", "preferences", "editions", "r/12/more"):
        answer = place.browser.get(f"/preview/{link}")
        assert answer.status_code == 200
        assert "In a preview it does nothing" in answer.text


def reader_of_many(place: Place, **wanted: object) -> None:
    with writing(place.services.engine) as session:
        session.add(Subscriber(id=1, address="ada@readers.test", address_key="ada@readers.test", created_at=NOW))
        session.flush()
        confirmed = NOW - timedelta(days=3)
        session.add(Subscription(subscriber_id=1, state="confirmed", hour=9, confirmed_at=confirmed, **wanted))


def mailed(place: Place, *parts: str) -> list[str]:
    """Send the one mail that is due; return the parts asked for."""
    sink = Sink()
    deliver_due(
        place.services.engine,
        replace(place.services.courier, relay=lambda: sink),
        worker="w",
        clock=place.clock,
    )
    message = message_from_string(sink.message_to("ada@readers.test"), policy=policy.default)
    bodies = [message.get_body((part,)) for part in parts]
    return [str(body.get_content()) for body in bodies if body is not None]


def test_what_a_mail_has_no_room_for_is_behind_its_link(  # checklist 19
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = []
    for rank in range(1, 31):
        paper_id = place.add_paper(rank)
        cards.append(card_of(paper_id, rank, title=f"{rank} " + "long " * 50, summary="long " * 60))
    monkeypatch.setattr(render, "HTML_LIMIT", 40 * 1024)
    issue = place.add_issue(cards, issued_on=date(2026, 5, 20))
    reader_of_many(place, paper_count=30)
    materialise(place.services.engine, issue, now=NOW, until=NOW + timedelta(days=1), immediately=True)
    (text,) = mailed(place, "plain")
    cut = re.search(r"(\d+) more on the web:\s+(\S+)", text)
    assert cut is not None
    number, link = int(cut[1]), cut[2]
    assert text.count("    Paper:  ") == 30 - number
    page = place.browser.get(link.removeprefix("http://testserver")).text
    assert len(titles(page)) == 30
    with reading(place.services.engine) as session:
        (delivery,) = session.exec(select(Delivery)).all()
    assert len(delivery.paper_ids) == 30
