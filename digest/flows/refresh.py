"""Ask one service for the papers that are due, request by request, and keep what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.budget import held_until
from digest.core.capture import Rejection, RunStatus
from digest.core.refresh import (
    BY_REPOSITORY,
    FALLBACK_FOR,
    SCOPE,
    Finding,
    Reply,
    Subject,
    lively_since,
    next_at,
    shares,
)
from digest.errors import DigestError, RefusedInput, SourceUnavailable
from digest.sources.meter import Meter
from digest.store.authors import record_figures
from digest.store.conditions import record_refusal, record_traffic
from digest.store.engine import reading, writing
from digest.store.observations import add_observations, fault_of
from digest.store.papers import current_ids
from digest.store.refresh import due_subjects, fill_code_urls, record_answers
from digest.store.runs import begin_run, finish_run, record_rejections, run_by_id

if TYPE_CHECKING:
    import httpx

LONGEST = timedelta(minutes=8)  # of a run; what is left is due at the next
_REFUSED_IN_A_ROW = 3


class SignalService(Protocol):
    """An outside service that is asked about papers we know; it answers for up to `per_request` at once."""

    @property
    def name(self) -> str:
        """The name under which everything it says is stored."""

    @property
    def per_request(self) -> int:
        """For how many papers one request asks."""

    def ask(self, client: httpx.Client, subjects: Sequence[Subject], now: datetime) -> Mapping[int, Reply]:
        """Ask for papers, and reply by paper id; raises SourceUnavailable or RefusedInput."""

    def records(self, body: bytes, origin: str) -> list[dict[str, Any]]:
        """Return what a recorded answer says, as plain values; raises RefusedInput."""


@dataclass(slots=True, kw_only=True)
class Refreshed:
    """What one run did: papers by finding, and what was stored."""

    service: str
    status: RunStatus = RunStatus.QUIET
    reason: str = ""
    found: int = 0
    absent: int = 0
    unknown: int = 0
    observations: int = 0
    rejected: int = 0

    def as_plain(self) -> dict[str, Any]:
        """Return the report as plain values; a failed one says why under `error`."""
        names = ("service", "found", "absent", "unknown", "observations", "rejected")
        plain = {**{name: getattr(self, name) for name in names}, "status": str(self.status)}
        return {**plain, "error": self.reason} if self.status is RunStatus.FAILED else plain

    @property
    def words(self) -> str:
        """The findings in words."""
        return f"{self.found} found, {self.absent} absent, {self.unknown} unknown"


def refresh(
    engine: Engine,
    service: SignalService,
    client: httpx.Client,
    *,
    clock: Callable[[], datetime],
    limit: int,
    progress: Callable[[int, int], None] | None = None,
) -> Refreshed:
    """Ask a service for at most `limit` papers that are due, the newest first; a failure is reported, not raised.

    Each request's answer is committed before the next is asked, so that a run that stops, at any instant, goes on
    where it was. A service that is not available ends the run; a body that cannot be read leaves its papers unknown.
    """
    started = clock()
    run = _Run.begin(engine, service.name, started)
    with run.recorded(clock), run.meter.listening(client, started):
        with reading(engine) as session:
            due = due_subjects(
                session,
                service.name,
                shares(limit),
                now=started,
                lively_before=lively_since(service.name, started),
                fallback_for=FALLBACK_FOR.get(service.name, ""),
                with_repository=service.name in BY_REPOSITORY,
            )
        waiting = iter(due)
        refused = 0
        while subjects := list(islice(waiting, service.per_request)):
            now = clock()
            if now - started > LONGEST:
                run.trouble = f"stopped after {LONGEST // timedelta(minutes=1)} minutes; the rest follows"
                break
            if run.used_up(now):
                break
            try:
                replies = service.ask(client, subjects, now)
            except SourceUnavailable as fault:
                run.take_in({one.paper_id: _unknown(fault) for one in subjects}, subjects, now)
                run.hold(str(fault), held_until(fault.retry_after, now), now)
                raise
            except RefusedInput as fault:
                refused += 1
                run.take_in({one.paper_id: _unknown(fault) for one in subjects}, subjects, now)
                run.hold(str(fault), None, now)
                if refused == _REFUSED_IN_A_ROW:
                    raise
            else:
                refused = 0
                run.take_in(replies, subjects, now)
            if progress is not None:
                done = run.report
                progress(done.found + done.absent + done.unknown, len(due))
    return run.report


def _unknown(fault: DigestError) -> Reply:
    return Reply(finding=Finding.UNKNOWN, reason=str(fault))


@dataclass(slots=True, kw_only=True)
class _Run:
    engine: Engine
    id: int
    report: Refreshed
    trouble: str = ""
    meter: Meter = field(default_factory=Meter)

    @classmethod
    def begin(cls, engine: Engine, service: str, now: datetime) -> _Run:
        with writing(engine) as session:
            run_id = begin_run(session, service, SCOPE, service, now=now)
        return cls(engine=engine, id=run_id, report=Refreshed(service=service))

    @contextmanager
    def recorded(self, clock: Callable[[], datetime]) -> Iterator[None]:
        """Record how the run ended: expected failures in the report only, surprises are raised again."""
        report = self.report
        try:
            yield
        except DigestError as error:
            report.status, report.reason = RunStatus.FAILED, f"{error} ({report.words})"
        except Exception as error:
            report.status, report.reason = RunStatus.FAILED, f"unexpected {type(error).__name__}: {error}"
            raise
        except BaseException:  # a signal, or the worker's shutdown: what was not asked for is no quiet run
            report.status, report.reason = RunStatus.FAILED, f"stopped from outside ({report.words})"
            raise
        else:
            known = report.found + report.absent
            if not known and not report.unknown:
                report.status, report.reason = RunStatus.QUIET, "no paper is due"
            else:
                report.status = RunStatus.OK if known >= report.unknown else RunStatus.FAILED
                report.reason = "; ".join(filter(None, (report.words, self.trouble)))
        finally:
            now = clock()
            with writing(self.engine) as session:
                self._store_traffic(session, now)
                finish_run(session, self.id, report.status, report.reason, now=now)

    def used_up(self, now: datetime) -> bool:
        """Tell whether the service has said that no request is left, and if so leave it alone until one is."""
        budget = self.meter.budget
        if budget is None or budget.left or budget.resets_at is None or budget.resets_at <= now:
            return False
        self.trouble = f"its requests are used up until {budget.resets_at:%H:%M} UTC; the rest follows"
        self.hold(self.trouble, budget.resets_at, now)
        return True

    def hold(self, words: str, until: datetime | None, now: datetime) -> None:
        """Note for the admin why the service cannot be used, and for the plan until when."""
        with writing(self.engine) as session:
            record_refusal(session, self.report.service, words, until, now=now)

    def take_in(self, replies: Mapping[int, Reply], subjects: Sequence[Subject], now: datetime) -> None:
        """Store the replies of one request, and the run's counts so far, in one transaction."""
        report = self.report
        with writing(self.engine) as session:
            ids = current_ids(session, replies)  # a paper may have been merged into another since it was read
            rejected = [one for reply in replies.values() for one in reply.dropped]
            answers, observed, repositories = [], [], []
            for subject in subjects:
                reply = replies.get(subject.paper_id) or Reply(finding=Finding.UNKNOWN, reason="it was not answered")
                self._count(subject, reply, rejected)
                paper_id = ids.get(subject.paper_id)
                if paper_id is None:
                    continue
                again_at = next_at(report.service, subject, reply.finding, now)
                answers.append((paper_id, reply.finding, again_at, reply.named, reply.known_as))
                for one in reply.observations:
                    fault = fault_of(one)
                    if fault:
                        rejected.append(Rejection(_name(subject), fault))
                    else:
                        observed.append((paper_id, one))
                if reply.known_as and reply.finding is Finding.FOUND:
                    repositories.append((paper_id, f"https://github.com/{reply.known_as}"))
            report.observations += add_observations(session, observed)
            figures = [figure for reply in replies.values() for figure in reply.figures]
            record_figures(session, figures, report.service, now)
            record_answers(session, report.service, answers, now=now)
            fill_code_urls(session, repositories)
            record_rejections(session, self.id, rejected, report.rejected)
            report.rejected += len(rejected)
            self._store_counts(session)
            self._store_traffic(session, now)

    def _count(self, subject: Subject, reply: Reply, rejected: list[Rejection]) -> None:
        match reply.finding:
            case Finding.FOUND:
                self.report.found += 1
            case Finding.ABSENT:
                self.report.absent += 1
            case Finding.UNKNOWN:
                self.report.unknown += 1
                self.trouble = self.trouble or reply.reason
                if not reply.dropped:
                    rejected.append(Rejection(_name(subject), reply.reason))

    def _store_traffic(self, session: Session, now: datetime) -> None:
        meter = self.meter
        if meter.requests:
            record_traffic(
                session,
                self.report.service,
                requests=meter.requests,
                refused=meter.refused,
                status=meter.status,
                budget=meter.budget,
                now=now,
            )
            meter.clear()

    def _store_counts(self, session: Session) -> None:
        run = run_by_id(session, self.id)
        run.listings = self.report.found + self.report.absent + self.report.unknown
        run.observations, run.rejected = self.report.observations, self.report.rejected
        session.add(run)


def _name(subject: Subject) -> str:
    return subject.arxiv_id or next(iter(subject.repositories), f"paper {subject.paper_id}")
