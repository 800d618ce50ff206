"""What is an alarm and from when on: each condition a moment before it is one, and a moment after."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from digest.core import alarms
from digest.core.alarm import Alarm, Rule, Severity
from digest.core.alarms import RULES, manual
from digest.core.telling import Known, Step, step_of, title_of
from digest.core.watch import Facts, IssueFact, SourceFact, judge

NOW = datetime(2026, 5, 20, 8, 0, tzinfo=UTC)
CUT_OFF = NOW.replace(hour=6)
TODAY = NOW.date()
ROOT = Path(__file__).resolve().parents[2]
MOMENT = timedelta(seconds=1)


def ago(time: timedelta) -> datetime:
    return NOW - time


def found_in(**facts: Any) -> list[Alarm]:
    """Judge facts of an installation whose scheduler ticks, unless they say otherwise."""
    return judge(Facts(at=NOW, **{"ticked_at": NOW, **facts}))


def names(**facts: Any) -> list[str]:
    return [alarm.key for alarm in found_in(**facts)]


def source(**changes: Any) -> SourceFact:
    fields = {"source": "arxiv-rss", "scope": "cs.LG", "status": "ok", "last_ok": ago(timedelta(hours=1))}
    return SourceFact(**{**fields, **changes})


def issue(on: date = TODAY, state: str = "frozen", queued: bool = True) -> IssueFact:
    return IssueFact(issued_on=on, state=state, queued=queued)


LIMITS: list[tuple[Rule, timedelta, Any]] = [
    (alarms.SCHEDULER_STOPPED, alarms.TICKS_STOPPED, lambda at: {"ticked_at": at}),
    (alarms.WORKERS_STOPPED, alarms.WORKERS_SILENT, lambda at: {"ticked_at": NOW, "worked_at": at}),
    (alarms.MAIL_WAITS, alarms.DIGEST_WAITS, lambda at: {"oldest_due": {"digest": at}}),
    (alarms.PROMPT_MAIL_WAITS, alarms.PROMPT_WAITS, lambda at: {"oldest_due": {"prompt": at}}),
    (alarms.RELAY_GONE, alarms.RELAY_AWAY, lambda at: {"relay_away_since": at, "relay_words": "no answer"}),
    (alarms.SOURCE_QUIET, alarms.SOURCE_SILENT, lambda at: {"sources": [source(last_ok=at)]}),
    (alarms.SCORES_STALE, alarms.SCORES_OLD, lambda at: {"scored_at": at}),
    (alarms.MAILBOX_QUIET, alarms.MAILBOX_SILENT, lambda at: {"mailbox_read_at": at}),
    (alarms.UNPRUNED, alarms.NOT_PRUNED, lambda at: {"pruned_at": at}),
]


@pytest.mark.parametrize(("rule", "limit", "facts"), LIMITS, ids=lambda one: getattr(one, "name", ""))
def test_a_condition_is_an_alarm_once_its_time_is_over_and_not_before(rule: Rule, limit: timedelta, facts: Any) -> None:
    assert found_in(**facts(ago(limit))) == []
    [alarm] = found_in(**facts(ago(limit + MOMENT)))
    assert alarm.rule is rule
    assert alarm.since == NOW - MOMENT, "since the threshold was passed"


def test_nothing_is_an_alarm_where_nothing_is_known() -> None:
    assert names() == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"braked": 1, "brake_words": "5 complaints"}, ["brake"]),
        ({"unknown": 9}, []),
        ({"unknown": 9, "unknown_lately": 1}, ["unknown-grows"]),
        ({"deferred": 20, "newest_mails": 30}, []),
        ({"deferred": 21, "newest_mails": 30}, ["deferrals"]),
        ({"deferred": 50, "newest_mails": 1000}, []),
        ({"deferred": 51, "newest_mails": 1000}, ["deferrals"]),
        ({"schema": "outdated"}, ["schema-behind"]),
        ({"fenced_at": ago(timedelta(days=1))}, ["restored"]),
        ({"fenced_at": ago(timedelta(days=1, seconds=1))}, []),
        ({"set_aside": [("words", NOW), ("score", NOW)]}, ["task-set-aside:score", "task-set-aside:words"]),
        ({"expected": CUT_OFF, "issue": issue()}, []),
        ({"expected": CUT_OFF}, ["issue-missing"]),
        ({"expected": CUT_OFF, "issue": issue(date(2026, 5, 19))}, ["issue-missing"]),
        ({"expected": CUT_OFF, "issue": issue(queued=False)}, ["issue-missing"]),
        # The next issue is there already, half an hour before it would be missed.
        ({"expected": CUT_OFF - timedelta(days=1), "issue": issue(queued=False)}, []),
        ({"issue": issue(state="held"), "unapproved": NOW.date()}, ["issue-unapproved"]),
        ({"issue": issue(state="held")}, []),
        ({"issue": issue(state="sending"), "unapproved": NOW.date()}, []),
        ({"ticked_at": None}, ["scheduler-missing"]),
        ({"ticked_at": None, "worked_at": ago(timedelta(hours=1))}, ["scheduler-missing"]),
        # A scheduler that has stopped asks no worker: that no worker works is no news then.
        ({"ticked_at": ago(timedelta(hours=1)), "worked_at": ago(timedelta(hours=1))}, ["scheduler-stopped"]),
    ],
)
def test_what_is_an_alarm(facts: dict[str, Any], expected: list[str]) -> None:
    assert names(**facts) == expected


def test_a_source_that_fails_or_is_late_is_one_after_an_hour_and_named_once() -> None:
    hour = alarms.SOURCE_TROUBLED
    early = source(status="failed", troubled_since=ago(hour - MOMENT))
    assert names(sources=[early]) == []
    failed = source(status="failed", troubled_since=ago(hour), reason="503")
    other = source(scope="cs.CL", status="failed", troubled_since=ago(hour * 2))
    late = source(source="hf", scope="daily", status="late", troubled_since=ago(hour))
    fitful = source(source="github", scope="signals", status="failed", troubled_since=ago(hour * 5), slow=True)
    found = found_in(sources=[failed, other, late, fitful])
    assert [alarm.key for alarm in found] == ["source-failed:arxiv-rss", "source-late:hf"]
    assert found[0].details == "cs.LG, cs.CL; last read well at 20 May 07:00 UTC. 503"
    assert found[0].since == ago(hour)


def test_what_a_source_says_cannot_make_the_words_long_or_break_a_line() -> None:
    shouting = source(status="failed", troubled_since=ago(timedelta(hours=2)), reason="a\r\nb" * 9_000)
    [alarm] = found_in(sources=[shouting])
    assert len(alarm.details) <= 400
    assert alarm.details.isprintable()


# When it is told.

PATIENT = next(rule for rule in RULES if rule.patience == timedelta(minutes=10))
PROMPT = next(rule for rule in RULES if not rule.patience)
HOUR = timedelta(hours=1)
STEPS: list[tuple[str, Known | None, Rule | None, Step]] = [
    ("it is new", None, PROMPT, Step.BEGIN),
    ("it was never there", None, None, Step.STAY),
    ("it has not lasted", Known(key="k", since=ago(timedelta(minutes=9))), PATIENT, Step.STAY),
    ("it has lasted", Known(key="k", since=ago(timedelta(minutes=10))), PATIENT, Step.TELL),
    ("it went untold", Known(key="k", since=ago(HOUR)), None, Step.FORGET),
    ("it was told and lasts", Known(key="k", since=ago(HOUR), told_at=ago(HOUR)), PROMPT, Step.STAY),
    ("it is gone", Known(key="k", since=ago(HOUR), told_at=ago(HOUR)), None, Step.PAUSE),
    (
        "it is back",
        Known(key="k", since=ago(HOUR), told_at=ago(HOUR), over_at=ago(MOMENT)),
        PROMPT,
        Step.RESUME,
    ),
    (
        "it is gone for less than an hour",
        Known(key="k", since=ago(HOUR), told_at=ago(HOUR), over_at=ago(HOUR - MOMENT)),
        None,
        Step.STAY,
    ),
    (
        "it is gone for an hour",
        Known(key="k", since=ago(2 * HOUR), told_at=ago(2 * HOUR), over_at=ago(HOUR)),
        None,
        Step.TELL_END,
    ),
    (
        "its end was told",
        Known(key="k", since=ago(3 * HOUR), told_at=ago(3 * HOUR), over_at=ago(2 * HOUR), told_over_at=ago(HOUR)),
        None,
        Step.STAY,
    ),
    (
        "it comes back after its end was told",
        Known(key="k", since=ago(3 * HOUR), told_at=ago(3 * HOUR), over_at=ago(2 * HOUR), told_over_at=ago(HOUR)),
        PROMPT,
        Step.BEGIN,
    ),
]


@pytest.mark.parametrize(("known", "rule", "step"), [case[1:] for case in STEPS], ids=[case[0] for case in STEPS])
def test_when_it_is_told(known: Known | None, rule: Rule | None, step: Step) -> None:
    alarm = Alarm(rule=rule, since=NOW) if rule else None
    assert step_of(known, alarm, NOW) is step


# The one place of words and thresholds.


def test_every_rule_has_a_name_of_its_own_a_page_and_something_to_do() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
        assert rule.page.startswith("/admin/")
        assert len(rule.what_to_do) > 40
        assert not rule.title.endswith(".")
        assert "@" not in rule.what_to_do
        assert title_of(f"{rule.name}:arxiv-rss" if "%" in rule.title else rule.name)
    assert title_of("of-another-version:x") == "of-another-version:x"
    assert {rule.severity for rule in RULES} == set(Severity)


def test_the_manual_has_the_table_that_the_command_prints() -> None:
    assert manual() in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


JUDGED_ALIKE = {
    "FirstlightTicksStopped": alarms.TICKS_STOPPED,
    "FirstlightMailWaits": alarms.DIGEST_WAITS,
    "FirstlightPromptMailWaits": alarms.PROMPT_WAITS,
    "FirstlightSourceSilent": alarms.SOURCE_SILENT,
    "FirstlightScoresOld": alarms.SCORES_OLD,
    "FirstlightMailboxSilent": alarms.MAILBOX_SILENT,
    "FirstlightNotPruned": alarms.NOT_PRUNED,
}


def test_the_rules_of_prometheus_judge_by_the_same_numbers() -> None:
    written = YAML(typ="safe").load((ROOT / "ops" / "prometheus" / "firstlight.rules.yml").read_text(encoding="utf-8"))
    told = {rule["alert"]: rule["expr"] for group in written["groups"] for rule in group["rules"] if "alert" in rule}
    for name, limit in JUDGED_ALIKE.items():
        found = re.search(r"> (\d+)(?: \* (\d+))?$", told[name])
        assert found is not None, name
        assert int(found[1]) * int(found[2] or 1) == limit.total_seconds(), name
    assert f"> {alarms.DEFERRED_FEWEST} and" in told["FirstlightDeferrals"]
    assert f"> {alarms.DEFERRED_SHARE} *" in told["FirstlightDeferrals"]
