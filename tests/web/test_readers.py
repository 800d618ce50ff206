"""A reader's way in and out, over HTTP, with the real flows behind it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from httpx import Response
from sqlalchemy import func
from sqlmodel import SQLModel, col, select

from digest.core.cadence import zone
from digest.core.delivery import DeliveryKind
from digest.flows.deliver import deliver_due
from digest.mail.local_inbox import LocalInbox, stored_messages
from digest.mail.smtp import Relay
from digest.store.engine import reading, writing
from digest.store.tables import Consent, Delivery, Subscriber, Subscription
from digest.web.zones import OFFERED
from tests.web.conftest import Place

READER = "ada@readers.test"


def subscribe(place: Place, address: str = READER, **fields: str) -> Response:
    """Fill in the form and send it."""
    return place.browser.post("/subscribe", data={"address": address, "stamp": place.stamp()} | fields)


def confirm_token(place: Place) -> str:
    """The token that the newest confirmation mail would carry."""
    with reading(place.services.engine) as session:
        asked = session.exec(select(Delivery).where(Delivery.kind == DeliveryKind.CONFIRMATION)).all()[-1]
    payload = {"s": asked.subscriber_id or 0, "d": asked.id or 0}
    return place.services.tokens.sign("confirm", payload, at=place.clock.now)


def reader_token(place: Place, purpose: str) -> str:
    """The token of the one reader's link."""
    with reading(place.services.engine) as session:
        subscriber = session.exec(select(Subscriber)).one()
    return place.services.tokens.sign(purpose, {"s": subscriber.id or 0})


def state(place: Place) -> str:
    """How the one reader's consent stands."""
    with reading(place.services.engine) as session:
        return session.exec(select(Subscription)).one().state


def rows(place: Place) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the database but what counts POSTs, to see that nothing changed."""
    with place.services.engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(table.select())]
            for name, table in SQLModel.metadata.tables.items()
            if name != "limit_use"
        }


def test_known_unknown_and_repeated_addresses_get_the_same_answer(place: Place) -> None:
    # checklist 47, 49
    first = subscribe(place)
    again = subscribe(place)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    known = subscribe(place)
    for answer in (first, again, known):
        assert (answer.status_code, answer.headers["location"]) == (303, "/subscribe/check-your-mail")
    assert first.content == again.content == known.content
    with reading(place.services.engine) as session:
        asked = session.exec(
            select(func.count()).select_from(Delivery).where(Delivery.kind == DeliveryKind.CONFIRMATION)
        )
        assert asked.one() == 1
    page = place.browser.get("/subscribe/check-your-mail")
    assert READER not in page.text
    assert place.kicks


def test_a_mistyped_address_is_shown_kindly_and_kept(place: Place) -> None:
    answer = subscribe(place, 'ada@"><b>x')
    assert answer.status_code == 422
    assert 'value="ada@&#34;&gt;&lt;b&gt;x"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "Something after the @ cannot be in a domain" in answer.text
    with reading(place.services.engine) as session:
        assert session.exec(select(Subscriber)).all() == []


def test_a_filled_honeypot_gets_the_usual_answer_and_changes_nothing(place: Place) -> None:
    # checklist 50
    before = rows(place)
    answer = subscribe(place, website="https://spam.example")
    assert (answer.status_code, answer.headers["location"]) == (303, "/subscribe/check-your-mail")
    assert rows(place) == before


def test_a_form_sent_in_a_blink_is_shown_again_with_the_address_kept(place: Place) -> None:
    # checklist 50
    stamp = place.stamp()
    place.clock.move(seconds=-2.5)
    answer = place.browser.post("/subscribe", data={"address": READER, "stamp": stamp})
    assert answer.status_code == 422
    assert f'value="{READER}"' in answer.text
    assert place.browser.post("/subscribe", data={"address": READER}).status_code == 422


def test_one_network_may_not_enter_addresses_without_end(place: Place) -> None:
    # checklist 48
    statuses = [subscribe(place, f"reader{number}@readers.test").status_code for number in range(11)]
    assert statuses == [303] * 10 + [429]


def test_wishes_in_the_form_are_kept_for_the_subscription(place: Place) -> None:
    subscribe(place, timezone="Europe/Berlin", hour="7", categories="cs.LG, math.OC")
    with reading(place.services.engine) as session:
        wished = session.exec(select(Subscription)).one()
    assert (wished.timezone, wished.hour, wished.categories) == ("Europe/Berlin", 7, ["cs.LG", "math.OC"])
    assert subscribe(place, hour="noon").status_code == 422


def test_get_and_head_change_nothing_whatever_a_link_scanner_opens(place: Place) -> None:
    # checklist 54
    subscribe(place)
    links = [f"/confirm/{confirm_token(place)}"]
    links += [f"/{purpose}/{reader_token(place, purpose)}" for purpose in ("unsubscribe", "preferences")]
    before = rows(place)
    for link in links:
        for method in ("GET", "HEAD", "GET"):
            answer = place.browser.request(method, link)
            assert answer.status_code == 200, link
            assert bool(answer.content) is (method == "GET")
    assert rows(place) == before


def test_confirming_is_a_post_that_works_once(place: Place) -> None:
    # checklist 52, 55
    subscribe(place)
    link = f"/confirm/{confirm_token(place)}"
    page = place.browser.get(link)
    assert page.text.count("<button") == 1
    assert state(place) == "pending"
    welcome = place.browser.post(link)
    assert welcome.status_code == 200
    assert "You are subscribed" in welcome.text
    assert "Your next digest comes on Wednesday, 20 May 2026 at 08:00 (UTC)." in welcome.text
    assert state(place) == "confirmed"
    after = rows(place)
    again = place.browser.post(link)
    assert again.status_code == 200
    assert "Already confirmed" in again.text
    assert rows(place) == after
    form = re.search(r'href="(/preferences/[^"]+)"', welcome.text)
    assert form is not None
    assert place.browser.get(form[1]).status_code == 200


def test_an_old_confirmation_link_is_gone_and_a_forged_one_was_never_there(place: Place) -> None:
    # checklist 55, 56
    subscribe(place)
    token = confirm_token(place)
    place.clock.move(days=4)
    for method in ("GET", "POST"):
        old = place.browser.request(method, f"/confirm/{token}")
        assert old.status_code == 410
        assert "expired" in old.text
        assert 'href="/subscribe"' in old.text
        for forged in (token[:-3], "x", "%00", "a" * 3000, reader_token(place, "unsubscribe")):
            assert place.browser.request(method, f"/confirm/{forged}").status_code == 404
    assert state(place) == "pending"


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"data": {}},
        {"content": b"\xff\xfenonsense", "headers": {"content-type": "multipart/form-data; boundary=x"}},
    ],
    ids=["urlencoded", "multipart", "button", "nonsense"],
)
def test_unsubscribing_needs_the_link_alone_and_takes_effect_at_once(place: Place, body: dict[str, object]) -> None:
    # checklist 58, 59, 60
    subscribe(place)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    link = f"/unsubscribe/{reader_token(place, 'unsubscribe')}"
    place.clock.move(days=1000)
    hostile = {"origin": "https://mail.example", "sec-fetch-site": "cross-site"}
    for _use in range(2):
        answer = place.browser.post(link, **{**body, "headers": {**hostile, **body.get("headers", {})}})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert state(place) == "unsubscribed"
    assert place.browser.get(link).status_code == 200
    assert place.browser.post("/unsubscribe/forged").status_code == 404
    assert place.browser.get("/unsubscribe/forged").status_code == 404


def test_one_click_is_told_from_the_button_in_the_record_of_consent(place: Place) -> None:
    # checklist 62
    subscribe(place)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    link = f"/unsubscribe/{reader_token(place, 'unsubscribe')}"
    place.browser.post(link, files={"List-Unsubscribe": (None, "One-Click")})
    with reading(place.services.engine) as session:
        consents = session.exec(select(Consent)).all()
    assert [(c.action, c.source) for c in consents] == [
        ("request", "site"),
        ("confirm", "confirmation mail"),
        ("unsubscribe", "one-click"),
    ]


def test_preferences_are_saved_and_the_next_digest_is_named(place: Place) -> None:
    subscribe(place)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    link = f"/preferences/{reader_token(place, 'preferences')}"
    wanted = {
        "categories": ["cs.LG", "cs.CV"],
        "more_categories": "math.OC; hep-th",
        "paper_count": "12",
        "cadence": "weekly",
        "weekday": "4",
        "hour": "7",
        "timezone": "Asia/Tokyo",
        "whole": "1",
    }
    saved = place.browser.post(link, data=wanted)
    assert saved.status_code == 200
    assert "Saved. Your next digest comes on Friday, 22 May 2026 at 07:00 (Asia/Tokyo)." in saved.text
    page = place.browser.get(link).text
    assert 'value="cs.CV" checked' in page
    assert 'value="math.OC, hep-th"' in page
    assert 'value="12"' in page
    with reading(place.services.engine) as session:
        stored = session.exec(select(Subscription)).one()
    assert (stored.cadence, stored.weekday, stored.paper_count) == ("weekly", 4, 12)
    assert stored.categories == ["cs.LG", "cs.CV", "math.OC", "hep-th"]
    way_out = re.search(r'href="(/unsubscribe/[^"]+)"', page)
    assert way_out is not None
    assert place.browser.get(way_out[1]).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("paper_count", "4", "from 5 to 30"),
        ("paper_count", "31", "from 5 to 30"),
        ("paper_count", "many", "whole number"),
        ("hour", "24", "0 to 23"),
        ("weekday", "-1", "whole number"),
        ("cadence", "hourly", "daily, weekdays or weekly"),
        ("timezone", "Mars/Olympus", "no time zone"),
        ("timezone", "../../etc/passwd", "no time zone"),
        ("more_categories", "<b>", "no arXiv category"),
    ],
)
def test_a_wrong_preference_is_named_and_the_rest_is_kept(place: Place, field: str, value: str, words: str) -> None:
    subscribe(place)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    link = f"/preferences/{reader_token(place, 'preferences')}"
    before = rows(place)
    answer = place.browser.post(
        link, data={"categories": ["cs.CV"], "timezone": "Asia/Tokyo", field: value, "whole": "1"}
    )
    assert answer.status_code == 422
    assert words in answer.text.lower() or words in answer.text
    assert 'value="cs.CV" checked' in answer.text
    assert rows(place) == before


def test_preferences_of_somebody_who_left_lead_to_the_form(place: Place) -> None:
    subscribe(place)
    link = f"/preferences/{reader_token(place, 'preferences')}"
    assert "no running subscription" in place.browser.get(link).text
    assert place.browser.get("/preferences/forged").status_code == 404
    assert place.browser.post("/preferences/forged", data={}).status_code == 404


def test_personal_pages_are_neither_indexed_nor_stored_and_give_no_referrer(place: Place) -> None:
    # checklist 66
    subscribe(place)
    for purpose in ("unsubscribe", "preferences"):
        answer = place.browser.get(f"/{purpose}/{reader_token(place, purpose)}")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert '<meta name="robots" content="noindex, nofollow">' in answer.text


def test_a_next_digest_is_never_promised_for_a_day_or_an_issue_that_was_had(place: Place) -> None:
    place.add_small_issue()
    subscribe(place)
    welcome = place.browser.post(f"/confirm/{confirm_token(place)}")
    assert "Your first digest is on its way now." in welcome.text
    assert "Your next digest comes on Thursday, 21 May 2026 at 08:00 (UTC)." in welcome.text
    with writing(place.services.engine) as session:
        subscriber = session.exec(select(Subscriber)).one()
        session.add(
            Delivery(
                kind="digest",
                state="accepted",
                subscriber_id=subscriber.id,
                local_date=date(2026, 5, 21),
                due_at=datetime(2026, 5, 21, 8, tzinfo=UTC),
                expires_at=datetime(2026, 5, 22, tzinfo=UTC),
                created_at=datetime(2026, 5, 21, 6, tzinfo=UTC),
            )
        )
    place.clock.now = datetime(2026, 5, 21, 9, 0, tzinfo=UTC)
    saved = place.browser.post(f"/preferences/{reader_token(place, 'preferences')}", data={"hour": "23", "whole": "1"})
    assert "Friday, 22 May 2026 at 23:00 (UTC)" in saved.text


def test_a_next_digest_is_named_across_a_change_of_the_clocks(place: Place) -> None:
    place.clock.now = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    subscribe(place, timezone="Europe/Berlin", hour="2")
    welcome = place.browser.post(f"/confirm/{confirm_token(place)}")
    assert "Sunday, 29 March 2026 at 03:00 (Europe/Berlin)" in welcome.text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Asia/Tokyo", "Asia/Tokyo"),
        ("US/Pacific", "US/Pacific"),  # an old name that works, and goes on working
        ("Asia/Calcutta", "Asia/Calcutta"),  # what Chromium calls Asia/Kolkata
        (" Europe/Kyiv ", "Europe/Kyiv"),
        ("Mars/Olympus", "UTC"),
        ("", "UTC"),
        ("localtime", "UTC"),
        ("right/Europe/Berlin", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("+05:30", "UTC"),
        ("<script>", "UTC"),
        ("Europe/Berlin\0", "UTC"),
        ("x" * 5000, "UTC"),
    ],
)
def test_a_guessed_zone_is_kept_and_an_unknown_one_costs_nobody_the_digest(place: Place, typed: str, kept: str) -> None:
    assert subscribe(place, timezone=typed, hour="7").status_code == 303
    with reading(place.services.engine) as session:
        asked = session.exec(select(Subscription)).one()
    assert (asked.timezone, asked.hour) == (kept, 7)


def test_what_was_chosen_stays_when_the_form_comes_back(place: Place) -> None:
    page = subscribe(place, address="no address", timezone="Pacific/Chatham", hour="21").text
    assert '<option value="Pacific/Chatham" selected>' in page
    assert '<option value="21" selected>' in page
    assert "data-chosen" in page  # the script leaves a choice alone
    page = subscribe(place, address="no address", timezone="US/Pacific").text
    assert '<option value="US/Pacific" selected>' in page
    assert '"><script>' not in subscribe(place, address="no address", timezone='"><script>').text


def test_every_zone_on_offer_is_known_and_every_offset_of_the_hour_is_offered() -> None:
    winter = datetime(2026, 1, 15, tzinfo=UTC)
    offsets = {winter.astimezone(zone(name)).utcoffset() for name in OFFERED}
    assert {timedelta(hours=hours) for hours in range(-11, 15)} - offsets == set()


def test_a_reader_for_whom_nothing_was_new_is_told_why_and_when(place: Place) -> None:
    place.add_small_issue()
    subscribe(place)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    with writing(place.services.engine) as session:
        subscriber = session.exec(select(Subscriber)).one()
        session.add(
            Delivery(
                kind="digest",
                state="skipped",
                reason="nothing new for this reader",
                subscriber_id=subscriber.id,
                local_date=date(2026, 5, 23),
                due_at=datetime(2026, 5, 23, 8, tzinfo=UTC),
                expires_at=datetime(2026, 5, 24, tzinfo=UTC),
                created_at=datetime(2026, 5, 23, 6, tzinfo=UTC),
            )
        )
    place.clock.now = datetime(2026, 5, 23, 9, 0, tzinfo=UTC)
    saved = place.browser.post(f"/preferences/{reader_token(place, 'preferences')}", data={"hour": "8", "whole": "1"})
    words = "arXiv lists nothing on weekends; your next digest comes on Monday, 25 May 2026 at 08:00 (UTC)."
    assert words in saved.text


GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


def test_who_subscribes_on_pages_of_their_language_is_mailed_in_it_and_may_change_it(
    place: Place, tmp_path: Path
) -> None:
    place.browser.post("/subscribe", data={"address": READER, "stamp": place.stamp()}, headers=GERMAN)
    with reading(place.services.engine) as session:
        assert session.exec(select(Subscription)).one().language == "de"
    with LocalInbox(tmp_path / "outbox", clock=place.clock) as inbox:
        courier = replace(place.services.courier, relay=lambda: Relay(inbox.url, helo="localhost"))
        deliver_due(place.services.engine, courier, worker="w", clock=place.clock)
    (sent,) = stored_messages(tmp_path / "outbox")
    assert sent.subject == "Bestätigen Sie Ihr Abonnement von Firstlight"
    place.browser.post(f"/confirm/{confirm_token(place)}", headers=GERMAN)
    link = f"/preferences/{reader_token(place, 'preferences')}"
    page = place.browser.get(link).text  # a browser that asks for nothing: the reader's own language counts
    assert 'lang="de"' in page
    assert "Saved." in place.browser.post(link, data={"language": "en", "whole": "1"}).text


def test_a_browser_that_asks_for_no_language_we_have_leaves_it_to_the_site(place: Place) -> None:
    asked = {"Accept-Language": "xx"}
    place.browser.post("/subscribe", data={"address": READER, "stamp": place.stamp()}, headers=asked)
    with reading(place.services.engine) as session:
        assert session.exec(select(Subscription)).one().language == ""
        assert session.exec(select(Consent)).one().language == "en"


def test_the_record_of_consent_says_in_which_language_its_words_were_read(place: Place) -> None:
    place.browser.post("/subscribe", data={"address": READER, "stamp": place.stamp()}, headers=GERMAN)
    place.browser.post(f"/confirm/{confirm_token(place)}", headers={"Accept-Language": "en"})
    way_out = f"/unsubscribe/{reader_token(place, 'unsubscribe')}"
    place.browser.post(way_out, headers=GERMAN)
    place.browser.post("/subscribe", data={"address": READER, "stamp": place.stamp()})
    place.clock.move(days=1)
    place.browser.post("/subscribe", data={"address": READER, "stamp": place.stamp()})
    place.browser.post(f"/confirm/{confirm_token(place)}")
    place.browser.post(way_out, data={"List-Unsubscribe": "One-Click"}, headers=GERMAN)  # no page was read
    with reading(place.services.engine) as session:
        consents = session.exec(select(Consent).order_by(col(Consent.id))).all()
    said = [(one.action, one.source, one.language) for one in consents]
    assert [one for one in said if one[0] == "request"] == [("request", "site", "de"), ("request", "site", "en")]
    assert [one for one in said if one[0] != "request"] == [
        ("confirm", "confirmation mail", "en"),
        ("unsubscribe", "site", "de"),
        ("confirm", "confirmation mail", "en"),
        ("unsubscribe", "one-click", ""),
    ]


@pytest.mark.parametrize(
    "typed", ["nonsense", "ada@", "@x.org", "ada@x", "ada..b@x.org", "Ada <ada@x.org>", "a b@x.org"]
)
def test_a_mistyped_address_is_told_in_german_on_german_pages(place: Place, typed: str) -> None:
    answer = place.browser.post("/subscribe", data={"address": typed, "stamp": place.stamp()}, headers=GERMAN)
    assert answer.status_code == 422
    (fault,) = re.findall(r'id="address-fault">(.*?)</', answer.text, re.DOTALL)
    assert "@" in fault or "Adresse" in fault
    assert not re.search(r"\b(the|must|email address|mail address|period)\b", fault)
