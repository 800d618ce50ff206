"""A reader's rights over HTTP: see, move, resume, erase, by their own link and by nothing else."""

from __future__ import annotations

import json

import pytest
from sqlmodel import select

from digest.core.delivery import DeliveryKind
from digest.flows.links import held
from digest.store.engine import reading, writing
from digest.store.subscribers import suppress
from digest.store.tables import AuditEntry, Delivery, Subscriber, Subscription
from tests.web.conftest import Place
from tests.web.test_readers import READER, confirm_token, reader_token, rows, state, subscribe

NEW = "ada@elsewhere.test"


@pytest.fixture
def own(place: Place) -> str:
    """The rights page of a reader who has just confirmed."""
    subscribe(place)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    return f"/rights/{reader_token(place, 'preferences')}"


def newest(place: Place, moves: int) -> str:
    """The rights of the reader by the link in a mail that came after so many changes of address."""
    return f"/rights/{place.services.tokens.sign('preferences', dict(held(1, moves)))}"


def letter(place: Place, kind: DeliveryKind, purpose: str) -> str:
    """The token in the newest letter of a kind."""
    with reading(place.services.engine) as session:
        newest = session.exec(select(Delivery).where(Delivery.kind == kind)).all()[-1]
    return place.services.tokens.sign(purpose, {"d": newest.id or 0}, at=place.clock.now)


def test_who_chose_a_language_is_told_their_rights_in_it(place: Place, own: str) -> None:
    with writing(place.services.engine) as session:
        session.exec(select(Subscription)).one().language = "de"
    assert "Ihre Daten" in place.browser.get(own).text
    assert "Alles löschen" in place.browser.get(f"{own}/erase").text
    refused = place.browser.post(f"{own}/address", data={"address": "nonsense"})
    assert "Eine E-Mail-Adresse enthält ein @" in refused.text
    assert "Sie sind vergessen" in place.browser.post(f"{own}/erase").text


def test_the_preferences_lead_to_the_rights_and_looking_changes_nothing(place: Place, own: str) -> None:
    # checklist 54, 66
    assert own in place.browser.get(own.replace("rights", "preferences")).text
    before = rows(place)
    for path in (own, f"{own}/erase"):
        for method in ("GET", "HEAD"):
            answer = place.browser.request(method, path)
            assert answer.status_code == 200
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "noindex" in answer.headers["x-robots-tag"]
    assert rows(place) == before
    assert place.browser.get(f"{own}/export").status_code in (404, 405)
    for forged in ("forged", reader_token(place, "unsubscribe"), "a" * 3000):
        for path in (f"/rights/{forged}", f"/rights/{forged}/erase"):
            assert place.browser.get(path).status_code == 404
            assert place.browser.post(f"/rights/{forged}/erase").status_code == 404
        assert place.browser.post(f"/rights/{forged}/export").status_code == 404
        assert place.browser.post(f"/rights/{forged}/address", data={"address": NEW}).status_code == 404
    assert rows(place) == before


def test_a_reader_downloads_everything_as_a_file(place: Place, own: str) -> None:  # checklist 63
    answer = place.browser.post(f"{own}/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="firstlight-2026-05-20.json"'
    assert answer.headers["cache-control"] == "no-store"
    told = json.loads(answer.content)
    assert (told["address"], told["subscription"]["state"]) == (READER, "confirmed")
    assert [one["action"] for one in told["consents"]] == ["request", "confirm"]
    statuses = [place.browser.post(f"{own}/export").status_code for _ in range(20)]
    assert statuses == [200] * 19 + [429]


def test_a_reader_is_asked_once_and_forgotten_and_old_links_say_so_calmly(place: Place, own: str) -> None:
    # checklist 64
    page = place.browser.get(f"{own}/erase")
    assert page.text.count("<button") == 1
    assert "What stays" in page.text
    old = {purpose: reader_token(place, purpose) for purpose in ("preferences", "unsubscribe")}
    asked = f"/confirm/{confirm_token(place)}"
    assert "You are forgotten" in place.browser.post(f"{own}/erase").text
    with reading(place.services.engine) as session:
        assert session.exec(select(Subscriber)).all() == []
        (line,) = session.exec(select(AuditEntry).where(AuditEntry.action == "erase")).all()
    assert (line.actor, READER in line.target) == ("the reader", False)
    for path in (own, f"{own}/erase", f"/preferences/{old['preferences']}"):
        answer = place.browser.get(path)
        assert answer.status_code == 410
        assert "Traceback" not in answer.text
    assert place.browser.post(f"{own}/erase").status_code == 410
    assert place.browser.post(f"/preferences/{old['preferences']}", data={"hour": "7"}).status_code == 410
    assert place.browser.post(asked).status_code in (200, 410)
    assert place.browser.post(f"/unsubscribe/{old['unsubscribe']}").status_code == 200
    assert subscribe(place).status_code == 303
    assert state(place) == "pending"


def test_a_reader_moves_and_the_old_address_undoes_it(place: Place, own: str) -> None:  # checklist 55
    answer = place.browser.post(f"{own}/address", data={"address": NEW})
    assert answer.status_code == 200
    assert NEW not in answer.text
    link = f"/new-address/{letter(place, DeliveryKind.NEW_ADDRESS, 'new-address')}"
    before = rows(place)
    assert place.browser.get(link).text.count("<button") == 1
    assert rows(place) == before
    assert "comes here now" in place.browser.post(link).text
    assert "Already done" in place.browser.post(link).text
    left = place.browser.get(own)
    assert (left.status_code, "moved to another address" in left.text) == (410, True)
    assert NEW in place.browser.get(newest(place, 1)).text
    undo = f"/old-address/{letter(place, DeliveryKind.MOVED, 'object')}"
    assert place.browser.get(undo).text.count("<button") == 1
    assert "The change is undone" in place.browser.post(undo).text
    assert "Already undone" in place.browser.post(undo).text
    assert place.browser.get(newest(place, 1)).status_code == 410
    assert READER in place.browser.get(newest(place, 2)).text
    for path in ("/new-address/forged", "/old-address/forged"):
        assert (place.browser.get(path).status_code, place.browser.post(path).status_code) == (404, 404)
    place.clock.move(days=31)
    assert (place.browser.get(link).status_code, place.browser.post(undo).status_code) == (410, 410)


def test_asking_to_move_says_the_same_whatever_is_known_of_the_new_address(place: Place, own: str) -> None:
    # checklist 47
    subscribe(place, "known@readers.test")
    with writing(place.services.engine) as session:
        hashes = place.services.tokens.address_hashes("banned@readers.test")
        suppress(session, "banned@readers.test", hashes, "complaint", place.clock.now)
    answers = [
        place.browser.post(f"{own}/address", data={"address": f"{name}@readers.test"})
        for name in ("unknown", "known", "banned", "ada")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    refused = place.browser.post(f"{own}/address", data={"address": '"><b>'})
    assert refused.status_code == 422
    assert 'value="&#34;&gt;&lt;b&gt;"' in refused.text


@pytest.mark.parametrize(("reason", "liftable"), [("hard 5.1.1", True), ("soft 4.2.2", True), ("complaint", False)])
def test_a_reader_lifts_what_bounces_brought_about_and_nothing_else(
    place: Place, own: str, reason: str, liftable: bool
) -> None:
    with writing(place.services.engine) as session:
        suppress(session, READER, place.services.tokens.address_hashes(READER), reason, place.clock.now)
    page = place.browser.get(own).text
    assert ("Mail me again" in page) is liftable
    assert "20 May 2026" in page
    answer = place.browser.post(f"{own}/resume")
    assert answer.status_code == (200 if liftable else 403)
    assert ("stopped" in place.browser.get(own).text) is not liftable


def test_who_left_may_still_see_and_erase_but_has_nothing_to_move(place: Place, own: str) -> None:
    place.browser.post(f"/unsubscribe/{reader_token(place, 'unsubscribe')}")
    page = place.browser.get(own).text
    assert "Download everything" in page
    assert "Another address" not in page
    assert place.browser.post(f"{own}/address", data={"address": NEW}).status_code == 410
    assert place.browser.post(f"{own}/export").status_code == 200
