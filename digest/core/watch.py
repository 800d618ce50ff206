"""From how an installation stands to the alarms that hold: a pure table of conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

from digest.core import alarms
from digest.core.alarm import Alarm, Rule
from digest.core.capture import RunStatus
from digest.core.issue import IssueState
from digest.core.plan import Task
from digest.core.trials import may_be_forgotten

_LONGEST = 400  # characters of the details


_NEEDED = frozenset(str(task) for task in Task if not may_be_forgotten(task))  # without these no mail goes out


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFact:
    """How a source that is read live stands in one scope; `troubled_since` is None while its newest run went well.

    A service that is asked for signals, `slow`, fails for an hour now and then: only its silence counts.
    """

    source: str
    scope: str
    status: str
    last_ok: datetime | None
    troubled_since: datetime | None = None
    reason: str = ""
    slow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFact:
    """How the newest issue stands; `queued` says that its deliveries were made."""

    issued_on: date
    state: str
    queued: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How everything stands `at` an instant; what is not known is None, empty or zero, and is no alarm.

    `expected` is the last cut-off that passed ISSUE_LATE ago, None where there is nothing to make an issue of;
    `unapproved` the issue that waits for somebody's approval. `relay_away_since` and `relay_words` say since when no
    run could use the relay. `ticked_at` is None where no tick is on record. `set_aside` names the tasks that are
    not tried any more, and since when.
    """

    at: datetime
    ticked_at: datetime | None = None
    worked_at: datetime | None = None
    expected: datetime | None = None
    issue: IssueFact | None = None
    unapproved: date | None = None
    oldest_due: Mapping[str, datetime | None] = field(default_factory=dict)
    relay_away_since: datetime | None = None
    relay_words: str = ""
    braked: int = 0
    brake_words: str = ""
    unknown: int = 0
    unknown_lately: int = 0
    deferred: int = 0
    newest_mails: int = 0
    sources: Sequence[SourceFact] = ()
    scored_at: datetime | None = None
    mailbox_read_at: datetime | None = None
    pruned_at: datetime | None = None
    schema: str = "current"
    fenced_at: datetime | None = None
    fence_words: str = ""
    set_aside: Sequence[tuple[str, datetime]] = ()


def judge(facts: Facts) -> list[Alarm]:
    """Return the alarms that hold, in the order of the rules; `since` is when each threshold was passed."""
    found = [*_schedule(facts), *_issue(facts), *_mail(facts), *_upkeep(facts), *_sources(facts)]
    order = {rule.name: place for place, rule in enumerate(alarms.RULES)}
    return sorted(found, key=lambda alarm: (order[alarm.rule.name], alarm.subject))


def _schedule(facts: Facts) -> Iterator[Alarm]:
    ticked = facts.ticked_at
    if ticked is None:
        # Since somebody looked for the first time, which what is kept of an alarm remembers.
        yield _alarm(facts, alarms.SCHEDULER_MISSING, facts.at, "No tick is on record.")
        return
    if facts.at - ticked > alarms.TICKS_STOPPED:
        yield _alarm(
            facts, alarms.SCHEDULER_STOPPED, ticked + alarms.TICKS_STOPPED, f"The last tick was at {_time(ticked)}."
        )
    elif facts.worked_at is not None and facts.at - facts.worked_at > alarms.WORKERS_SILENT:
        words = f"A worker last did what the scheduler asked at {_time(facts.worked_at)}."
        yield _alarm(facts, alarms.WORKERS_STOPPED, facts.worked_at + alarms.WORKERS_SILENT, words)


def _issue(facts: Facts) -> Iterator[Alarm]:
    issue, expected = facts.issue, facts.expected
    if expected is not None:
        on = expected.date()
        if issue is None or issue.issued_on < on:
            newest = f"the newest is of {issue.issued_on}" if issue else "there is none at all"
            words = f"There is no issue of {on}; {newest}."
            yield _alarm(facts, alarms.ISSUE_MISSING, expected + alarms.ISSUE_LATE, words)
        elif issue.issued_on == on and not issue.queued:
            words = f"The issue of {on} is frozen, and its mail is not made."
            yield _alarm(facts, alarms.ISSUE_MISSING, expected + alarms.ISSUE_LATE, words)
    if facts.unapproved is not None and issue is not None and issue.state == IssueState.HELD:
        yield _alarm(facts, alarms.ISSUE_UNAPPROVED, facts.at, f"It is the issue of {facts.unapproved}.")


def _mail(facts: Facts) -> Iterator[Alarm]:
    limits = (
        ("digest", alarms.MAIL_WAITS, alarms.DIGEST_WAITS),
        ("prompt", alarms.PROMPT_MAIL_WAITS, alarms.PROMPT_WAITS),
    )
    for queue, rule, limit in limits:
        due = facts.oldest_due.get(queue)
        if due is not None and facts.at - due > limit:
            yield _alarm(facts, rule, due + limit, f"The oldest has been due since {_time(due)}.")
    away = facts.relay_away_since
    if away is not None and facts.at - away > alarms.RELAY_AWAY:
        yield _alarm(facts, alarms.RELAY_GONE, away + alarms.RELAY_AWAY, facts.relay_words)
    if facts.braked:
        held = f"{facts.braked} {'issue is' if facts.braked == 1 else 'issues are'} held"
        yield _alarm(
            facts, alarms.BRAKED, facts.at, f"{held}: {facts.brake_words}" if facts.brake_words else f"{held}."
        )
    if facts.unknown_lately:
        words = f"{facts.unknown_lately} within the hour, {facts.unknown} in all."
        yield _alarm(facts, alarms.UNKNOWN_GROWS, facts.at, words)
    most = max(alarms.DEFERRED_FEWEST, alarms.DEFERRED_SHARE * facts.newest_mails)
    if facts.deferred > most:
        words = f"{facts.deferred} are deferred; the newest issue has {facts.newest_mails} mails."
        yield _alarm(facts, alarms.DEFERRALS, facts.at, words)


def _upkeep(facts: Facts) -> Iterator[Alarm]:
    ages = (
        (alarms.SCORES_STALE, facts.scored_at, alarms.SCORES_OLD),
        (alarms.MAILBOX_QUIET, facts.mailbox_read_at, alarms.MAILBOX_SILENT),
        (alarms.UNPRUNED, facts.pruned_at, alarms.NOT_PRUNED),
    )
    for rule, done, limit in ages:
        if done is not None and facts.at - done > limit:
            yield _alarm(facts, rule, done + limit, f"It was done last at {_time(done)}.")
    if facts.schema != "current":
        yield _alarm(facts, alarms.SCHEMA_BEHIND, facts.at, f"The schema is {facts.schema}.")
    if facts.fenced_at is not None and facts.at - facts.fenced_at <= alarms.RESTORED_FOR:
        yield _alarm(facts, alarms.RESTORED, facts.fenced_at, facts.fence_words)
    for name, since in facts.set_aside:
        rule = alarms.MAIL_SET_ASIDE if name in _NEEDED else alarms.TASK_SET_ASIDE
        yield _alarm(facts, rule, since, f"It is not tried any more since {_time(since)}.", subject=name)


def _sources(facts: Facts) -> Iterator[Alarm]:
    """Speak of a source once, whichever of its scopes are in trouble: an outage meets them all."""
    judged = [(rule, since, one) for one in facts.sources for rule, since in _source(facts, one)]
    judged.sort(key=lambda each: (each[2].source, each[0].name))
    for (source, name), alike in groupby(judged, key=lambda each: (each[2].source, each[0].name)):
        members = [(since, one) for _rule, since, one in alike]
        scopes = ", ".join(one.scope for _since, one in members)
        reason = next(filter(None, (one.reason for _since, one in members)), "")
        last = min((one.last_ok for _since, one in members if one.last_ok is not None), default=None)
        words = f"{scopes}; {f'last read well at {_time(last)}' if last else 'never read well'}."
        since = min(since for since, _one in members)
        yield _alarm(facts, alarms.RULE_OF[name], since, f"{words} {reason}".strip(), subject=source)


def _source(facts: Facts, one: SourceFact) -> Iterator[tuple[Rule, datetime]]:
    since = one.troubled_since
    if since is not None and facts.at - since >= alarms.SOURCE_TROUBLED and not one.slow:
        late = one.status == RunStatus.LATE
        yield alarms.SOURCE_LATE if late else alarms.SOURCE_FAILED, since + alarms.SOURCE_TROUBLED
    elif one.last_ok is not None and facts.at - one.last_ok > alarms.SOURCE_SILENT:
        yield alarms.SOURCE_QUIET, one.last_ok + alarms.SOURCE_SILENT


def _alarm(facts: Facts, rule: Rule, since: datetime, details: str, subject: str = "") -> Alarm:
    plain = " ".join(details.split())
    if len(plain) > _LONGEST:
        plain = f"{plain[: _LONGEST - 1]}…"
    return Alarm(rule=rule, since=min(since, facts.at), subject=subject, details=plain)


def _time(at: datetime) -> str:
    return f"{at:%d %b %H:%M} UTC"
