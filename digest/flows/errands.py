"""Ask a source to be read now, or from a date on, and do it: once, at its pace, from where it was left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.asker import Asker
from digest.core.capture import Cursor, RunStatus
from digest.core.errands import (
    BACKFILL_ORIGIN,
    MOST_FAILURES,
    SLICE,
    Cost,
    ErrandKind,
    Outcome,
    Reach,
    again_at,
    check_since,
    checked_cost,
)
from digest.errors import DeedRefused
from digest.flows.ingest import LiveSource, Report, ingest_live
from digest.sources.meter import Meter
from digest.store import errands as store
from digest.store.admins import append_audit
from digest.store.conditions import held_services
from digest.store.engine import reading, writing
from digest.store.errands import Errand
from digest.store.runs import listed_since

if TYPE_CHECKING:
    import httpx

_LATELY = timedelta(days=7)
_USUAL = {"arxiv-api": 150.0, "arxiv-oai": 1_500.0}  # listings a day, where no run has shown how many there are


class DeepSource(LiveSource, Protocol):
    """A live source that may be read from an earlier date on."""

    def reach_back(self, since: date, today: date, a_day: float) -> Reach:
        """Say how to read from a day on, where it lists `a_day`; raises DeedRefused for days out of reach."""


def ask_to_run(engine: Engine, source: str, scope: str, asker: Asker) -> str:
    """Ask for a source to be read now, once; return the answer in words."""
    return _ask(engine, source, scope, ErrandKind.RUN, asker)


def cost_of(engine: Engine, source: DeepSource, scope: str, since: date, *, pace: float, now: datetime) -> Cost:
    """Say what filling in from a date on would cost; raises DeedRefused for what cannot be, or is too much."""
    return checked_cost(_reach(engine, source, scope, since, now), pace)


def ask_to_fill_in(engine: Engine, source: DeepSource, scope: str, since: date, asker: Asker, *, pace: float) -> str:
    """Ask for a source to be read from a date on, once; return the answer in words. Raises DeedRefused as `cost_of`."""
    reach = _reach(engine, source, scope, since, asker.now)
    cost = checked_cost(reach, pace)
    return _ask(engine, source.name, scope, ErrandKind.BACKFILL, asker, since=since, reach=reach, cost=cost)


def stop(engine: Engine, source: str, scope: str, asker: Asker) -> None:
    """End the back-fill of a source at its next page; what it read stays. Raises DeedRefused where none is open."""
    with writing(engine) as session:
        found = store.open_errand(session, source, scope, [ErrandKind.BACKFILL])
        words = f"by {asker.actor}"
        if found is None or not store.end(session, found, Outcome.STOPPED, words, asker.now):
            raise DeedRefused("no back-fill of this source is open")
        target = f"{source} {scope}"
        append_audit(session, at=asker.now, actor=asker.actor, action="stop back-fill", target=target, ip=asker.ip)


def _reach(engine: Engine, source: DeepSource, scope: str, since: date, now: datetime) -> Reach:
    check_since(since, now.date())
    with reading(engine) as session:
        listed = listed_since(session, source.name, scope, now - _LATELY)
    return source.reach_back(since, now.date(), listed / _LATELY.days or _USUAL.get(source.name, 0.0))


def _ask(
    engine: Engine,
    source: str,
    scope: str,
    kind: ErrandKind,
    asker: Asker,
    *,
    since: date | None = None,
    reach: Reach = Reach("", 1),  # noqa: B008  # a tuple
    cost: Cost | None = None,
) -> str:
    now = asker.now
    with writing(engine) as session:
        held = held_services(session, now).get(source)
        asked = store.ask(
            session,
            source,
            scope,
            kind,
            actor=asker.actor,
            now=now,
            next_at=max(now, held or now),
            since=since,
            position=reach.position,
            expected=reach.requests,
        )
        if not asked:
            before = store.open_errand(session, source, scope, [kind])
            by = f" by {before.asked_by} at {before.asked_at:%H:%M} UTC" if before else ""
            return f"asked already{by}, and not done yet"
        words = (
            "asked"
            if held is None
            else f"asked; {source} wants no request before {held:%d %b %H:%M} UTC, and is read then"
        )
        detail = f"from {since}, {cost.words}" if cost else ""
        action = "run source" if kind is ErrandKind.RUN else "back-fill"
        target = f"{source} {scope}"
        append_audit(session, at=now, actor=asker.actor, action=action, target=target, detail=detail, ip=asker.ip)
    return words


class Ran(Protocol):
    """How one reading ended."""

    @property
    def status(self) -> RunStatus:
        """How it ended."""

    @property
    def reason(self) -> str:
        """Why so."""


@dataclass(frozen=True, slots=True)
class Doers:
    """What does errands: `run` reads once and records it, `fill_in` is what reads from a date on."""

    run: Callable[[], Ran]
    fill_in: tuple[LiveSource, httpx.Client] | None = None


def do_errands(
    engine: Engine,
    source: str,
    scope: str,
    doers: Doers,
    *,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Do what is due of a source in a scope; a back-fill for five minutes at a time. Return whether more is due now."""
    with writing(engine) as session:
        errand = store.take(session, source, scope, clock())
        held = held_services(session, clock()).get(source)
        if errand is not None and held is not None:  # it asked to be left alone since
            store.put_off(session, errand, held, f"{source} wants no request until then", failures=errand.failures)
            return False
    if errand is None:
        return False
    try:
        if errand.kind == ErrandKind.RUN:
            ran = doers.run()
            outcome = Outcome.FAILED if ran.status is RunStatus.FAILED else Outcome.DONE
            with writing(engine) as session:
                store.end(session, errand, outcome, ran.reason, clock())
        elif doers.fill_in is None:
            with writing(engine) as session:
                store.end(session, errand, Outcome.FAILED, f"{source} cannot be read from a date on", clock())
        else:
            _fill_in(engine, errand, *doers.fill_in, clock=clock, stopping=stopping)
    except Exception as surprise:
        _failed(engine, errand, f"unexpected {type(surprise).__name__}", errand.failures + 1, clock())
        raise
    with reading(engine) as session:
        return (source, scope) in store.due_errands(session, clock())


def _fill_in(
    engine: Engine,
    errand: Errand,
    source: LiveSource,
    client: httpx.Client,
    *,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool],
) -> None:
    """Go on with a back-fill; what stops it, at any instant, leaves it to go on from its newest page."""
    mark = _Mark(errand, clock() + SLICE, stopping)
    with mark.meter.listening(client, clock()):
        report = ingest_live(engine, source, client, errand.scope, clock=clock, bookmark=mark)
    now = clock()
    if report.status is RunStatus.FAILED:
        _failed(engine, errand, report.reason, (0 if mark.pages else errand.failures) + 1, now)
        return
    with writing(engine) as session:
        if mark.cut_short:
            store.put_off(session, errand, now, "", failures=0)
        else:
            store.end(session, errand, Outcome.DONE, report.reason, now)


def _failed(engine: Engine, errand: Errand, words: str, failures: int, now: datetime) -> None:
    """Put an errand off after a failure, or end it after too many in a row."""
    with writing(engine) as session:
        held = held_services(session, now).get(errand.source)
        if failures >= MOST_FAILURES:
            store.end(session, errand, Outcome.FAILED, words, now)
        else:
            store.put_off(session, errand, again_at(failures, now, held), words, failures=failures)


@dataclass(slots=True)
class _Mark:
    """The bookmark of a back-fill: its own cursor, beside that of the day's runs."""

    errand: Errand
    until: datetime
    stopping: Callable[[], bool]
    meter: Meter = field(default_factory=Meter)
    pages: int = 0
    cut_short: bool = False
    listings: int = 0
    papers_new: int = 0

    @property
    def origin(self) -> str:
        return f"{BACKFILL_ORIGIN} from {self.errand.since}"

    def load(self, _session: Session) -> Cursor:
        return Cursor(self.errand.position)

    def save(self, session: Session, cursor: Cursor, report: Report, now: datetime) -> bool:
        self.pages += 1
        going_on = store.advance(
            session,
            self.errand,
            cursor.position,
            requests=self.meter.requests,
            listings=report.listings - self.listings,
            papers_new=report.papers_new - self.papers_new,
            now=now,
        )
        self.meter.clear()
        self.listings, self.papers_new = report.listings, report.papers_new
        # A source that reads backwards has nothing to go on from before its last page: it is let finish.
        moved = cursor.position != self.errand.position
        self.cut_short = going_on and ((moved and now >= self.until) or self.stopping())
        return going_on and not self.cut_short
