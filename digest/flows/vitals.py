"""How the installation does, read from SQL alone: what `digest status`, the desk and the metrics show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.alarms import UNKNOWN_WITHIN
from digest.core.delivery import DeliveryState
from digest.core.warm_up import WarmUp
from digest.store import lead, vitals
from digest.store.brake import held_by_brake, why_stopped
from digest.store.engine import reading
from digest.store.epoch import epoch, newest_fence
from digest.store.lead import Lead
from digest.store.outages import Away, outage, unknown_since
from digest.store.trials import SetAside, set_aside
from digest.store.vitals import IssueStanding, SourceStanding
from digest.store.warm_up import oldest_without_room, warm_up_day

_ISSUES = 3
RELAY = "relay"  # the name of its outage
_TRIED_LATELY = timedelta(minutes=35)  # a message that broke the relay off is tried again after half an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Everything an operator looks at first, as of `at`; issues are the newest first."""

    at: datetime
    leader: Lead | None
    issues: Sequence[IssueStanding]
    oldest_due: Mapping[str, datetime | None]
    unknown: int
    deferred: Mapping[str, int]
    sources: Sequence[SourceStanding]
    scored_at: datetime | None
    mailbox_read_at: datetime | None
    chores: Mapping[str, datetime]
    braked: Sequence[int]
    brake_words: str
    unknown_lately: int
    relay_away: Away | None
    epoch: int
    fenced_at: datetime | None
    fence_words: str
    set_aside: Sequence[SetAside]

    @property
    def leads(self) -> bool:
        """Whether a scheduler leads now."""
        return self.leader is not None and self.leader.lease_until > self.at

    def age(self, since: datetime | None) -> float | None:
        """Return how many seconds ago something was."""
        return max((self.at - since).total_seconds(), 0.0) if since else None

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain values for JSON; instants in ISO form."""

        def iso(at: datetime | None) -> str | None:
            return at.isoformat() if at else None

        leader = self.leader
        return {
            "at": iso(self.at),
            "leader": leader.holder if leader and self.leads else None,
            "leading_since": iso(leader.leading_since) if leader and self.leads else None,
            "last_tick": iso(leader.ticked_at) if leader else None,
            "issues": [
                {"issued_on": one.issued_on.isoformat(), "state": one.state, "deliveries": one.counts}
                for one in self.issues
            ],
            "oldest_due": {kind: iso(at) for kind, at in self.oldest_due.items()},
            "unknown": self.unknown,
            "deferred": sum(self.deferred.values()),
            "held_by_brake": list(self.braked),
            "relay_away_since": iso(self.relay_away.since) if self.relay_away else None,
            "sources": [
                {
                    "source": one.source,
                    "scope": one.scope,
                    "status": one.status,
                    "finished_at": iso(one.finished_at),
                    "last_ok": iso(one.last_ok),
                }
                for one in self.sources
            ],
            "scored_at": iso(self.scored_at),
            "mailbox_read_at": iso(self.mailbox_read_at),
            "chores": {name: iso(at) for name, at in self.chores.items()},
            "set_aside": [one.as_plain() for one in self.set_aside],
            "restored": {"times": self.epoch, "at": iso(self.fenced_at), "words": self.fence_words},
        }


def take_vitals(engine: Engine, now: datetime, warm_up: WarmUp | None) -> Vitals:
    """Read how everything stands, in a dozen statements of which none reads a whole table of deliveries.

    Where `warm_up` has used up the day's room, the digests that wait for it are not late.
    """
    with reading(engine) as session:
        fenced = newest_fence(session)
        return Vitals(
            at=now,
            leader=lead.lead(session),
            issues=vitals.newest_issues(session, _ISSUES),
            oldest_due=_oldest_due(session, now, warm_up),
            unknown=vitals.count_state(session, DeliveryState.UNKNOWN),
            deferred=vitals.deferred_by_domain(session),
            sources=vitals.source_standings(session),
            scored_at=vitals.newest_score(session),
            mailbox_read_at=vitals.mailbox_read(session),
            chores=vitals.chores(session),
            braked=held_by_brake(session),
            brake_words=why_stopped(session),
            unknown_lately=unknown_since(session, now - UNKNOWN_WITHIN),
            relay_away=outage(session, RELAY, seen_since=now - _TRIED_LATELY),
            epoch=epoch(session),
            fenced_at=fenced[0] if fenced else None,
            fence_words=fenced[1] if fenced else "",
            set_aside=set_aside(session),
        )


def _oldest_due(session: Session, now: datetime, warm_up: WarmUp | None) -> Mapping[str, datetime | None]:
    due = vitals.oldest_due(session, now)
    if warm_up is not None and warm_up_day(session, warm_up, now).room == 0:
        return {**due, "digest": oldest_without_room(session, now)}
    return due
