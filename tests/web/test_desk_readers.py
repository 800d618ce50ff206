"""Readers at the desk: found by a part of their address, seen as the role allows, and helped or stopped on record."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlmodel import select

from digest.core.roles import Role
from digest.store.engine import reading, writing
from digest.store.subscribers import suppress
from digest.store.tables import Delivery, Subscriber
from tests.conftest import NOW
from tests.post import add_reader
from tests.web.conftest import ADMIN, Place
from tests.web.test_admin import audit, csrf, sign_in
from tests.web.test_desk_edits import as_role
from tests.web.test_readers import confirm_token, subscribe

ADA = "ada@readers.test"


def letters(place: Place) -> list[Delivery]:
    """Every confirmation mail."""
    with reading(place.services.engine) as session:
        return list(session.exec(select(Delivery).where(Delivery.kind == "confirmation")).all())


def press(place: Place, reader: int, deed: str, **fields: str) -> tuple[int, str]:
    """Press one of the buttons about a reader."""
    answer = place.browser.post(f"/admin/readers/{reader}/{deed}", data={**fields, "csrf": csrf(place)})
    return answer.status_code, answer.text


def found(place: Place, query: str) -> list[str]:
    """The addresses in the list."""
    return re.findall(r'<th scope="row"><a href="/admin/readers/\d+">([^<]+)</a>', place.browser.get(query).text)


def test_readers_are_found_by_a_part_of_their_address_and_by_state(place: Place) -> None:
    add_reader(place.services.engine, "ada@readers.test")
    add_reader(place.services.engine, "bo_b@other.example", state="unsubscribed")
    add_reader(place.services.engine, "boxb@other.example")
    sign_in(place)
    for query, expected in (
        ("", {"ada@readers.test", "bo_b@other.example", "boxb@other.example"}),
        ("?q=OTHER.", {"bo_b@other.example", "boxb@other.example"}),
        ("?q=o_b", {"bo_b@other.example"}),
        ("?q=%25", set()),
        ("?q=%00ada", {"ada@readers.test"}),
        ("?state=unsubscribed&q=", {"bo_b@other.example"}),
        ("?state=nonsense", {"ada@readers.test", "bo_b@other.example", "boxb@other.example"}),
    ):
        assert set(found(place, f"/admin/readers{query}")) == expected, query
    assert "Nobody is found" in place.browser.get("/admin/readers?q=zz").text


def test_the_list_is_paged_and_loses_nobody(place: Place) -> None:
    addresses = {f"r{number:03}@readers.test" for number in range(105)}
    for address in sorted(addresses):
        add_reader(place.services.engine, address)
    sign_in(place)
    query, seen, pages = "/admin/readers?q=readers", list[str](), 0
    while query:
        page = place.browser.get(query).text
        seen += re.findall(r'<a href="/admin/readers/\d+">([^<]+)</a>', page)
        older = re.search(r'<a href="([^"]+)">Older</a>', page)
        query, pages = (older[1].replace("&amp;", "&") if older else ""), pages + 1
    assert (pages, len(seen), set(seen)) == (3, 105, addresses)


def test_a_viewer_sees_no_whole_address_and_cannot_guess_one(place: Place) -> None:
    reader = add_reader(place.services.engine, ADA)
    with writing(place.services.engine) as session:
        for row in (
            {"subscriber_id": reader, "address": ""}, {"subscriber_id": None, "address": ADA},
        ):  # fmt: skip
            session.add(
                Delivery(
                    kind="digest", state="failed", reply=f"550 <{ADA}> is unknown", due_at=NOW, expires_at=NOW,
                    created_at=NOW, **row,
                )
            )  # fmt: skip
    as_role(place, Role.VIEWER)
    assert found(place, "/admin/readers") == ["a***@readers.test"]
    assert found(place, "/admin/readers?q=readers.test") == ["a***@readers.test"]
    for guess in ("ada", "a", ADA[1:], "eaders.test", "@"):
        assert found(place, f"/admin/readers?q={guess}") in ([], ["a***@readers.test"])
    assert found(place, "/admin/readers?q=ad") == []
    for path in ("/admin/readers", f"/admin/readers/{reader}", "/admin/deliveries"):
        page = place.browser.get(path).text
        assert ADA not in page, path
        assert "a***@readers.test" in page
    assert "is unknown" in place.browser.get(f"/admin/readers/{reader}").text
    for address in (ADA, "nobody@readers.test"):  # whether it subscribes must not be told
        for page in ("/admin/", "/admin/preview.html"):
            assert place.browser.get(f"{page}?reader={address}").status_code == 403
    as_role(place, Role.EDITOR)
    assert found(place, "/admin/readers") == [ADA]
    assert f"550 &lt;{ADA}&gt; is unknown" in place.browser.get("/admin/deliveries").text


def test_a_readers_page_says_what_they_want_agreed_to_and_were_sent(place: Place) -> None:
    issue = place.add_small_issue()
    subscribe(place, ADA)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    with reading(place.services.engine) as session:
        reader = session.exec(select(Subscriber)).one().id or 0
    with writing(place.services.engine) as session:
        for state, reason, papers in (("accepted", "", [1, 2]), ("failed", "rejected", [1]), ("skipped", "paused", [])):
            session.add(
                Delivery(
                    kind="digest", state=state, reason=reason, reply="250 <taken>", subscriber_id=reader,
                    issue_id=issue if state == "accepted" else None, paper_ids=papers, due_at=NOW, expires_at=NOW,
                    created_at=NOW, settled_at=NOW,
                )
            )  # fmt: skip
    sign_in(place)
    page = place.browser.get(f"/admin/readers/{reader}").text
    for shown in (
        "every day at 08:00 (UTC)", "10 in a digest", "250 &lt;taken&gt;", "rejected", "paused", "<td>subscribe</td>",
        '<th scope="row">confirm</th>', "with one paper from outside the usual", "2 papers",
    ):  # fmt: skip
        assert shown in page or (shown == "<td>subscribe</td>" and "form" in page), shown
    (edition,) = re.findall(r'href="(/editions/[^"]+)"', page)
    assert "Probe paper 1" in place.browser.get(edition).text
    assert place.browser.get("/admin/readers/99").status_code == 404


def test_a_confirmation_is_mailed_again_and_confirms_but_not_without_end(place: Place) -> None:
    subscribe(place, ADA)
    sign_in(place)
    assert press(place, 1, "confirmation", sure="yes")[0] == 422, "the first is still on its way"
    for number in (1, 2):
        with writing(place.services.engine) as session:
            for letter in session.exec(select(Delivery).where(Delivery.kind == "confirmation")):
                letter.state = "accepted"
                session.add(letter)
        place.clock.move(minutes=11)
        assert press(place, 1, "confirmation")[0] == 422, "the box was not ticked"
        assert press(place, 1, "confirmation", sure="yes")[0] == 303
        assert len(letters(place)) == 1 + number
        status, words = press(place, 1, "confirmation", sure="yes")
        assert (status, "on its way" in words) == (422, True)
    with writing(place.services.engine) as session:
        for letter in session.exec(select(Delivery).where(Delivery.kind == "confirmation")):
            letter.state = "accepted"
            session.add(letter)
    place.clock.move(minutes=11)
    status, words = press(place, 1, "confirmation", sure="yes")
    assert (status, "three within a day" in words) == (422, True)
    assert place.kicks
    place.browser.post(f"/confirm/{confirm_token(place)}")
    assert "nothing is to be confirmed" in press(place, 1, "confirmation", sure="yes")[1].lower()
    assert [entry[1] for entry in audit(place)].count("confirmation again") == 2


def test_mail_to_a_reader_is_stopped_and_let_go_on_record(place: Place) -> None:
    reader = add_reader(place.services.engine, ADA)
    sign_in(place)
    assert press(place, reader, "suppress", reason="asked by telephone")[0] == 422
    assert press(place, reader, "suppress", reason=" ", sure="yes")[0] == 422
    assert press(place, reader, "suppress", reason="asked by telephone", sure="yes")[0] == 303
    assert press(place, reader, "suppress", reason="again", sure="yes")[0] == 422
    page = place.browser.get(f"/admin/readers/{reader}").text
    assert "asked by telephone" in page
    assert "Stop all mail" not in page
    assert "mail stopped" in place.browser.get("/admin/readers").text
    assert press(place, reader, "lift", sure="yes")[0] == 303
    assert press(place, reader, "lift", sure="yes")[0] == 422
    done = [(actor, action) for actor, action, *_ in audit(place) if action in ("ban", "lift ban")]
    assert done[:1] == [(ADMIN, "ban")]
    assert (ADMIN, "lift ban") in done
    assert not any(ADA in "".join(entry) for entry in audit(place))


def test_an_owner_exports_and_erases_and_an_editor_does_not(place: Place) -> None:
    reader = add_reader(place.services.engine, ADA)
    with writing(place.services.engine) as session:
        suppress(session, ADA, place.services.tokens.address_hashes(ADA), "complaint", NOW - timedelta(days=1))
    as_role(place, Role.EDITOR)
    page = place.browser.get(f"/admin/readers/{reader}").text
    assert "/lift" in page
    assert "/erase" not in page
    assert "/export" not in page
    for deed in ("export", "erase"):
        assert press(place, reader, deed, sure="yes", address=ADA)[0] == 403
    place.browser.cookies.clear()
    sign_in(place)
    assert press(place, reader, "export")[0] == 422
    status, held = press(place, reader, "export", sure="yes")
    assert (status, json.loads(held)["address"]) == (200, ADA)
    assert press(place, reader, "erase", address="ada@readers.tes")[0] == 422
    assert press(place, reader, "erase", address=f" {ADA.upper()} ")[0] == 200
    assert place.browser.get(f"/admin/readers/{reader}").status_code == 404
    assert press(place, reader, "erase", address=ADA)[0] == 404
    actions = [(actor, action) for actor, action, *_ in audit(place)]
    assert (ADMIN, "export reader") in actions
    assert (ADMIN, "erase") in actions


@pytest.mark.parametrize("path", ["/admin/readers", "/admin/readers/1"])
def test_strangers_are_led_to_the_sign_in_form(place: Place, path: str) -> None:
    assert place.browser.get(path).headers["location"] == "/admin/sign-in"
