"""The admin's desk: who may sit there, what every change must prove, what is written down."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from httpx import Response
from sqlalchemy import update
from sqlmodel import select

from digest.core.budget import Budget
from digest.core.delivery import DeliveryKind
from digest.flows.brake import apply_brake
from digest.flows.preview import preview
from digest.store.conditions import record_refusal, record_traffic
from digest.store.engine import reading, writing
from digest.store.tables import AuditEntry, BounceEvent, Delivery, IngestRun, IssueRow, RejectedRecord
from digest.web.desk_mail import make_ready
from digest.web.site import Site
from digest.wiring import Services
from tests.conftest import NOW
from tests.web.conftest import ADMIN, Place, card_of, place_for, settings_for


def sign_in(place: Place) -> Response:
    """Ask for a link and use it."""
    place.browser.post("/admin/sign-in", data={"address": ADMIN})
    return place.browser.post(f"/admin/sign-in/{newest_token(place)}")


def newest_token(place: Place) -> str:
    """The token that the newest sign-in mail would carry."""
    with reading(place.services.engine) as session:
        asked = session.exec(select(Delivery).where(Delivery.kind == DeliveryKind.SIGN_IN)).all()[-1]
    return place.services.tokens.sign("sign-in", {"d": asked.id or 0}, at=place.clock.now)


def csrf(place: Place) -> str:
    """The token that the desk's forms carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', place.browser.get("/admin/sources").text)
    assert found is not None
    return found[1]


def audit(place: Place) -> list[tuple[str, str, str, str]]:
    """What was written down."""
    with reading(place.services.engine) as session:
        return [(e.actor, e.action, e.target, e.detail) for e in session.exec(select(AuditEntry)).all()]


def add_delivery(place: Place, **columns: object) -> int:
    """Store a digest delivery to an address."""
    given: dict[str, object] = {
        "kind": "digest",
        "state": "unknown",
        "address": "ada@readers.test",
        "due_at": NOW,
        "expires_at": NOW + timedelta(days=1),
        "created_at": NOW,
    }
    with writing(place.services.engine) as session:
        row = Delivery.model_validate(given | columns)
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/sources", "/admin/deliveries", "/admin/preview.html"])
def test_the_desk_leads_strangers_to_the_sign_in_form(place: Place, path: str) -> None:
    answer = place.browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/sign-in")


def test_asking_for_a_link_gives_the_same_answer_to_anyone(place: Place) -> None:
    known = place.browser.post("/admin/sign-in", data={"address": ADMIN.upper()})
    unknown = place.browser.post("/admin/sign-in", data={"address": "mallory@evil.test"})
    assert known.status_code == unknown.status_code == 303
    assert known.headers["location"] == unknown.headers["location"] == "/admin/check-your-mail"
    assert known.content == unknown.content
    with reading(place.services.engine) as session:
        assert [d.address for d in session.exec(select(Delivery)).all()] == [ADMIN]


def test_signing_in_takes_a_post_and_works_once(place: Place) -> None:
    place.browser.post("/admin/sign-in", data={"address": ADMIN})
    token = newest_token(place)
    page = place.browser.get(f"/admin/sign-in/{token}")
    assert page.text.count("<button") == 1
    assert "set-cookie" not in page.headers
    assert place.browser.get("/admin/sources").status_code == 303
    opened = place.browser.post(f"/admin/sign-in/{token}")
    assert (opened.status_code, opened.headers["location"]) == (303, "/admin/")
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    assert place.browser.get("/admin/sources").status_code == 200
    assert place.browser.get("/admin/sign-in").headers["location"] == "/admin/"
    again = place.browser.post(f"/admin/sign-in/{token}")
    assert again.status_code == 410
    assert "has been used" in again.text


def test_old_and_forged_sign_in_links_have_a_way_out(place: Place) -> None:
    place.browser.post("/admin/sign-in", data={"address": ADMIN})
    token = newest_token(place)
    place.clock.move(hours=2)
    for method in ("GET", "POST"):
        assert place.browser.request(method, f"/admin/sign-in/{token}").status_code == 410
        forged = place.browser.request(method, f"/admin/sign-in/{token}x")
        assert forged.status_code == 404
        assert 'href="/admin/sign-in"' in forged.text


def test_under_https_the_cookie_is_bound_to_the_host_and_secure(tmp_path: Path) -> None:
    place = place_for(settings_for(tmp_path, base_url="https://digest.example"))
    cookie = sign_in(place).headers["set-cookie"]
    assert cookie.startswith("__Host-desk=")
    assert "secure" in cookie.lower()


def test_a_session_ends_with_time_with_sign_out_and_with_the_listing(place: Place, tmp_path: Path) -> None:
    sign_in(place)
    place.clock.move(hours=13)
    assert place.browser.get("/admin/sources").status_code == 303
    sign_in(place)
    token = csrf(place)
    session = place.browser.cookies["desk"]
    assert place.browser.post("/admin/sign-out", data={"csrf": token}).status_code == 200
    place.browser.cookies.set("desk", session)
    assert place.browser.get("/admin/sources").status_code == 303
    place.browser.cookies.clear()
    sign_in(place)
    place.services.settings.admins.clear()
    assert place.browser.get("/admin/sources").status_code == 303


def test_a_change_needs_the_sessions_own_form_token_and_our_own_page(place: Place) -> None:
    # checklist 69
    sign_in(place)
    unknown = add_delivery(place)
    path = f"/admin/deliveries/{unknown}/resend"
    token = csrf(place)
    other = place.services.tokens.sign("csrf", {"session": "another"})
    assert place.browser.post(path).status_code == 403
    assert place.browser.post(path, data={"csrf": other}).status_code == 403
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        assert place.browser.post(path, data={"csrf": token}, headers=headers).status_code == 403
        assert place.browser.post("/admin/sign-in", data={"address": ADMIN}, headers=headers).status_code == 403
    cookies = dict(place.browser.cookies)
    place.browser.cookies.clear()
    assert place.browser.post(path, data={"csrf": token}).status_code == 401
    with reading(place.services.engine) as session:
        assert session.get_one(Delivery, unknown).state == "unknown"
    place.browser.cookies.update(cookies)
    assert place.browser.post(path, data={"csrf": token}).status_code == 303
    with reading(place.services.engine) as session:
        assert session.get_one(Delivery, unknown).state == "pending"
    written = audit(place)
    refused = [entry for entry in written if entry[1] == "refused"]
    assert len(refused) == 9
    assert {entry[3] for entry in refused} == {"no valid form token", "sent from another site", "not signed in"}
    assert written[-1] == (ADMIN, "resend", f"delivery {unknown}", "queued again")
    assert not any(token in "".join(entry) for entry in written)


def test_only_so_many_refusals_of_one_network_are_written_down(place: Place) -> None:
    for _attempt in range(70):
        assert place.browser.post("/admin/sign-out").status_code == 401
    assert len(audit(place)) == 60


def test_tomorrow_shows_the_frozen_mail_byte_for_byte_in_a_powerless_frame(place: Place) -> None:
    # checklist 70
    tomorrow = NOW.date() + timedelta(days=1)
    cards = [card_of(place.add_paper(rank), rank, "cs.LG" if rank < 3 else "math.OC") for rank in (1, 2, 3)]
    place.add_issue(cards, issued_on=tomorrow)
    sign_in(place)
    page = place.browser.get("/admin/").text
    assert "Thursday, 21 May 2026" in page
    assert "frozen: this is what goes out" in page
    assert "+38 upvotes in 6 h" in page
    assert re.search(r'<iframe class="mail" src="/admin/preview.html" sandbox ', page)
    framed = place.browser.get("/admin/preview.html")
    policy = framed.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    at = place.services.clock()
    made = preview(place.services.engine, place.services.courier, issued_on=tomorrow, at=at)
    assert framed.content == made.html.encode()
    cut = place.browser.get("/admin/preview.html?category=cs.LG").text
    assert "Probe paper 2" in cut
    assert cut.index("Outside your usual") > cut.index("Probe paper 3") > cut.index("Probe paper 2")
    assert "Probe paper 1" in place.browser.get("/admin/?view=text").text
    assert "Content-Type: multipart/alternative" in place.browser.get("/admin/?view=source").text
    assert "mail phone" in place.browser.get("/admin/?view=phone").text
    assert place.browser.get("/admin/?view=other").status_code == 404


def test_tomorrow_says_what_is_wrong_on_top(place: Place) -> None:
    category = place.services.settings.categories[0]
    with writing(place.services.engine) as session:
        for source, scope, status, reason, at in (
            ("hf", "daily", "failed", "the server answered 502", NOW),
            ("arxiv-rss", category, "late", "", NOW),
            ("arxiv-api", category, "ok", "", NOW - timedelta(hours=27)),
            ("hf", "", "ok", "", NOW - timedelta(days=9)),  # from a file
            ("arxiv-oai", "cs", "quiet", "", NOW - timedelta(days=9)),  # by hand
            ("arxiv-rss", "no.longer", "ok", "", NOW - timedelta(days=9)),
        ):
            session.add(
                IngestRun(source=source, scope=scope, status=status, reason=reason, started_at=at, finished_at=at)
            )
    place.add_issue([card_of(place.add_paper(1), 1, simulated=True)], issued_on=date(2026, 5, 21))
    sign_in(place)
    page = place.browser.get("/admin/").text
    assert "hf daily failed: the server answered 502 (has never answered well)." in page
    assert f"arxiv-rss {category} is late" in page
    assert page.count("has been silent for too long") == 1, "what is not read by itself is not missed"
    assert f"arxiv-api {category} has been silent for too long" in page
    assert "Some evidence is simulated." in page
    assert page.index("hf daily failed") < page.index("<iframe")
    nobody = place.browser.get("/admin/?reader=nobody@readers.test")
    assert nobody.status_code == 404
    assert "nobody subscribes as nobody@readers.test" in nobody.text.lower()
    wrong = place.browser.get("/admin/?date=tomorrow")
    assert wrong.status_code == 404
    assert "is no date" in wrong.text
    for far in ("9999-12-31", "0001-01-01"):
        beyond = place.browser.get(f"/admin/?date={far}")
        assert beyond.status_code == 404
        tomorrow, span = NOW.date() + timedelta(days=1), timedelta(days=20 * 366)
        assert f"{far} is too far away; ask for a day from {tomorrow - span} to {tomorrow + span}" in beyond.text


def test_tomorrow_says_what_todays_issue_was_composed_without(place: Place) -> None:
    sign_in(place)
    place.clock.now = NOW + timedelta(hours=1)
    place.add_small_issue()
    cut_off = NOW - timedelta(hours=2)
    runs = [("arxiv-rss", scope, "ok") for scope in place.services.settings.categories]
    runs += [("arxiv-api", scope, "quiet") for scope in place.services.settings.categories]
    with writing(place.services.engine) as session:
        for source, scope, status in [*runs, ("hf", "daily", "failed"), ("arxiv-rss", "cs.CV", "late")]:
            at = cut_off - timedelta(minutes=20)
            session.add(IngestRun(source=source, scope=scope, status=status, started_at=at, finished_at=at))
    page = place.browser.get("/admin/").text
    assert "The issue of 20 May 2026 was composed without arxiv-rss cs.CV (late), hf daily (failed);" in page
    assert "what comes late is in the next one" in page


def test_sources_show_how_each_ended_and_what_was_set_aside(place: Place) -> None:
    with writing(place.services.engine) as session:
        run = IngestRun(source="hf", scope="daily", status="ok", started_at=NOW, finished_at=NOW, rejected=1)
        session.add(run)
        session.flush()
        session.add(RejectedRecord(run_id=run.id or 0, position="entry 7", reason="no title", excerpt="<b>odd</b>"))
    sign_in(place)
    page = place.browser.get("/admin/sources").text
    for shown in (
        "hf",
        "daily",
        '"state ok"',
        "entry 7",
        "no title",
        "&lt;b&gt;odd",
        '<strong>arxiv-rss</strong> was never read in: <a href="/admin/sources/arxiv-rss/cs.LG">cs.LG</a>, <a href=',
    ):
        assert shown in page


def test_services_show_their_budget_and_their_refusal_in_their_own_words(place: Place) -> None:
    engine = place.services.engine
    with writing(engine) as session:
        budget = Budget(17, 60, NOW + timedelta(minutes=20))
        record_traffic(session, "github", requests=43, refused=2, status=403, budget=budget, now=NOW)
        record_refusal(session, "github", "403: <script>slow</script> down", NOW + timedelta(hours=3), now=NOW)
        session.add(IngestRun(source="github", scope="signals", status="failed", started_at=NOW, finished_at=NOW))
    sign_in(place)
    page = place.browser.get("/admin/sources").text
    row = next(line for line in page.splitlines() if ">github</a></th>" in line and "17 of 60" in line)
    for shown in ("17 of 60 left, anew at 06:20 UTC", "&lt;script&gt;slow", ">43<", ">2<", '"state failed"', "09:00"):
        assert shown in row
    assert "github signals failed" in place.browser.get("/admin/").text
    place.clock.now = NOW + timedelta(days=1)
    sign_in(place)
    assert ">43<" not in place.browser.get("/admin/sources").text


def test_deliveries_are_tallied_and_trouble_is_shown_in_the_servers_words(place: Place) -> None:
    issue_id = place.add_small_issue()
    add_delivery(place, issue_id=issue_id, state="accepted")
    add_delivery(place, issue_id=issue_id, state="failed", reason="rejected", reply="550 5.1.1 no such mailbox")
    late = add_delivery(place, issue_id=issue_id, expires_at=NOW - timedelta(hours=1))
    add_delivery(place, kind="confirmation", state="accepted")
    sign_in(place)
    page = place.browser.get("/admin/deliveries").text
    for shown in ("20 May 2026", "No issue", "550 5.1.1 no such mailbox", "ada@readers.test", "Together"):
        assert shown in page
    assert "/resend" not in page
    place.browser.post(f"/admin/deliveries/{late}/resend", data={"csrf": csrf(place)})
    assert audit(place)[-1][3].startswith("not queued")


def test_what_waits_for_its_domain_is_shown_with_the_reason(place: Place) -> None:  # checklist 40
    issue_id = place.add_small_issue()
    why = "example.org asked for less mail and is left alone for a while"
    for minutes in (3, 2):
        add_delivery(place, issue_id=issue_id, state="pending", reason=why, due_at=NOW + timedelta(minutes=minutes))
    sign_in(place)
    page = place.browser.get("/admin/deliveries").text
    assert "Waiting beyond the slot" in page
    assert f"2: {why}; tried again from" in page


def test_the_desk_tells_todays_mail_against_the_cap_of_a_new_address(tmp_path: Path) -> None:
    warming = place_for(settings_for(tmp_path, warm_up=f"2 from {NOW.date()} double every 2 days"))
    issue_id = warming.add_small_issue()
    for state, sent_at in (
        ("accepted", NOW),
        ("accepted", NOW),
        ("accepted", NOW - timedelta(days=1)),
        ("pending", None),
    ):
        add_delivery(
            warming, issue_id=issue_id, state=state, sent_at=sent_at, attempts=int(sent_at is not None), reason=""
        )
    sign_in(warming)
    page = warming.browser.get("/admin/deliveries").text
    assert "2 of 2 mails today (UTC); 1 digests that are due wait for room" in page


def test_an_issue_can_be_held_and_let_go(place: Place) -> None:
    issue_id = place.add_small_issue()
    add_delivery(place, issue_id=issue_id, state="pending")
    sign_in(place)
    for verb, state in (("hold", "held"), ("let-go", "frozen")):
        assert f"/admin/issues/{issue_id}/{verb}" in place.browser.get("/admin/deliveries").text
        answer = place.browser.post(f"/admin/issues/{issue_id}/{verb}", data={"csrf": csrf(place)})
        assert answer.status_code == 303
        with reading(place.services.engine) as session:
            assert session.get_one(IssueRow, issue_id).state == state
        assert audit(place)[-1][:3] == (ADMIN, verb, f"issue {issue_id}")
    with writing(place.services.engine) as session:
        session.get_one(IssueRow, issue_id).state = "complete"
    place.browser.post(f"/admin/issues/{issue_id}/hold", data={"csrf": csrf(place)})
    assert audit(place)[-1][3].startswith("refused")
    assert place.browser.post(f"/admin/issues/{issue_id}/burn", data={"csrf": csrf(place)}).status_code == 404


def pull_the_brake(place: Place) -> int:
    """Three complaints about an issue that is being sent."""
    issue = place.add_small_issue()
    with writing(place.services.engine) as session:
        session.connection().execute(update(IssueRow).values(queued_at=NOW, state="sending"))
        for number in range(3):
            row = BounceEvent(
                event_key=str(number), kind="complaint", action="suppress", subscriber_id=number, received_at=NOW
            )
            session.add(row)
    apply_brake(place.services.engine, NOW)
    return issue


@pytest.mark.parametrize("way", ["/admin/brake/release", "/admin/issues/{issue}/let-go"])
def test_the_desk_says_why_sending_stopped_and_lets_it_go_on(place: Place, way: str) -> None:  # checklist 69, 81
    sign_in(place)
    issue = pull_the_brake(place)
    page = place.browser.get("/admin/deliveries").text
    assert "Sending has stopped by itself." in page
    assert "3 complaints about" in page
    path = way.format(issue=issue)
    assert place.browser.post(path).status_code == 403
    with writing(place.services.engine) as session:  # the reports grow old, and the issue is still held for them
        session.connection().execute(update(BounceEvent).values(received_at=NOW - timedelta(days=9)))
    assert "3 complaints about" in place.browser.get("/admin/deliveries").text
    place.clock.move(minutes=1)
    assert place.browser.post(path, data={"csrf": csrf(place)}).status_code == 303
    assert "stopped by itself" not in place.browser.get("/admin/deliveries").text
    assert not apply_brake(place.services.engine, place.clock.now).stops
    with reading(place.services.engine) as session:
        assert session.exec(select(IssueRow.state).where(IssueRow.id == issue)).one() == "frozen"
    assert (ADMIN, "release brake", "", f"issue {issue}") in audit(place)


def test_the_desk_is_made_ready_ahead_of_the_first_look_and_a_database_without_tables_stops_nobody(
    place: Place, tmp_path: Path
) -> None:
    assert make_ready(Site.of(place.services))
    (tmp_path / "empty").mkdir()
    assert not make_ready(Site.of(Services(settings_for(tmp_path / "empty"))))
