"""The page of the issue that goes out: what it counts, when it comes anew by itself; tests and sending now by form."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from digest.core.delivery import DeliveryState
from digest.core.roles import Role
from digest.store.engine import reading, writing
from digest.store.tables import BounceEvent, Delivery, IssueRow, Subscriber, Subscription
from tests.conftest import NOW
from tests.web.conftest import ADMIN, TODAY, Place
from tests.web.test_admin import audit, csrf, sign_in
from tests.web.test_desk_edits import as_role

DUE = NOW + timedelta(hours=3)


def add(place: Place, address: str, state: str = "pending", **columns: object) -> int:
    """Store a reader, and a digest of today's issue for them."""
    with writing(place.services.engine) as session:
        reader = Subscriber(address=address, address_key=address, created_at=NOW - timedelta(days=9))
        session.add(reader)
        session.flush()
        assert reader.id is not None
        session.add(Subscription(subscriber_id=reader.id, state="confirmed", confirmed_at=NOW - timedelta(days=9)))
        known: dict[str, object] = {
            "kind": "digest",
            "state": state,
            "issue_id": 1,
            "subscriber_id": reader.id,
            "local_date": TODAY,
            "due_at": NOW,
            "expires_at": NOW + timedelta(days=1),
            "created_at": NOW,
            "sent_at": None if state == "pending" else NOW,
        }
        delivery = Delivery(**(known | columns))
        session.add(delivery)
        session.flush()
        return delivery.id or 0


def issue_is(place: Place, state: str) -> None:
    with writing(place.services.engine) as session:
        row = session.get(IssueRow, 1)
        assert row is not None
        row.state, row.queued_at = state, NOW - timedelta(hours=2)


@pytest.fixture
def desk(place: Place) -> Place:
    """Today's issue on its way, and its owner at the desk."""
    place.add_small_issue(5)
    issue_is(place, "sending")
    sign_in(place)
    return place


def test_before_the_first_issue_there_is_nothing_to_see(place: Place) -> None:
    sign_in(place)
    page = place.browser.get("/admin/today")
    assert page.status_code == 200
    assert "No issue has been frozen yet" in page.text
    assert "refresh" not in page.headers
    assert "There is no frozen issue of 1 May 2026" in place.browser.get("/admin/today?date=2026-05-01").text
    assert place.browser.get("/admin/today?date=nonsense").status_code == 422


def test_what_became_of_the_issue_is_counted_by_state_and_domain(desk: Place) -> None:
    for number in range(12):
        add(desk, f"r{number}@large.example", "accepted")
    add(desk, "late@large.example", "deferred", reply="451 4.7.1 Greylisted, <come> back", due_at=DUE)
    add(desk, "late2@large.example", "deferred", reply="451 4.7.1 Greylisted, id 77", due_at=DUE)
    add(desk, "gone@small.example", "failed", reply="550 5.1.1 no such mailbox")
    add(desk, "wait@small.example", "pending", reason="small.example is taking as many as it may at once", due_at=DUE)
    page = desk.browser.get("/admin/today").text
    assert "<strong>13</strong> of 16 digests settled, 81.2 %" in page
    assert ">large.example</th>" in page
    assert "12 of 14" in page
    assert ">small.example</th>" not in page  # fewer than ten: it may be one person's
    assert "the small ones" in page
    assert "<strong>2</strong> <span>451 4.7.1 Greylisted, id 77</span>" in page
    assert "<come>" not in page
    assert "550 5.1.1 no such mailbox" in page
    assert "is taking as many as it may at once" in page
    assert page.count('<rect class="taken"') == 1


def test_it_comes_anew_by_itself_only_while_something_is_under_way(desk: Place) -> None:
    number = add(desk, "ann@readers.test")

    def header(query: str = "") -> str | None:
        return desk.browser.get(f"/admin/today{query}").headers.get("refresh")

    def put(**columns: object) -> None:
        with writing(desk.services.engine) as session:
            row = session.get(Delivery, number)
            for name, value in columns.items():
                setattr(row, name, value)

    assert header() == "5"
    stopped = desk.browser.get("/admin/today?live=no")
    assert "refresh" not in stopped.headers
    assert "Let it come anew by itself" in stopped.text
    put(due_at=NOW + timedelta(minutes=30))
    assert header() == "60"
    put(due_at=NOW + timedelta(hours=3))
    assert header() is None
    put(due_at=NOW)
    issue_is(desk, "held")
    assert header() is None
    put(state=DeliveryState.ACCEPTED)
    issue_is(desk, "complete")
    assert header() is None
    assert header(f"?date={TODAY}") is None


def test_what_came_back_stands_beside_the_limits(desk: Place) -> None:
    ids = [add(desk, f"r{number}@large.example", "accepted") for number in range(100)]
    with writing(desk.services.engine) as session:
        for number, (kind, delivery) in enumerate((("complaint", 0), ("complaint", 0), ("hard", 1), ("hard", 99))):
            session.add(
                BounceEvent(
                    event_key=str(number),
                    kind=kind,
                    action="suppress",
                    delivery_id=ids[delivery],
                    subscriber_id=ids[delivery],
                    received_at=NOW,
                )
            )
        leaving = session.get(Subscription, 3)
        assert leaving is not None
        leaving.state, leaving.unsubscribed_at = "unsubscribed", NOW + timedelta(minutes=5)
    page = " ".join(desk.browser.get("/admin/today").text.split())
    assert '<span>Complaints</span> <strong class="state failed">1</strong> <span class="note">1.00 %; warns' in page
    assert '<span>Hard bounces</span> <strong class="state late">2</strong> <span class="note">2.00 %' in page
    assert '<span>Unsubscribed</span> <strong class="state late">1</strong>' in page


def test_a_delivery_of_unknown_fate_is_sent_again_from_here(desk: Place) -> None:
    doubt = add(desk, "ann@readers.test", "unknown", reason="the connection died after the final dot")
    add(desk, "old@readers.test", "unknown", expires_at=NOW - timedelta(hours=1))
    page = desk.browser.get("/admin/today").text
    assert "the connection died after the final dot" in page
    assert page.count("/resend") == 1
    answer = desk.browser.post(f"/admin/deliveries/{doubt}/resend", data={"csrf": csrf(desk), "back": "today"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/today")
    with reading(desk.services.engine) as session:
        row = session.get(Delivery, doubt)
        assert row is not None
        assert row.state == "pending"


def test_sending_now_asks_for_the_date_to_be_typed(desk: Place) -> None:
    waiting = add(desk, "ann@readers.test", due_at=DUE)
    page = desk.browser.get("/admin/today").text
    assert "1 digest can go before its hour" in page
    path = f"/admin/edits/{TODAY}/send-now"
    assert f'action="{path}"' in page
    for typed in ("", "yes", "2026-05-19"):
        answer = desk.browser.post(path, data={"csrf": csrf(desk), "which": "everybody", "typed": typed})
        assert (answer.status_code, f"Type {TODAY}" in answer.text) == (422, True)
    assert desk.browser.post(path, data={"csrf": csrf(desk), "which": "all", "typed": str(TODAY)}).status_code == 422
    answer = desk.browser.post(path, data={"csrf": csrf(desk), "which": "everybody", "typed": f" {TODAY} "})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/admin/today?date={TODAY}")
    with reading(desk.services.engine) as session:
        row = session.get(Delivery, waiting)
        assert row is not None
        assert row.due_at == NOW
    assert audit(desk)[-1][1] == "send now"
    assert desk.kicks


def test_a_test_goes_to_the_editor_who_asks_and_to_nobody_else(desk: Place) -> None:
    add(desk, "ann@readers.test")
    page = desk.browser.get("/admin/?reader=ann@readers.test").text
    assert f"A test goes to {ADMIN} as shown here" in page
    path = f"/admin/edits/{TODAY + timedelta(days=1)}/test"
    fields = {
        "csrf": csrf(desk),
        "reader": "ann@readers.test",
        "to": "evil@readers.test",
        "address": "evil@readers.test",
    }
    answer = desk.browser.post(path, data=fields)
    assert answer.status_code == 303
    shown = desk.browser.get(answer.headers["location"])
    assert "A test of this mail is on its way to you." in shown.text
    with reading(desk.services.engine) as session:
        tests = session.exec(select(Delivery).where(Delivery.kind == "test")).all()
    assert [row.address for row in tests] == [ADMIN]
    missing = desk.browser.post(path, data={"csrf": csrf(desk), "reader": "nobody@readers.test"})
    assert missing.status_code == 404
    assert "nobody subscribes as nobody@readers.test" in missing.text.lower()


def test_a_viewer_sees_it_and_has_no_button(desk: Place) -> None:
    add(desk, "ann@readers.test", "unknown")
    add(desk, "bob@readers.test", due_at=DUE)
    as_role(desk, Role.VIEWER)
    page = desk.browser.get("/admin/today").text
    assert "ann@readers.test" in page
    assert page.count("<form") == 1  # to sign out


def test_faults_of_the_mail_are_listed_with_what_to_do(desk: Place) -> None:
    path = f"/admin/edits/{TODAY + timedelta(days=1)}/lines"
    fields = {"csrf": csrf(desk), "subject": "FREE MONEY INSIDE", "note": "Act now!!", "preheader": ""}
    assert desk.browser.post(path, data=fields).status_code == 303
    page = desk.browser.get("/admin/").text
    assert "The subject is in capitals" in page
    assert "“free money”, “act now”" in page
    assert "Say it more plainly." in page
