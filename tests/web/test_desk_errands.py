"""A source at the desk: its runs and limits, to be read now or from a date on, and who may ask that."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from digest.cli.main import app
from digest.core.budget import Budget
from digest.core.capture import Cursor
from digest.core.roles import Role
from digest.store.conditions import record_refusal, record_traffic
from digest.store.engine import reading, writing
from digest.store.errands import advance, errands, put_off, take
from digest.store.runs import save_cursor
from digest.store.tables import IngestRun, RejectedRecord
from tests.conftest import NOW
from tests.web.conftest import TODAY, Place
from tests.web.test_admin import audit, csrf, sign_in
from tests.web.test_desk_edits import as_role

HF = "/admin/sources/hf/daily"


def press(place: Place, path: str, **fields: str) -> tuple[int, str]:
    """Send one of the forms about a source."""
    answer = place.browser.post(path, data={**fields, "csrf": csrf(place)})
    return answer.status_code, answer.text


def test_a_sources_page_shows_its_runs_its_cursor_its_limits_and_what_it_refused(place: Place) -> None:
    with writing(place.services.engine) as session:
        run = IngestRun(
            source="hf", scope="daily", status="late", reason="<of> yesterday", started_at=NOW, finished_at=NOW
        )
        other = IngestRun(source="hf", scope="other", status="ok", started_at=NOW, finished_at=NOW)
        session.add_all([run, other])
        session.flush()
        session.add(RejectedRecord(run_id=run.id or 0, position="entry 7", reason="no title", excerpt="<b>odd</b>"))
        session.add(RejectedRecord(run_id=other.id or 0, position="entry 8", reason="not of here", excerpt=""))
        save_cursor(session, "hf", "daily", Cursor("2026-05-19"), now=NOW)
        budget = Budget(17, 60, NOW + timedelta(minutes=20))
        record_traffic(session, "hf", requests=43, refused=2, status=429, budget=budget, now=NOW)
        record_refusal(session, "hf", "429: <slow> down", NOW + timedelta(hours=3), now=NOW)
    sign_in(place)
    page = place.browser.get(HF).text
    for shown in (
        "&lt;of&gt; yesterday", "2026-05-19", "17 of 60 left", "429: &lt;slow&gt; down", "wants to be left alone",
        "entry 7", "&lt;b&gt;odd", "43, of them refused 2", "20 May 2026, 09:00 UTC",
    ):  # fmt: skip
        assert shown in page, shown
    assert "entry 8" not in page
    listed = place.browser.get("/admin/sources").text
    assert f'href="{HF}"' in listed
    assert "What the sources allow" in listed
    assert place.browser.get("/admin/sources/nobody/daily").status_code == 404
    assert place.browser.get("/admin/sources/hf/%00%ff").status_code == 404


def test_run_now_is_asked_once_and_put_on_the_queue(place: Place) -> None:
    told: list[tuple[str, str]] = []
    place.services.errand = lambda source, scope: told.append((source, scope))
    sign_in(place)
    status, words = press(place, f"{HF}/run")
    assert (status, "hf daily: asked." in words) == (200, True)
    assert "asked already by" in press(place, f"{HF}/run")[1]
    assert told[0] == ("hf", "daily")
    with reading(place.services.engine) as session:
        assert [(one.kind, one.asked_by) for one in errands(session)] == [("run", "editor@firstlight.test")]
    assert [entry[1:3] for entry in audit(place) if entry[1] == "run source"] == [("run source", "hf daily")]
    assert press(place, "/admin/sources/hf/elsewhere/run")[0] == 404
    assert press(place, "/admin/sources/pages/daily/run")[0] == 404
    assert press(place, "/admin/sources/github/signals/run")[0] == 200
    place.services.settings = place.services.settings.model_copy(update={"demo": True})
    assert "asks nobody outside" in press(place, f"{HF}/run")[1]


def test_a_back_fill_is_told_its_price_first_and_shows_how_far_it_is(place: Place) -> None:
    sign_in(place)
    since = (TODAY - timedelta(days=9)).isoformat()
    asked = place.browser.post(f"{HF}/back-fill", data={"csrf": csrf(place), "from": since})
    assert (asked.status_code, asked.headers["location"]) == (303, f"{HF}?from={since}")
    page = place.browser.get(asked.headers["location"]).text
    assert "about 10 requests, one every 0.5 s: 1 minute or more" in page
    assert press(place, f"{HF}/back-fill", **{"from": since, "sure": "yes"})[0] == 200
    engine = place.services.engine
    with writing(engine) as session:
        errand = take(session, "hf", "daily", place.clock.now)
        assert errand is not None
        advance(session, errand, "2026-05-15", requests=4, listings=70, papers_new=31, now=place.clock.now)
    for path in (HF, "/admin/sources"):
        page = place.browser.get(path).text
        assert "4 of about 10 requests, 70 listings, 31 new papers" in page
        assert '<rect class="cut" width="40" height="4"/>' in page
        assert "Under way" in page
    assert press(place, f"{HF}/stop")[0] == 303
    page = place.browser.get(HF).text
    assert "Stopped</span>, 20 May 2026, 06:00 UTC: by editor@firstlight.test" in page
    assert press(place, f"{HF}/stop")[0] == 422


def test_the_page_comes_anew_by_itself_while_what_was_asked_for_is_open(place: Place) -> None:
    sign_in(place)
    since = (TODAY - timedelta(days=9)).isoformat()

    def header(query: str = "") -> str | None:
        return place.browser.get(f"{HF}{query}").headers.get("refresh")

    assert header() is None
    assert press(place, f"{HF}/back-fill", **{"from": since, "sure": "yes"})[0] == 200
    assert header() == "5"  # a worker takes it up at any moment
    engine = place.services.engine
    with writing(engine) as session:
        errand = take(session, "hf", "daily", place.clock.now)
        assert errand is not None
    assert header() == "5"
    page = place.browser.get(HF).text
    assert f'This page comes anew every 5 seconds. <a href="{HF}?live=no">Stop that</a>' in page
    stopped = place.browser.get(f"{HF}?live=no")
    assert "refresh" not in stopped.headers
    assert 'type="date"' not in page  # a date that is being typed is not taken away either
    assert 'type="date"' in stopped.text
    assert f'<a href="{HF}">Let it come anew by itself</a>' in stopped.text
    assert header(f"?from={since}") is None  # what somebody is about to ask is not taken from them
    with writing(engine) as session:
        put_off(session, errand, place.clock.now + timedelta(minutes=20), "no answer", failures=1)
    assert header() == "60"
    with writing(engine) as session:
        put_off(session, errand, place.clock.now + timedelta(hours=3), "no answer", failures=1)
    assert header() is None
    assert press(place, f"{HF}/stop")[0] == 303
    assert header() is None


@pytest.mark.parametrize("since", ["", "x", "2026-05-20", "0001-01-01", "9999-12-31", "2026-02-30", "1999-01-01"])
def test_a_date_that_makes_no_sense_is_refused_with_the_reason(place: Place, since: str) -> None:
    sign_in(place)
    assert place.browser.get(f"{HF}?from={since}").status_code == (422 if since else 200)
    status, words = press(place, f"{HF}/back-fill", **{"from": since, "sure": "yes"})
    assert (status, "That cannot be done" in words) == (422, True)


def test_a_viewer_sees_the_source_and_has_no_button(place: Place) -> None:
    as_role(place, Role.VIEWER)
    page = place.browser.get(HF)
    assert page.status_code == 200
    assert f"{HF}/run" not in page.text
    assert f"{HF}/back-fill" not in page.text


def test_the_command_line_asks_the_same(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    monkeypatch.setenv("DIGEST_DATABASE_URL", place.services.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("DIGEST_SECRET_KEY", json.dumps(["k9Jx2mQ7vR4tY8wZ1bN6cF3hG5dS0aLp-live"]))
    run = CliRunner().invoke(app, ["sources", "run", "hf"])
    assert (run.exit_code, run.stdout) == (0, "hf daily: asked\n")
    from datetime import UTC, datetime

    since = (datetime.now(UTC).date() - timedelta(days=4)).isoformat()
    asked = CliRunner().invoke(app, ["sources", "backfill", "hf", "--from", since], input="n\n")
    assert asked.exit_code == 1
    assert "about 5 requests" in asked.stdout
    done = CliRunner().invoke(app, ["sources", "backfill", "hf", "--from", since, "--yes"])
    assert (done.exit_code, "hf daily: asked" in done.stdout) == (0, True)
    assert "waits for a worker" in CliRunner().invoke(app, ["sources", "status"]).stdout
    assert CliRunner().invoke(app, ["sources", "stop", "hf"]).stdout == "hf daily: stopped\n"
    assert CliRunner().invoke(app, ["sources", "run", "nobody"]).exit_code != 0
    with reading(place.services.engine) as session:
        assert {(one.kind, one.outcome) for one in errands(session)} == {("run", ""), ("back-fill", "stopped")}
