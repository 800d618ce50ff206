"""What is past its time: which rows, and their deletion some at a time.

Never what a constraint or a decision still rests on: a delivery as long as its papers must not come again, the newest
value of each signal, the newest runs of each scope, a run that listings name or whose bytes would be known again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, delete, exists, func, select, update
from sqlmodel import Session

from digest.core.capture import RunStatus
from digest.core.delivery import FINAL, DeliveryKind
from digest.core.retention import RUNS_OF_A_SCOPE, SCORES, SESSIONS, SPECIMENS, SPENT_TOKENS, Retention
from digest.store.dialects import changed, insert_into, table_of
from digest.store.tables import (
    AdminSession,
    AlertMail,
    AlertNotice,
    Chore,
    Delivery,
    Heartbeat,
    IngestRun,
    IssueRow,
    ListingRow,
    MailboxAside,
    ObservationRow,
    RejectedRecord,
    Score,
    SpecimenLetter,
    SpentToken,
)

_delivery, _issue, _observation = table_of(Delivery), table_of(IssueRow), table_of(ObservationRow)
_run, _listing, _rejected = table_of(IngestRun), table_of(ListingRow), table_of(RejectedRecord)
_session, _spent, _score, _aside = (table_of(each) for each in (AdminSession, SpentToken, Score, MailboxAside))
_specimen = table_of(SpecimenLetter)
_notice, _told, _beat = table_of(AlertNotice), table_of(AlertMail), table_of(Heartbeat)
_READ_WELL = (RunStatus.OK, RunStatus.QUIET)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of row that is deleted once `past` holds of it; with `keyset` what stays is passed over once only."""

    name: str
    table: Table
    key: Column[Any]
    past: Sequence[ColumnElement[bool]]
    keyset: bool = False


def kinds(keep: Retention, now: datetime) -> list[Kind]:
    """List what may be deleted now, in an order in which nothing is deleted before what refers to it."""
    sent_before = now - keep.deliveries
    ran_before = now - keep.runs
    old_issue = select(_issue.c.id).where(_issue.c.issued_on < sent_before.date())
    settled = _delivery.c.state.in_(FINAL)
    digests = (settled, _delivery.c.issue_id.in_(old_issue), _delivery.c.due_at < sent_before)
    letters = (
        settled,
        _delivery.c.kind.in_(
            [kind for kind in DeliveryKind if kind not in (DeliveryKind.DIGEST, DeliveryKind.WELCOME)]
        ),
        _delivery.c.issue_id.is_(None),
        _delivery.c.due_at < sent_before,
    )
    old_notice = select(_notice.c.id).where(_notice.c.created_at < sent_before)
    old_run = select(_run.c.id).where(_run.c.started_at < ran_before)
    return [
        Kind("observations", _observation, _observation.c.id, _superseded(now - keep.observations), keyset=True),
        Kind("scores", _score, _score.c.id, (_score.c.as_of < now - SCORES,)),
        Kind("test letters", _specimen, _specimen.c.delivery_id, (_specimen.c.made_at < now - SPECIMENS,)),
        Kind("digests and welcomes", _delivery, _delivery.c.id, digests),
        Kind("other mails", _delivery, _delivery.c.id, letters),
        Kind("mails of alerts", _told, _told.c.delivery_id, (_told.c.notice_id.in_(old_notice),)),
        Kind("alerts", _notice, _notice.c.id, (_notice.c.created_at < sent_before,)),
        Kind("heartbeats", _beat, _beat.c.day, (_beat.c.day < sent_before.date(),)),
        Kind("spent links", _spent, _spent.c.token_hash, (_spent.c.spent_at < now - SPENT_TOKENS,)),
        Kind("sessions", _session, _session.c.token_hash, (_session.c.expires_at < now - SESSIONS,)),
        Kind("records set aside", _rejected, _rejected.c.id, (_rejected.c.run_id.in_(old_run),)),
        Kind("mail set aside", _aside, _aside.c.id, (_aside.c.at < ran_before,)),
        Kind("runs", _run, _run.c.id, _forgettable_run(ran_before), keyset=True),
    ]


def _superseded(before: datetime) -> tuple[ColumnElement[bool], ...]:
    newer = _observation.alias("newer")
    same = [newer.c[name] == _observation.c[name] for name in ("paper_id", "signal", "source")]
    return _observation.c.at < before, exists().where(*same, newer.c.at > _observation.c.at)


def _forgettable_run(before: datetime) -> tuple[ColumnElement[bool], ...]:
    newer = _run.alias("newer")
    later = [newer.c.source == _run.c.source, newer.c.scope == _run.c.scope, newer.c.id > _run.c.id]
    return (
        _run.c.started_at < before,
        _run.c.content_hash == "",  # by these bytes a file that is read again is known
        ~exists().where(_listing.c.run_id == _run.c.id),
        ~exists().where(_rejected.c.run_id == _run.c.id),
        exists().where(*later, newer.c.status.in_(_READ_WELL)),
        select(newer.c.id).where(*later).offset(RUNS_OF_A_SCOPE - 1).limit(1).correlate(_run).exists(),
    )


def count_past(session: Session, kind: Kind) -> int:
    """Count what would be deleted."""
    return session.connection().scalar(select(func.count()).select_from(kind.table).where(*kind.past)) or 0


def delete_past(session: Session, kind: Kind, *, after: Any, limit: int) -> tuple[int, Any]:
    """Delete up to `limit` rows; return how many, and after which key to go on: None where there are no more."""
    chosen = select(kind.key).where(*kind.past).limit(limit)
    if kind.keyset:
        chosen = chosen.order_by(kind.key)
        if after is not None:
            chosen = chosen.where(kind.key > after)
    keys = list(session.connection().scalars(chosen))
    if not keys:
        return 0, None
    # What holds of a row is asked once more: somebody may have changed it meanwhile.
    gone = changed(session, delete(kind.table).where(kind.key.in_(keys), *kind.past))
    return gone, keys[-1] if len(keys) == limit else None


def note_chore(session: Session, name: str, now: datetime, words: str) -> None:
    """Note that a piece of housekeeping is done."""
    table = table_of(Chore)
    row = {"name": name, "done_at": now, "words": words}
    known = insert_into(session, table).values(row).on_conflict_do_nothing()
    if changed(session, known) == 0:
        changed(session, update(table).where(table.c.name == name).values(done_at=now, words=words))


def chore_done(session: Session, name: str) -> datetime | None:
    """Return when a piece of housekeeping was done last."""
    table = table_of(Chore)
    at: datetime | None = session.connection().scalar(select(table.c.done_at).where(table.c.name == name))
    return at
