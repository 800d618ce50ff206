"""What an operator is told: by the command, by /metrics, and by the rules and the dashboard that are made for them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML
from sqlalchemy import Engine

from digest.core import alarms
from digest.core.capture import RunStatus
from digest.core.plan import Task, Work
from digest.core.trials import Place, Run, may_be_forgotten
from digest.flows.epoch import Guard
from digest.flows.leading import Seat
from digest.flows.metrics import exposition
from digest.flows.vitals import take_vitals
from digest.store.dialects import table_of
from digest.store.engine import writing
from digest.store.runs import begin_run, finish_run
from digest.store.tables import Chore, Delivery, MailboxCursor, Score
from digest.store.trials import forget, put_aside, set_aside
from tests import post

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "ops" / "prometheus" / "firstlight.rules.yml"
DASHBOARD = ROOT / "ops" / "grafana" / "firstlight.json"
NOW = datetime.fromisoformat("2026-05-20T08:00:00+00:00")
_METRIC = re.compile(r"\bfirstlight_\w+|\bfirstlight:\w+")


def furnish(engine: Engine) -> None:
    """Everything that can be told: an issue in the midst of its sending, sources, a leader, housekeeping."""
    addresses = [f"r{n}@large.example" for n in range(12)] + ["me@mine.example", "you@yours.example"]
    post.add_readers(engine, addresses)
    issue = post.add_issue(engine, issued_on=NOW.date(), frozen_at=NOW - timedelta(hours=2))
    states = ["deferred"] * 14
    states[0], states[1], states[2] = "accepted", "unknown", "pending"
    row = {"kind": "digest", "local_date": NOW.date(), "expires_at": NOW + timedelta(hours=20), "created_at": NOW}
    rows = [
        row | {"issue_id": issue, "subscriber_id": n + 1, "state": state, "due_at": NOW + timedelta(minutes=n - 20)}
        for n, state in enumerate(states)
    ]
    with writing(engine) as session:
        session.connection().execute(table_of(Delivery).insert(), [{**one, "paper_ids": []} for one in rows])
        session.add(
            Delivery(
                kind="confirmation",
                state="pending",
                address="new@person.example",
                due_at=NOW - timedelta(minutes=3),
                expires_at=NOW + timedelta(hours=1),
                created_at=NOW,
            )
        )
        good = begin_run(session, "hf", "daily", "", now=NOW - timedelta(hours=5))
        finish_run(session, good, RunStatus.QUIET, "", now=NOW - timedelta(hours=4))
        bad = begin_run(session, "hf", "daily", "", now=NOW)
        finish_run(session, bad, RunStatus.FAILED, "no answer", now=NOW)
        session.add(Chore(name="prune", done_at=NOW - timedelta(days=1)))
        session.add(MailboxCursor(mailbox="m", polled_at=NOW - timedelta(minutes=4)))
        session.add(Score(paper_id=1, as_of=NOW - timedelta(minutes=50), value=1.0))
    Guard(engine, None, lambda: NOW).stand()
    seat = Seat(engine, "here:1")
    seat.take(NOW)
    seat.end_tick(NOW - timedelta(seconds=10), {})


def told(engine: Engine) -> dict[str, float]:
    """The exposition as samples, read by Prometheus' own parser."""
    words = exposition(take_vitals(engine, NOW, None), {("hf", "daily")}).decode()
    return {
        sample.name + json.dumps(sample.labels, sort_keys=True): sample.value
        for family in text_string_to_metric_families(words)
        for sample in family.samples
    }


def test_the_metrics_count_what_is_in_the_database(engine: Engine) -> None:  # checklist 94
    furnish(engine)
    samples = told(engine)
    assert samples['firstlight_deliveries{"issue": "newest", "state": "accepted"}'] == 1
    assert samples['firstlight_deliveries{"issue": "newest", "state": "deferred"}'] == 11
    assert sum(value for name, value in samples.items() if name.startswith("firstlight_deliveries{")) == 14
    assert samples['firstlight_oldest_due_seconds{"queue": "digest"}'] == 18 * 60
    assert samples['firstlight_oldest_due_seconds{"queue": "prompt"}'] == 180
    assert samples["firstlight_unknown{}"] == 1
    assert samples["firstlight_leader{}"] == 1
    assert samples["firstlight_tick_age_seconds{}"] == 10
    assert samples['firstlight_source_success_age_seconds{"scope": "daily", "source": "hf"}'] == 4 * 3600
    assert samples['firstlight_source_up{"scope": "daily", "source": "hf"}'] == 0
    assert samples["firstlight_scores_age_seconds{}"] == 50 * 60


def test_tasks_that_are_set_aside_are_counted_by_task(engine: Engine) -> None:
    assert {value for name, value in told(engine).items() if name.startswith("firstlight_tasks_set_aside")} == {0}
    place = Place(host="here", process="1")
    run = Run(id=1, message="m", place=place, began_at=NOW, ends_by=NOW, tries=3, words="its process is gone")
    with writing(engine) as session:
        for work in (Work(Task.INGEST, "hf", "daily"), Work(Task.INGEST, "arxiv-rss", "cs.LG"), Work(Task.DELIVER)):
            put_aside(session, work, [run], NOW)
        forget(session, set_aside(session)[0].id, NOW)
    samples = told(engine)
    counted = [samples[f'firstlight_tasks_set_aside{{"task": "{task}"}}'] for task in ("ingest", "deliver", "score")]
    assert counted == [2, 0, 0]


def test_the_rules_wake_for_the_tasks_without_which_no_mail_goes_out() -> None:
    needed = "|".join(sorted(task for task in Task if not may_be_forgotten(task)))
    told = {rule["alert"]: rule for rule in rules() if "alert" in rule}
    assert f'{{task=~"{needed}"}}' in told["FirstlightMailSetAside"]["expr"]
    assert f'{{task!~"{needed}"}}' in told["FirstlightTaskSetAside"]["expr"]
    assert told["FirstlightMailSetAside"]["labels"]["severity"] == alarms.MAIL_SET_ASIDE.severity
    assert told["FirstlightTaskSetAside"]["labels"]["severity"] == alarms.TASK_SET_ASIDE.severity


def test_the_age_of_what_nobody_is_to_read_again_does_not_grow(engine: Engine) -> None:
    with writing(engine) as session:
        for scope in ("daily", ""):  # the last from a file
            run = begin_run(session, "hf", scope, "", now=NOW - timedelta(days=9))
            finish_run(session, run, RunStatus.OK, "", now=NOW - timedelta(days=9))
    ages = [name for name in told(engine) if name.startswith("firstlight_source_success_age")]
    assert ages == ['firstlight_source_success_age_seconds{"scope": "daily", "source": "hf"}']


def test_no_metric_names_a_reader_or_a_domain_of_few(engine: Engine) -> None:  # checklist 94
    furnish(engine)
    words = exposition(take_vitals(engine, NOW, None), {("hf", "daily")}).decode()
    assert "@" not in words
    for domain in ("mine.example", "yours.example", "person.example"):
        assert domain not in words
    samples = told(engine)
    assert {name: value for name, value in samples.items() if name.startswith("firstlight_deferred")} == {
        'firstlight_deferred{"domain": "other"}': 11
    }, "nine readers of one domain are too few to be told apart"
    with writing(engine) as session:
        session.connection().execute(
            table_of(Delivery).update().where(table_of(Delivery).c.id <= 3).values(state="deferred")
        )
    samples = told(engine)
    assert samples['firstlight_deferred{"domain": "large.example"}'] == 12
    assert samples['firstlight_deferred{"domain": "other"}'] == 2


def test_an_installation_of_this_minute_has_its_metrics(engine: Engine) -> None:
    samples = told(engine)
    assert samples["firstlight_leader{}"] == 0
    assert samples['firstlight_oldest_due_seconds{"queue": "digest"}'] == 0


def rules() -> list[dict[str, Any]]:
    with RULES.open(encoding="utf-8") as file:
        written = YAML(typ="safe").load(file)
    assert set(written) == {"groups"}
    found = []
    for group in written["groups"]:
        assert set(group) == {"name", "rules"}
        found += group["rules"]
    return found


def test_every_metric_that_rules_and_dashboard_name_exists(engine: Engine) -> None:  # checklist 94
    furnish(engine)
    exist = {name.partition("{")[0] for name in told(engine)} | {rule["record"] for rule in rules() if "record" in rule}
    named = _METRIC.findall("\n".join(rule["expr"] for rule in rules()))
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    shown = _METRIC.findall("\n".join(target["expr"] for panel in panels for target in panel["targets"]))
    assert len(named) > 15
    assert len(shown) > 12
    assert {*named, *shown} <= exist
    assert exist - {*named, *shown} == set(), "what nobody looks at need not be counted"


def test_the_rules_have_the_shape_that_prometheus_reads_and_say_what_to_do() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for rule in rules():
        assert isinstance(rule["expr"], str)
        assert rule["expr"].count("(") == rule["expr"].count(")")
        if "record" in rule:
            assert set(rule) == {"record", "expr"}
            continue
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["what_to_do"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert f"### {rule['alert']}\n" in manual


def test_promtool_agrees() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not there: it comes with Debian's package prometheus")
    checked = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_dashboard_has_no_panel_over_another_and_asks_the_chosen_source() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert taken.isdisjoint(cells), panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["datasource"]["uid"] == "${source}"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
