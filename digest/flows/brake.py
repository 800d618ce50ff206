"""The brake: asked while mail goes out; stops issues by itself, and goes on when somebody says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.brake import LONG, RECENT, Brake, judge
from digest.core.issue import IssueState
from digest.store import brake as store
from digest.store.admins import append_audit
from digest.store.engine import reading, writing
from digest.store.issues import move_issue

_log = structlog.get_logger(__name__)
_ITSELF = "the brake"


def brake(session: Session, now: datetime) -> Brake:
    """Judge what became of the messages of the last hours; what was before the last release counts no more."""
    released = store.released_at(session)
    long, recent = (max(now - window, released) if released else now - window for window in (LONG, RECENT))
    return judge(store.counts_since(session, long), store.counts_since(session, recent))


def apply_brake(engine: Engine, now: datetime) -> Brake:
    """Judge, and where that means to stop hold every issue that is being sent, which takes effect within one message.

    Confirmations and sign-in mails go on. What was held, and why, is recorded and in the audit log.
    """
    with reading(engine) as session:
        judged = brake(session, now)
    if not judged.stops:
        return judged
    words = "; ".join(judged.words)
    with writing(engine) as session:
        held = store.hold_running(session)
        if held:
            store.record(session, at=now, released=False, actor=_ITSELF, words=words, issue_ids=held)
            target = " ".join(f"issue {one}" for one in held)
            append_audit(session, at=now, actor=_ITSELF, action="stop", target=target, detail=words[:500])
    if held:
        _log.error("brake_stops", issues=held, words=words)
    return judged


def release_brake(engine: Engine, *, actor: str, now: datetime, ip: str = "") -> list[int]:
    """Let the issues go that the brake holds, and count anew from now; return which they were.

    Who does it takes it on themselves, and stands in the audit log.
    """
    with writing(engine) as session:
        let_go = [one for one in store.held_by_brake(session) if move_issue(session, one, IssueState.FROZEN)]
        store.record(session, at=now, released=True, actor=actor, words="", issue_ids=let_go)
        detail = " ".join(f"issue {one}" for one in let_go) or "no issue was held"
        append_audit(session, at=now, actor=actor, action="release brake", detail=detail, ip=ip)
    return let_go


class BrakeWatch:
    """Applies the brake, at most every so often: a run of many chunks need not count at each of them."""

    def __init__(self, *, every: timedelta = timedelta(seconds=15)) -> None:
        self._every = every
        self._looked_at: datetime | None = None
        self._last: Brake | None = None

    def look(self, engine: Engine, clock: Callable[[], datetime]) -> Brake:
        """Return how the brake stands, looking again where the last look is too old."""
        now = clock()
        if self._last is None or self._looked_at is None or not timedelta(0) <= now - self._looked_at < self._every:
            self._last, self._looked_at = apply_brake(engine, now), now
        return self._last
