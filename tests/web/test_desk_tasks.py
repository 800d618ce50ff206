"""The desk's page of tasks that are set aside: what it says, who may do something, and what is kept of it."""

from __future__ import annotations

import pytest

from digest.core.plan import Task, Work
from digest.core.roles import Role
from digest.store.engine import writing
from digest.store.tables import TaskAside
from tests.conftest import NOW
from tests.web.conftest import ADMIN, Place
from tests.web.test_admin import audit, csrf, sign_in
from tests.web.test_desk_edits import as_role


@pytest.fixture
def desk(place: Place) -> Place:
    """The site with two tasks set aside, and its owner at the desk."""
    with writing(place.services.engine) as session:
        for work in (Work(Task.INGEST, source="arxiv-rss", scope="cs.LG"), Work(Task.DELIVER)):
            session.add(
                TaskAside(key=work.key, tries=3, worker="host-a:77", began_at=NOW, at=NOW, words="signal 9 <SIGKILL>")
            )
    sign_in(place)
    return place


def test_it_shows_what_is_set_aside_and_the_desk_warns_of_it(desk: Place) -> None:
    page = desk.browser.get("/admin/tasks").text
    for words in ("ingest arxiv-rss cs.LG", "host-a:77", "signal 9 &lt;SIGKILL&gt;", 'action="/admin/tasks/1/retry"'):
        assert words in page
    assert 'action="/admin/tasks/1/forget"' in page
    assert 'action="/admin/tasks/2/forget"' not in page, "mail cannot be left undone"
    assert (
        "Set aside, since it killed its worker three times: deliver, ingest arxiv-rss cs.LG."
        in desk.browser.get("/admin/").text
    )


def test_a_task_is_tried_again_or_forgotten_by_an_editor_and_the_log_keeps_it(desk: Place) -> None:
    as_role(desk, Role.EDITOR)
    token = csrf(desk)
    assert desk.browser.post("/admin/tasks/1/forget", data={"csrf": token}).status_code == 303
    assert desk.browser.post("/admin/tasks/2/forget", data={"csrf": token}).status_code == 422
    assert desk.browser.post("/admin/tasks/2/retry", data={"csrf": token}).status_code == 303
    assert desk.browser.post("/admin/tasks/2/retry", data={"csrf": token}).status_code == 404
    assert "None." in desk.browser.get("/admin/tasks").text
    done = [entry[1] for entry in audit(desk) if "task" in entry[1]]
    assert done == ["forget task", "try task again"]


def test_a_viewer_sees_it_and_has_no_button(desk: Place) -> None:
    as_role(desk, Role.VIEWER)
    page = desk.browser.get("/admin/tasks").text
    assert "ingest arxiv-rss cs.LG" in page
    assert "/retry" not in page
    assert ADMIN not in page
