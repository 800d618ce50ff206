"""The alarms: what each means, from when on it is one, what to do, and where at the desk.

The thresholds stand here and nowhere else: the table of docs/operations.md is made from them, and a test holds the
rules for Prometheus against them.
"""

from __future__ import annotations

from datetime import timedelta

from digest.core.alarm import Rule, Severity

TICKS_STOPPED = timedelta(minutes=3)
WORKERS_SILENT = timedelta(minutes=15)  # three of the watches that the scheduler asks a worker for
ISSUE_LATE = timedelta(minutes=30)
RELAY_AWAY = timedelta(minutes=5)
DIGEST_WAITS = timedelta(hours=1)
PROMPT_WAITS = timedelta(minutes=10)
UNKNOWN_WITHIN = timedelta(hours=1)
DEFERRED_FEWEST, DEFERRED_SHARE = 20, 0.05
SOURCE_TROUBLED = timedelta(hours=1)
SOURCE_SILENT = timedelta(hours=26)
SCORES_OLD = timedelta(hours=3)
MAILBOX_SILENT = timedelta(hours=1)
NOT_PRUNED = timedelta(days=3)
RESTORED_FOR = timedelta(days=1)
# A condition that comes back within this time is the same one: its end is told only once it has lasted so long.
SETTLED = timedelta(hours=1)


def span(time: timedelta) -> str:
    """Write a length of time as people say it: 3 minutes, 1 hour, 26 hours, 3 days."""
    minutes = round(time.total_seconds() / 60)
    for size, unit in ((2 * 1440, "day"), (60, "hour")):
        if minutes >= size:
            number = minutes // (1440 if unit == "day" else 60)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


_DELIVERIES, _SOURCES, _TOMORROW = "/admin/deliveries", "/admin/sources", "/admin/"

SCHEDULER_STOPPED = Rule(
    name="scheduler-stopped",
    severity=Severity.PAGE,
    title="The scheduler has stopped",
    when=f"no tick has come to its end for {span(TICKS_STOPPED)}",
    what_to_do="See whether a scheduler runs, and start one (`digest scheduler`, or `digest up`). If one runs, its "
    "log says why it does not tick: mostly the database or the broker does not answer.",
    page=_DELIVERIES,
)
SCHEDULER_MISSING = Rule(
    name="scheduler-missing",
    severity=Severity.PAGE,
    title="No scheduler has ever run",
    when="a site or a worker runs, and no tick has ever come to its end",
    what_to_do="Start one (`digest scheduler`, or `digest up`): until then no source is read, no issue is made and no "
    "mail goes out by itself. If one runs, does it have the same `DIGEST_DATABASE_URL`?",
    page=_DELIVERIES,
    patience=timedelta(hours=1),  # of being set up
)
WORKERS_STOPPED = Rule(
    name="workers-stopped",
    severity=Severity.PAGE,
    title="No worker takes work",
    when=f"the scheduler ticks, and no worker has done what it asked for {span(WORKERS_SILENT)}",
    what_to_do="See whether workers run, reach the broker (`digest doctor`) and take from the queue `send`; "
    "restart them. What is due waits in the database, and nothing is lost.",
    page=_DELIVERIES,
)
ISSUE_MISSING = Rule(
    name="issue-missing",
    severity=Severity.PAGE,
    title="Today's issue is not frozen",
    when=f"{span(ISSUE_LATE)} after the cut-off there is no issue of the day, or its mail has not been made",
    what_to_do="Look for the task `compose` in a worker's log. By hand: `digest compose`. If the database was "
    "restored, first find out whether the issue was mailed (`digest status` says when it was restored).",
    page=_TOMORROW,
)
ISSUE_UNAPPROVED = Rule(
    name="issue-unapproved",
    severity=Severity.PAGE,
    title="Today's issue waits for an approval",
    when="with DIGEST_APPROVAL an issue was frozen, and nobody has approved it",
    what_to_do="Read it at the desk and approve it there, or with `digest issue approve`. Readers whose hour has "
    "passed get it at once.",
    page=_TOMORROW,
)
MAIL_WAITS = Rule(
    name="mail-waits",
    severity=Severity.PAGE,
    title="Digests wait",
    when=f"a digest has been due for more than {span(DIGEST_WAITS)}",
    what_to_do="Is an issue held (the desk says so)? Do workers run? Does the relay answer (`digest doctor`)? What "
    "is not sent by the next issue expires, and is not sent late.",
    page=_DELIVERIES,
    patience=timedelta(minutes=10),
)
PROMPT_MAIL_WAITS = Rule(
    name="prompt-mail-waits",
    severity=Severity.PAGE,
    title="Somebody waits for a mail",
    when=f"a mail that somebody waits for (a confirmation, a sign-in) has been due for more than {span(PROMPT_WAITS)}",
    what_to_do="Do workers run? Does the relay answer (`digest doctor`)? These mails are not held with an issue.",
    page=_DELIVERIES,
    patience=timedelta(minutes=5),
)
RELAY_GONE = Rule(
    name="relay-away",
    severity=Severity.PAGE,
    title="The relay takes no mail",
    when=f"for {span(RELAY_AWAY)} every run ended because the relay could not be reached, or refused us",
    what_to_do="Ask the relay with `digest doctor`, and mend it, or `DIGEST_SMTP_URL`; the mail waits, and goes out "
    "by itself. An alert by mail can come only then: this is what `DIGEST_ALERT_WEBHOOK` is for.",
    page=_DELIVERIES,
)
BRAKED = Rule(
    name="brake",
    severity=Severity.PAGE,
    title="The brake has stopped sending",
    when="complaints, hard bounces or refusals of who we are passed their limits, and issues are held",
    what_to_do="Find the cause first: an old list, a broken DKIM key, a blocklist (`digest brake show`, `digest "
    "doctor`). Then let it go on at the desk, or with `digest brake release`.",
    page=_DELIVERIES,
)
UNKNOWN_GROWS = Rule(
    name="unknown-grows",
    severity=Severity.TICKET,
    title="Mails of unknown fate",
    when=f"within {span(UNKNOWN_WITHIN)} deliveries have become unknown",
    what_to_do="Find out what ended the worker or its connection (`smtp_in_doubt` in the log, or a missing process). "
    "The desk lists the mails, and sends one again at the risk of a second copy.",
    page=_DELIVERIES,
)
DEFERRALS = Rule(
    name="deferrals",
    severity=Severity.TICKET,
    title="Much mail is put off",
    when=f"more than {DEFERRED_FEWEST} mails, and one in {round(1 / DEFERRED_SHARE)} of the newest issue, are deferred",
    what_to_do="The desk shows the servers' words. They are tried again by themselves. If one domain stands out, "
    "send it less at once (`DIGEST_DOMAIN_LIMITS`).",
    page=_DELIVERIES,
    patience=timedelta(minutes=30),
)
SOURCE_FAILED = Rule(
    name="source-failed",
    severity=Severity.TICKET,
    title="%(subject)s cannot be read",
    when=f"a source has failed for {span(SOURCE_TROUBLED)}",
    what_to_do="The desk shows its own words; `digest sources check` asks it once. It is asked again by itself, and "
    "what was missed is caught up. If its form has changed, a new version of Firstlight may be needed.",
    page=_SOURCES,
)
SOURCE_LATE = Rule(
    name="source-late",
    severity=Severity.TICKET,
    title="%(subject)s is late",
    when=f"for {span(SOURCE_TROUBLED)} a source has had an older day than the one that is due",
    what_to_do="Mostly the source is late itself, and is asked every hour. If today is a holiday of arXiv's that is "
    "not known here, name it in `DIGEST_ARXIV_HOLIDAYS`. The issue is made without it; what comes late is in the "
    "next one.",
    page=_SOURCES,
)
SOURCE_QUIET = Rule(
    name="source-silent",
    severity=Severity.TICKET,
    title="%(subject)s has been silent",
    when=f"a source or service that was read before has not been read well for {span(SOURCE_SILENT)}",
    what_to_do="The desk shows its own words; `digest sources check` asks each once. Does a worker take from the "
    "queues `ingest` and `signals`?",
    page=_SOURCES,
    patience=timedelta(minutes=30),
)
SCORES_STALE = Rule(
    name="scores-old",
    severity=Severity.TICKET,
    title="Papers are not scored",
    when=f"papers have not been scored for {span(SCORES_OLD)}",
    what_to_do="Does a worker take from the queue `score`? Its log says what failed.",
    page=_TOMORROW,
    patience=timedelta(minutes=15),
)
MAILBOX_QUIET = Rule(
    name="mailbox-silent",
    severity=Severity.TICKET,
    title="The bounce mailbox is not read",
    when=f"the bounce mailbox has not been read for {span(MAILBOX_SILENT)}",
    what_to_do="Ask it by hand: `digest inbound --imap` says why. Until then bounces and complaints are not heeded.",
    page=_DELIVERIES,
    patience=timedelta(minutes=15),
)
UNPRUNED = Rule(
    name="not-pruned",
    severity=Severity.TICKET,
    title="Nothing is deleted",
    when=f"what is past its time has not been deleted for {span(NOT_PRUNED)}",
    what_to_do="Do it by hand: `digest prune` says what stops it.",
    page=_DELIVERIES,
    patience=timedelta(hours=1),
)
SCHEMA_BEHIND = Rule(
    name="schema-behind",
    severity=Severity.PAGE,
    title="The database does not fit this version",
    when="the database's schema is older or newer than the version that is installed",
    what_to_do="If it is older: `digest db upgrade`, then restart. If it is newer: restart the processes of the old "
    "version. A process that is started now may refuse to work.",
    page=_TOMORROW,
    patience=timedelta(minutes=10),
)
RESTORED = Rule(
    name="restored",
    severity=Severity.PAGE,
    title="The database was restored",
    when=f"within {span(RESTORED_FOR)} the database was found restored, and was fenced",
    what_to_do="Look what may be sent: docs/operations.md, After a restore. What may have gone out is unknown, and "
    "the issues that were being sent are held.",
    page=_DELIVERIES,
)
TASK_SET_ASIDE = Rule(
    name="task-set-aside",
    severity=Severity.TICKET,
    title="A task is set aside: %(subject)s",
    when="a task has ended its worker again and again, and is not tried any more",
    what_to_do="The desk says what it said last, and so does `digest tasks list`. When the cause is mended, try it "
    "again there, or with `digest tasks retry`.",
    page="/admin/tasks",
)

MAIL_SET_ASIDE = Rule(
    name="mail-set-aside",
    severity=Severity.PAGE,
    title="No mail goes out: %(subject)s is set aside",
    when="the task that sends or sweeps has ended its worker again and again, and is not tried any more",
    what_to_do="Nobody gets mail, nor an admin a sign-in link: `digest admin link` prints one. `digest tasks list` "
    "tells the task's last words. When the cause is mended: `digest tasks retry`.",
    page="/admin/tasks",
)

RULES = (
    SCHEDULER_STOPPED,
    SCHEDULER_MISSING,
    WORKERS_STOPPED,
    ISSUE_MISSING,
    ISSUE_UNAPPROVED,
    MAIL_WAITS,
    PROMPT_MAIL_WAITS,
    RELAY_GONE,
    BRAKED,
    RESTORED,
    SCHEMA_BEHIND,
    UNKNOWN_GROWS,
    DEFERRALS,
    SOURCE_FAILED,
    SOURCE_LATE,
    SOURCE_QUIET,
    SCORES_STALE,
    MAILBOX_QUIET,
    UNPRUNED,
    MAIL_SET_ASIDE,
    TASK_SET_ASIDE,
)
RULE_OF = {rule.name: rule for rule in RULES}


def manual() -> str:
    """Write the table of the alarms, in Markdown, as docs/operations.md has it."""
    lines = ["| alarm | wakes | when | what to do |", "|---|---|---|---|"]
    for rule in RULES:
        wakes = "yes" if rule.severity is Severity.PAGE else "no"
        when = f"{rule.when}, and that for {span(rule.patience)}" if rule.patience else rule.when
        lines.append(f"| `{rule.name}` | {wakes} | {when} | {rule.what_to_do} |")
    return "\n".join(lines)
