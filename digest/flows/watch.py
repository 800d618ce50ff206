"""The watch: look how everything stands, and tell somebody what is wrong, once, and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.alarm import Alarm, Severity
from digest.core.alarms import RULE_OF, WORKERS_STOPPED
from digest.core.plan import WATCH_EVERY
from digest.core.telling import Known, Step, rule_name, step_of, title_of
from digest.core.watch import judge
from digest.errors import ConfigError
from digest.flows.facts import WATCH, Duties, gather
from digest.flows.vitals import Vitals
from digest.store import admins
from digest.store import alarms as store
from digest.store.alarms import Kept
from digest.store.engine import reading, writing
from digest.store.notices import add_notice
from digest.store.prune import chore_done, note_chore
from digest.tokens import address_key

_KEPT = timedelta(days=30)  # an alarm after its end was told
_STOOD_IN = "watch by the site"
_MOST_TOLD = 20  # alarms in one notice
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a look has told of: keys of alarms that began, and of those that are over; empty where nothing is new."""

    began: Sequence[str] = ()
    over: Sequence[str] = ()
    notice_id: int | None = None
    mails: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Watchman:
    """Who looks, and on whose behalf.

    `owners` are mailed beside the accounts of the desk, `posts` says that a webhook is set. `kick` lets a worker look
    at once for the mail that was queued.
    """

    engine: Engine
    clock: Callable[[], datetime]
    duties: Duties
    base_url: str
    site_name: str
    owners: Sequence[str] = ()
    posts: bool = False
    kick: Callable[[], None] = field(default=lambda: None)

    def look(self, *, worker: bool) -> tuple[Told, Vitals]:
        """Judge, keep what holds, and queue what is to be told, in one transaction; of several who look one tells.

        A `worker` notes that workers do what the scheduler asks. What was seen before what is kept changes nothing.
        """
        facts, vitals = gather(self.engine, self.duties, self.clock())
        now = facts.at
        holding = {alarm.key: alarm for alarm in judge(facts)}
        if worker:
            # Told before it is noted below: this very look is what the alarm was missing.
            holding.pop(WORKERS_STOPPED.name, None)
        with writing(self.engine) as session:
            store.watch_alone(session)
            seen = _last_look(session)
            if seen is not None and now < seen < now + 2 * WATCH_EVERY:  # one far ahead is a clock's fault
                return Told(), vitals
            note_chore(session, WATCH if worker else _STOOD_IN, now, "")
            told = self._tell(session, holding, now)
            store.forget_ended(session, now - _KEPT)
        for key in told.began:
            _log.error("alarm", alarm=key, details=holding[key].details)
        for key in told.over:
            _log.info("alarm_over", alarm=key)
        if told.mails:
            self.kick()
        return told, vitals

    def overdue(self) -> bool:
        """Tell whether nobody has looked for two watches: then whoever asks should."""
        now = self.clock()
        with reading(self.engine) as session:
            newest = _last_look(session)
        return newest is None or now - newest >= 2 * WATCH_EVERY or newest > now + 2 * WATCH_EVERY

    def tell_trial(self) -> Told:
        """Queue a trial alert by every way that is set; raises ConfigError where there is none."""
        now = self.clock()
        with writing(self.engine) as session:
            addresses = self._addresses(session)
            if not addresses and not self.posts:
                raise ConfigError("nobody would be told: set DIGEST_ADMINS, or DIGEST_ALERT_WEBHOOK, or both")
            body = self._body("trial", [], [], now)
            notice_id, mails = add_notice(session, body, addresses, posted=self.posts, now=now)
        self.kick()
        return Told(notice_id=notice_id, mails=mails)

    def _tell(self, session: Session, holding: Mapping[str, Alarm], now: datetime) -> Told:
        began: list[str] = []
        over: list[str] = []
        kept = store.kept_alarms(session)
        for key in sorted(kept.keys() | holding.keys()):
            known, alarm = kept.get(key), holding.get(key)
            if _take_step(session, key, known, alarm, now):
                (began if alarm is not None else over).append(key)
        if not began and not over:
            return Told()
        kept = store.kept_alarms(session)
        told = [_shown(self.base_url, _line(kept[key])) for key in began]
        ended = [_shown(self.base_url, _line(kept[key])) for key in over]
        told.sort(key=lambda one: (one["severity"] != Severity.PAGE, one["since"]))
        body = self._body("alarm" if began else "over", told, ended, now)
        notice_id, mails = add_notice(session, body, self._addresses(session), posted=self.posts, now=now)
        return Told(began=began, over=over, notice_id=notice_id, mails=mails)

    def _body(
        self, kind: str, told: list[dict[str, Any]], ended: list[dict[str, Any]], now: datetime
    ) -> dict[str, Any]:
        return {
            "kind": kind,
            "site": self.site_name,
            "desk": f"{self.base_url}/admin/",
            "at": now.isoformat(),
            "alarms": told[:_MOST_TOLD],
            "over": ended[:_MOST_TOLD],
            "left_out": max(len(told) - _MOST_TOLD, 0) + max(len(ended) - _MOST_TOLD, 0),
        }

    def _addresses(self, session: Session) -> list[str]:
        """Return whom alerts are mailed to: the owners of the settings and the accounts of the desk, each once."""
        everybody = [*self.owners, *(account.address for account in admins.accounts(session))]
        return list({address_key(one): one for one in reversed(everybody)}.values())[::-1]


def _take_step(session: Session, key: str, kept: Kept | None, alarm: Alarm | None, now: datetime) -> bool:
    """Bring what is kept of an alarm up to date; True for whoever is to tell of it, or of its end."""
    known: Known | None = kept.known if kept else None
    step = step_of(known, alarm, now)
    if step is Step.BEGIN and alarm is not None:
        store.begin_alarm(session, alarm, now)
        fresh = Known(key=key, since=alarm.since)
        step = step_of(fresh, alarm, now)
    if alarm is not None and step is not Step.BEGIN:
        store.see_alarm(session, alarm, now)
    match step:
        case Step.TELL:
            return store.claim_telling(session, key, now)
        case Step.TELL_END:
            return store.claim_telling_end(session, key, now)
        case Step.FORGET:
            store.forget_alarm(session, key)
        case Step.PAUSE:
            store.pause_alarm(session, key, now)
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An alarm as the desk and the command list it."""

    key: str
    severity: str
    title: str
    details: str
    since: datetime
    told_at: datetime | None
    over_at: datetime | None
    what_to_do: str
    page: str

    @property
    def wakes(self) -> bool:
        """Whether somebody should be woken for it."""
        return self.severity == Severity.PAGE

    def as_plain(self) -> dict[str, Any]:
        """Return the line as plain values for JSON; instants in ISO form."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in plain.items()}


def open_alarms(session: Session) -> list[Line]:
    """List the alarms that hold, or ended less than an hour ago, those that wake somebody first."""
    lines = [_line(kept) for kept in store.kept_alarms(session).values() if not kept.known.is_over]
    return sorted(lines, key=lambda one: (one.over_at is not None, not one.wakes, one.since))


def _line(kept: Kept) -> Line:
    known = kept.known
    rule = RULE_OF.get(rule_name(known.key))  # None for a rule of another version
    return Line(
        key=known.key,
        severity=kept.severity,
        title=title_of(known.key),
        details=kept.details,
        since=known.since,
        told_at=known.told_at,
        over_at=known.over_at,
        what_to_do=rule.doing if rule else "",
        page=rule.page if rule else "/admin/",
    )


def _shown(base_url: str, line: Line) -> dict[str, Any]:
    """Say what a notice says of an alarm, in plain values: what is told once stays as it was told."""
    return {
        "alarm": line.key,
        "severity": line.severity,
        "title": line.title,
        "details": line.details,
        "since": line.since.isoformat(),
        "over_at": line.over_at.isoformat() if line.over_at else None,
        "what_to_do": "" if line.over_at else line.what_to_do,
        "link": f"{base_url}{line.page}",
    }


def _last_look(session: Session) -> datetime | None:
    """Return when somebody looked last, a worker or a site that stood in."""
    return max(filter(None, (chore_done(session, name) for name in (WATCH, _STOOD_IN))), default=None)
