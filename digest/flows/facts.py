"""Gather what the alarms are judged by: the vitals, and what nobody else asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from digest.core.alarms import ISSUE_LATE
from digest.core.edits import in_force
from digest.core.issue import IssueState
from digest.core.redaction import without_secrets
from digest.core.warm_up import WarmUp
from digest.core.watch import Facts, IssueFact, SourceFact
from digest.flows.prune import CHORE as PRUNED
from digest.flows.vitals import Vitals, take_vitals
from digest.store.edits import edits_of
from digest.store.engine import reading
from digest.store.outages import Newest, anything_to_show, newest_issue, troubles
from digest.store.schema import SchemaState, schema_state
from digest.store.scores import WINDOW

WATCH = "watch"  # the chore that a worker does when the scheduler asks for it
Scope = tuple[str, str]
_LONGEST_NAME = 80  # characters of a task's


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What an installation is meant to do: what it reads live, and asks, by when an issue is made, and of whom.

    `last_cut_off` returns the last one that has passed at an instant, `schema` how the database's stands to the code.
    """

    last_cut_off: Callable[[datetime], datetime]
    scopes: Sequence[Scope] = ()
    services: Sequence[Scope] = ()
    approval: bool = False
    mailbox: bool = False
    warm_up: WarmUp | None = None
    schema: Callable[[Engine], str] = schema_state

    @property
    def asked(self) -> frozenset[Scope]:
        """What is read or asked without anybody's doing, so that its silence is news."""
        return frozenset((*self.scopes, *self.services))


def gather(engine: Engine, duties: Duties, now: datetime) -> tuple[Facts, Vitals]:
    """Read how everything stands, and what is to be judged of it; words from outside name no address."""
    vitals = take_vitals(engine, now, duties.warm_up)
    expected = duties.last_cut_off(now - ISSUE_LATE)
    with reading(engine) as session:
        newest = newest_issue(session)
        shown = anything_to_show(session, expected - WINDOW)
        troubled = troubles(session, duties.scopes)
        unapproved = _unapproved(newest, duties, vitals)
        if unapproved is not None:
            amount = in_force(edits_of(session, unapproved))
            unapproved = None if amount.approved_by or amount.held_by else unapproved
    stood = {(one.source, one.scope): one for one in vitals.sources}
    sources = []
    for source, scope in (*duties.scopes, *duties.services):
        known = stood.get((source, scope))
        trouble = troubled.get((source, scope))
        if known is None and trouble is None:
            continue  # it was never asked: an installation that is being set up, or a category that is new
        sources.append(
            SourceFact(
                source=source,
                scope=scope,
                status=trouble.status if trouble else "",
                last_ok=known.last_ok if known else None,
                troubled_since=trouble.since if trouble else None,
                reason=_plain(trouble.reason) if trouble else "",
                slow=(source, scope) in duties.services,
            )
        )
    leader = vitals.leader
    facts = Facts(
        at=now,
        ticked_at=leader.ticked_at if leader else None,
        worked_at=vitals.chores.get(WATCH),
        expected=expected if shown else None,
        issue=IssueFact(issued_on=newest.issued_on, state=newest.state, queued=newest.queued_at is not None)
        if newest
        else None,
        unapproved=unapproved,
        oldest_due=vitals.oldest_due,
        relay_away_since=vitals.relay_away.since if vitals.relay_away else None,
        relay_words=_plain(vitals.relay_away.words) if vitals.relay_away else "",
        braked=len(vitals.braked),
        brake_words=_plain(vitals.brake_words),
        unknown=vitals.unknown,
        unknown_lately=vitals.unknown_lately,
        deferred=sum(vitals.deferred.values()),
        newest_mails=sum(vitals.issues[0].counts.values()) if vitals.issues else 0,
        sources=sources,
        scored_at=vitals.scored_at,
        mailbox_read_at=vitals.mailbox_read_at if duties.mailbox else None,
        pruned_at=vitals.chores.get(PRUNED),
        schema=_schema(engine, duties),
        fenced_at=vitals.fenced_at,
        fence_words=_plain(vitals.fence_words),
        set_aside=[(_plain(one.name)[:_LONGEST_NAME], one.at) for one in vitals.set_aside],
    )
    return facts, vitals


def _unapproved(newest: Newest | None, duties: Duties, vitals: Vitals) -> date | None:
    """Return the date of an issue that may wait for an approval: what the brake or a restore holds waits for others."""
    if not duties.approval or newest is None or newest.state != IssueState.HELD or vitals.braked:
        return None
    frozen_before = duties.last_cut_off(vitals.at) - timedelta(days=1)
    return newest.issued_on if newest.issued_on >= frozen_before.date() else None


def _schema(engine: Engine, duties: Duties) -> str:
    try:
        return str(duties.schema(engine))
    except (SQLAlchemyError, OSError):  # of the code's own files, in the midst of an upgrade
        return str(SchemaState.CURRENT)


def _plain(words: str) -> str:
    return without_secrets(words, lambda _address: "an address")
