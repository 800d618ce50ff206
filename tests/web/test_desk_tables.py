"""The tables at the desk: whole, for owners alone, never written, and without what could open something."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import LargeBinary, event
from sqlmodel import SQLModel

from digest.core.roles import Role
from digest.flows.admins import set_password
from digest.flows.invitations import invite
from digest.store import tables
from digest.store.dialects import table_of
from digest.store.engine import open_engine, writing
from digest.store.schema import upgrade
from digest.store.tables import Delivery
from digest.web.table_views import asked, hidden, page_of, row_of, views
from tests.conftest import NOW
from tests.post import add_reader
from tests.web.conftest import ADMIN, Place
from tests.web.test_admin import audit, sign_in
from tests.web.test_desk_edits import MINOR, as_role

PAGES = ["/admin/tables", "/admin/tables/subscriber", "/admin/tables/subscriber/1"]
NAMES = sorted(SQLModel.metadata.tables)


@pytest.fixture
def desk(place: Place) -> Place:
    """A site with a reader, an issue and an owner at the desk."""
    add_reader(place.services.engine, "ada@readers.test")
    place.add_small_issue()
    sign_in(place)
    return place


def test_every_table_is_there_and_every_page_of_it_opens(desk: Place) -> None:
    index = desk.browser.get("/admin/tables").text
    odd = ("x", "%00", "9" * 30, "1;2;3;4", "a/b", "%ED%A0%80", ";", "2026-01-01", "-1")
    for name in NAMES:
        assert f'href="/admin/tables/{name}"' in index, name
        page = desk.browser.get(f"/admin/tables/{name}?q=&by=nonsense&page=1000000000")
        assert page.status_code == 200, name
        for link in re.findall(rf'"(/admin/tables/{name}/[^"]+)"', page.text)[:1]:
            assert desk.browser.get(link).status_code == 200, link
        for key in odd if name in ("subscriber", "reader_day", "paper_lab") else odd[:2]:
            assert desk.browser.get(f"/admin/tables/{name}/{key}").status_code == 404, (name, key)
    assert desk.browser.get("/admin/tables/delivery?q=a%25'%00&by=id&down=1").status_code == 200
    assert "ada@readers.test" in desk.browser.get("/admin/tables/subscriber").text
    assert desk.browser.get("/admin/tables/alembic_version").status_code == 404


def test_only_owners_read_them_and_who_else_tries_is_written_down(place: Place) -> None:
    for path in PAGES:
        assert place.browser.get(path).headers["location"] == "/admin/sign-in"
    for role in (Role.VIEWER, Role.EDITOR):
        as_role(place, role)
        assert "/admin/tables" not in place.browser.get("/admin/").text
        for path in PAGES:
            before = len(audit(place))
            assert place.browser.get(path).status_code == 403, path
            assert audit(place)[before:] == [
                (MINOR, "refused", "/admin/tables" + {0: "", 1: "/{table}", 2: "/{table}/{pk:path}"}[PAGES.index(path)],
                 f"needs an owner, is a {role}")
            ]  # fmt: skip


def test_nothing_that_could_open_something_is_shown_or_searched(desk: Place) -> None:
    engine = desk.services.engine
    as_role(desk, Role.VIEWER)
    set_password(engine, MINOR, "correct horse battery", actor=ADMIN, now=NOW)
    (invited,) = invite(engine, count=1, lasts=timedelta(days=1), uses=9, now=NOW)
    desk.browser.cookies.clear()
    sign_in(desk)
    with engine.connect() as connection:
        secrets = [
            str(value)
            for name in ("admin", "admin_session", "invitation", "limit_use", "suppression", "spent_token")
            for row in connection.execute(SQLModel.metadata.tables[name].select()).mappings()
            for column, value in row.items()
            if column in hidden(SQLModel.metadata.tables[name])
        ]
    assert len(secrets) >= 5
    for name in ("admin", "admin_session", "invitation", "limit_use", "suppression", "spent_token"):
        page = desk.browser.get(f"/admin/tables/{name}").text
        for secret in [*secrets, invited]:
            assert secret not in page, name
            assert "1 row" not in desk.browser.get(f"/admin/tables/{name}?q={secret[:20]}").text


def test_a_column_that_sounds_secret_is_hidden_wherever_it_is() -> None:
    allowed = {"address_key", "first_author_key", "title_key", "event_key", "content_hash", "key", "keywords"}
    for name, table in SQLModel.metadata.tables.items():
        shown = {column.name for column in table.columns} - hidden(table)
        odd = {column for column in shown if re.search("key|hash|token|secret|pass|cookie|salt", column)}
        assert odd <= allowed, (name, odd)
        assert not [column for column in shown if isinstance(table.c[column].type, LargeBinary)], name
    assert "key" in hidden(SQLModel.metadata.tables["limit_use"])


def test_a_table_is_paged_searched_and_ordered(desk: Place) -> None:
    with writing(desk.services.engine) as session:
        for number in range(120):
            session.add(
                Delivery(
                    kind="digest", state="failed" if number % 3 else "accepted", reply=f"<{number}> said", due_at=NOW,
                    expires_at=NOW, created_at=NOW,
                )
            )  # fmt: skip
    first = desk.browser.get("/admin/tables/delivery").text
    assert "121 rows, page 1 of 3" in first or "120 rows, page 1 of 3" in first
    assert "&lt;119&gt; said" in first
    after = re.search(r'<a href="([^"]+)">After</a>', first)
    assert after is not None
    assert "&lt;69&gt; said" in desk.browser.get(f"/admin/tables/delivery{after[1].replace('&amp;', '&')}").text
    assert "80 rows" in desk.browser.get("/admin/tables/delivery?q=failed").text
    up = desk.browser.get("/admin/tables/delivery?by=id").text
    assert 'aria-sort="ascending"' in up
    assert up.index("&lt;0&gt; said") < up.index("&lt;1&gt; said")


@pytest.mark.anyio
async def test_both_databases_answer_alike(database_url: str) -> None:
    engine = open_engine(database_url)
    upgrade(engine)
    add_reader(engine, "ada@readers.test")
    found = views(engine)
    assert set(found) == {table_of(getattr(tables, name)).name for name in tables.__all__}
    writes: list[str] = []
    event.listen(
        engine,
        "before_cursor_execute",
        lambda *given: writes.append(given[2]) if not given[2].startswith(("SELECT", "PRAGMA", "SHOW")) else None,
    )
    for name, view in found.items():
        rows, page, pages, count = await page_of(view, asked(page=3, search="a"))
        assert (page, pages) == (1, 1), name
        assert len(rows) == min(count, 50)
    rows, *_ = await page_of(found["subscriber"], asked())
    assert dict(await row_of(found["subscriber"], rows[0][0]))["address"] == "ada@readers.test"
    for odd in ("x", "9" * 30, "", "-1"):
        with pytest.raises(Exception, match="no such row"):
            await row_of(found["subscriber"], odd)
    assert [one for one in writes if not one.lstrip().startswith("BEGIN")] == []
    engine.dispose()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_library_is_loaded_with_the_first_page_of_a_table_and_not_by_what_sends() -> None:
    code = "import sys, digest.web.app, workers.tasks, digest.flows.deliver; print('sqladmin' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
