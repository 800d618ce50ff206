"""Editing at the desk: by whom, how it shows, what cannot be done; and every form of the desk under attack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from sqlmodel import select
from starlette.routing import Mount, Route

from digest.core.edits import EditKind, edit_of
from digest.core.roles import Role
from digest.flows import editing
from digest.flows.admins import appoint
from digest.flows.sign_in import shown_sign_in_token
from digest.store.engine import reading
from digest.store.tables import AuditEntry, IssueEdit, IssueRow
from tests.conftest import NOW
from tests.web.conftest import ADMIN, TODAY, Place
from tests.web.test_admin import audit, csrf, sign_in
from tests.web.test_readers import rows

TOMORROW = TODAY + timedelta(days=1)
EDITS = f"/admin/edits/{TOMORROW.isoformat()}"
MINOR = "intern@firstlight.test"


@pytest.fixture
def desk(place: Place) -> Place:
    """The site with five fresh papers, and its owner at the desk."""
    for number in range(1, 6):
        place.add_paper(number, listed_on=TODAY)
    sign_in(place)
    return place


def as_role(place: Place, role: Role) -> None:
    """Sit down as somebody with a role."""
    place.browser.cookies.clear()
    appoint(place.services.engine, MINOR, role, actor=ADMIN, now=place.clock.now)
    token = shown_sign_in_token(place.services.engine, place.services.tokens, MINOR, now=place.clock.now)
    assert place.browser.post(f"/admin/sign-in/{token}").status_code == 303


def edit(site: Place, deed: str, **fields: object) -> int:
    """Send one of the desk's forms; returns the status."""
    data = {name: str(value) for name, value in fields.items()} | {"csrf": csrf(site)}
    return site.browser.post(f"{EDITS}/{deed}", data=data).status_code


def test_what_an_editor_does_shows_on_the_desk_and_can_be_undone(desk: Place) -> None:
    assert edit(desk, "pin", paper="2605.00004", place=1) == 303
    assert edit(desk, "drop", paper="2605.00002") == 303
    assert edit(desk, "lines", note="Look at the <first>.", subject="Of probes", preheader="") == 303
    assert edit(desk, "lines", note="Look at the <first>.", subject="Of probes", preheader="") == 303
    page = desk.browser.get("/admin/").text
    assert "Probe paper 4: pinned to place 1" in page
    assert "Probe paper 2: dropped" in page
    assert "Subject: Of probes" in page
    assert "Look at the &lt;first&gt;." in page
    assert "<dd>Of probes</dd>" in page
    mail = desk.browser.get("/admin/preview.html").text
    assert mail.index("Probe paper 4</a>") < mail.index("Probe paper 1</a>")
    assert "Probe paper 2</a>" not in mail
    with reading(desk.services.engine) as session:
        made = session.exec(select(IssueEdit)).all()
    assert [(one.kind, one.actor) for one in made] == [(kind, ADMIN) for kind in ("pin", "drop", "note", "subject")]
    assert edit(desk, "undo", edit=made[1].id) == 303
    assert "Probe paper 2" in desk.browser.get("/admin/preview.html").text
    assert edit(desk, "undo", edit=made[1].id) == 422


def test_what_cannot_be_done_is_said_with_the_way_back(desk: Place) -> None:
    for deed, fields, status, words in (
        ("pin", {"paper": "2605.00004", "place": 101}, 422, "from 1 to 100, not to 101"),
        ("drop", {"paper": "2605.99999"}, 404, "No paper is known as"),
        ("lines", {"subject": "x" * 151}, 422, "at most 150 are shown"),
        ("cancel", {}, 422, "Tick the box"),
        ("cancel", {"sure": "yes"}, 404, "There is no frozen issue"),
    ):
        answer = desk.browser.post(f"{EDITS}/{deed}", data={**fields, "csrf": csrf(desk)})
        assert (answer.status_code, words in answer.text) == (status, True), (deed, answer.text)
        assert f'href="/admin/?date={TOMORROW}"' in answer.text
    assert desk.browser.post("/admin/edits/2026-99-99/hold", data={"csrf": csrf(desk)}).status_code == 422


def test_an_issue_is_held_approved_and_cancelled(desk: Place) -> None:
    assert edit(desk, "hold") == 303
    assert f"Held by {ADMIN}" in desk.browser.get("/admin/").text
    assert edit(desk, "approve") == 303
    assert f"Approved by {ADMIN}" in desk.browser.get("/admin/").text
    desk.add_issue([], issued_on=TOMORROW)
    assert edit(desk, "pin", paper="2605.00004", place=1) == 422
    assert edit(desk, "hold") == 303
    with reading(desk.services.engine) as session:
        assert session.exec(select(IssueRow)).one().state == "held"
    page = desk.browser.get(f"/admin/?date={TOMORROW}").text
    assert "Approve it" in page
    assert "Pin a paper" not in page
    assert edit(desk, "approve") == 303
    assert edit(desk, "cancel", sure="yes") == 303
    assert [entry[1] for entry in audit(desk)][-4:] == ["approve", "hold", "approve", "cancel"]


def test_a_viewer_looks_and_has_no_button(desk: Place) -> None:
    editing.make_edit(desk.services.engine, TOMORROW, edit_of(EditKind.NOTE, words="Seen by all"), actor=ADMIN, now=NOW)
    as_role(desk, Role.VIEWER)
    page = desk.browser.get("/admin/")
    assert page.status_code == 200
    assert "Note: Seen by all" in page.text
    assert set(re.findall(r'action="(/admin/[^"]*)"', page.text)) == {"/admin/", "/admin/sign-out"}
    as_role(desk, Role.EDITOR)
    assert f'action="{EDITS}/hold"' in desk.browser.get("/admin/").text


def posts(place: Place, begins: str = "/admin") -> Iterator[str]:
    """Every address that takes a POST, or changes things by another method, whatever router or mount it comes from."""
    waiting: list[tuple[str, object]] = [("", one) for one in place.browser.app.routes]  # type: ignore[attr-defined]  # an application
    while waiting:
        prefix, route = waiting.pop()
        included = getattr(route, "original_router", None)
        if included is not None:
            waiting += [(prefix, one) for one in included.routes]
        elif isinstance(route, Mount):
            waiting += [(prefix + route.path, one) for one in route.routes or ()]
        elif isinstance(route, Route | APIRoute):
            path, changing = prefix + route.path, set(route.methods or ()) - {"GET", "HEAD"}
            if changing and path.startswith(begins):
                yield path


def changes(place: Place) -> list[str]:
    """The addresses of every change at the desk, filled in; signing in and out is for anybody."""
    known = {"day": TOMORROW.isoformat(), "delivery_id": "1", "issue_id": "1", "verb": "hold", "task_id": "1"}
    known |= {"reader_id": "1", "source": "hf", "scope": "daily"}
    found = []
    for pattern in posts(place):
        if pattern.startswith("/admin/sign-"):
            continue
        for name in re.findall(r"{(\w+)}", pattern):
            assert name in known, f"say in this test what {{{name}}} of {pattern} may be"
        found.append(pattern.format(**known))
    assert len(found) >= 10
    return found


def test_every_change_at_the_desk_is_refused_to_strangers_viewers_and_other_sites(desk: Place) -> None:
    # checklist 69
    desk.add_issue([])
    token = csrf(desk)
    owner = dict(desk.browser.cookies)
    fields = {"paper": "2605.00004", "place": "1", "edit": "1", "sure": "yes"}

    def refused(path: str, status: int, **headers: str) -> None:
        before = {name: held for name, held in rows(desk).items() if name != "audit_entry"}
        written = len(audit(desk))
        answer = desk.browser.post(path, data={**fields, "csrf": token}, headers=headers)
        assert answer.status_code == status, (path, answer.text)
        assert audit(desk)[written:], path
        assert {name: held for name, held in rows(desk).items() if name != "audit_entry"} == before, path

    for path in changes(desk):
        desk.clock.move(hours=2)  # past what the limits of forms and of the audit log count by
        desk.browser.cookies.clear()
        refused(path, 401)
        desk.browser.cookies.update(owner)
        refused(path, 403, **{"sec-fetch-site": "cross-site"})
        refused(path, 403, origin="https://evil.example")
        as_role(desk, Role.VIEWER)
        page = desk.browser.get("/admin/").text
        own = re.search(r'name="csrf" value="([^"]+)"', page)
        assert own is not None
        token, kept = own[1], token
        refused(path, 403)
        token = kept
        desk.browser.cookies.clear()
    with reading(desk.services.engine) as session:
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "refused")).first() is not None
