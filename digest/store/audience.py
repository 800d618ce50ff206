"""Queries on deliveries by the set: who is due an issue, what has run out, how the counts stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, exists, func, literal, or_, select, text, type_coerce, union_all, update
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session

from digest.core.cadence import MINIMUM_GAP, Cadence
from digest.core.delivery import UNSETTLED, DeliveryKind, DeliveryState, NotSent, Tally
from digest.core.subscription import SubscriptionState
from digest.store.batch import dialect_of, off_index
from digest.store.deliveries import NEW_DELIVERY
from digest.store.dialects import changed, insert_new, table_of
from digest.store.tables import Delivery, IssueRow, Subscription

_delivery = table_of(Delivery)
_subscription = table_of(Subscription)
_issue = table_of(IssueRow)
ANY_WEEKDAY = -1
_GETS_DIGESTS = (SubscriptionState.CONFIRMED, SubscriptionState.PAUSED)


@dataclass(frozen=True, slots=True)
class SlotGroup:
    """The subscriptions of a time zone that share every slot; the weekday is ANY_WEEKDAY where it does not matter."""

    timezone: str
    hour: int
    cadence: str
    weekday: int


def slot_groups(session: Session) -> list[SlotGroup]:
    """List the distinct combinations of zone, hour, cadence and weekday among those who get digests."""
    columns = [_subscription.c[name] for name in ("timezone", "hour", "cadence", "weekday")]
    rows = session.connection().execute(
        select(*columns).where(_subscription.c.state.in_(_GETS_DIGESTS)).distinct().order_by(*columns)
    )
    groups = [
        SlotGroup(row.timezone, row.hour, row.cadence, row.weekday if row.cadence == Cadence.WEEKLY else ANY_WEEKDAY)
        for row in rows
    ]
    return list(dict.fromkeys(groups))


@dataclass(frozen=True, slots=True)
class Slot:
    """A group's slot: the local date it is for, its instant, and when what it queues expires."""

    group: SlotGroup
    local_date: date
    at: datetime
    until: datetime


def queue_slots(
    session: Session,
    issue_id: int,
    timezone: str,
    slots: Sequence[Slot],
    *,
    now: datetime,
    only: int | None = None,
) -> int:
    """Queue an issue for every subscription of a time zone at its slot, at most one each; return how many are new.

    `only` is the one subscriber meant, where it is not everybody.

    Left out are those confirmed after the slot, paused on that date, served (or about to be) less than 12 h
    before it, served on that date, or served with this issue (also by a welcome mail). One statement for the
    whole zone: one for each slot would look through the zone's readers a hundred times.
    """
    if not slots:
        return 0
    its = union_all(*(_row_of(slot) for slot in slots)).subquery("slot").c
    rested = or_(_subscription.c.last_digest_at.is_(None), _subscription.c.last_digest_at <= its.rested_since)
    # One value, looked up by the reader: as a join, PostgreSQL would read the rows that this statement adds, for each.
    about_to_be = (
        select(func.max(_delivery.c.due_at))
        .where(
            _delivery.c.subscriber_id == _subscription.c.subscriber_id,
            off_index(_delivery.c.kind, "") == DeliveryKind.DIGEST,
            _delivery.c.local_date.between(its.days_before, its.local_date),
            off_index(_delivery.c.state, "").in_(UNSETTLED),
        )
        .correlate(_subscription, its.due_at.table)
        .scalar_subquery()
    )
    members = [
        _subscription.c.timezone == timezone,
        _subscription.c.hour == its.hour,
        _subscription.c.cadence == its.cadence,
        or_(its.weekday == ANY_WEEKDAY, its.weekday == _subscription.c.weekday),
    ]
    if only is not None:
        members.append(_subscription.c.subscriber_id == only)
    return _queue(
        session,
        _due_rows(issue_id, its.local_date, its.due_at, its.expires_at, now).where(
            *members,
            _subscription.c.confirmed_at <= its.due_at,
            rested,
            func.coalesce(about_to_be, its.rested_since) <= its.rested_since,
        ),
    )


def count_anew(session: Session) -> None:
    """Let PostgreSQL count the deliveries anew: it plans by the last count, and a morning makes most of them.

    It would do so by itself within a minute or two; until then it takes each reader for one of two hundred, and reads
    the whole table to find their deliveries.
    """
    if dialect_of(session) == "postgresql":
        session.connection().execute(text(f"ANALYZE {_delivery.name}"))


def _row_of(slot: Slot) -> Select[Any]:
    instant = _delivery.c.due_at.type
    return select(
        literal(slot.group.hour).label("hour"),
        literal(slot.group.cadence).label("cadence"),
        literal(slot.group.weekday).label("weekday"),
        literal(slot.local_date).label("local_date"),
        literal(slot.local_date - timedelta(days=2)).label("days_before"),
        literal(slot.at, type_=instant).label("due_at"),
        literal(slot.at - MINIMUM_GAP, type_=instant).label("rested_since"),
        literal(slot.until, type_=instant).label("expires_at"),
    )


def queue_zone(
    session: Session, issue_id: int, timezone: str, local_date: date, *, until: datetime, now: datetime
) -> int:
    """Queue an issue at once for everybody in a time zone not served with it or on that date; return how many."""
    return _queue(
        session,
        _due_rows(issue_id, local_date, now, until, now).where(
            _subscription.c.timezone == timezone, _subscription.c.confirmed_at <= now
        ),
    )


def _due_rows(issue_id: int, local_date: Any, at: Any, until: Any, now: datetime) -> Select[Any]:
    row = NEW_DELIVERY | {"kind": DeliveryKind.DIGEST.value, "issue_id": issue_id, "created_at": now}
    slot = {"local_date": local_date, "due_at": at, "expires_at": until}
    constants = [literal(value, type_=_delivery.c[name].type).label(name) for name, value in row.items()]
    constants += [type_coerce(value, _delivery.c[name].type).label(name) for name, value in slot.items()]
    # Once with this issue and once a date is what two unique constraints hold; a welcome mail is of another kind.
    # As a list, not as a question about each reader: the rows that this very statement adds are of the same issue, and
    # PostgreSQL would step over them for each reader again.
    welcomed = select(_delivery.c.subscriber_id).where(
        _delivery.c.kind == DeliveryKind.WELCOME,
        _delivery.c.issue_id == issue_id,
        _delivery.c.subscriber_id.is_not(None),
    )
    return select(*constants, _subscription.c.subscriber_id).where(
        _awake(local_date), _subscription.c.subscriber_id.not_in(welcomed)
    )


def _awake(on: Any) -> ColumnElement[bool]:
    # In SQL what core.subscription.may_receive says; a test holds the two together.
    state, until = _subscription.c.state, _subscription.c.paused_until
    return or_(
        and_(state == SubscriptionState.CONFIRMED, or_(until.is_(None), until <= on)),
        and_(state == SubscriptionState.PAUSED, until <= on),
    )


def _queue(session: Session, rows: Select[Any]) -> int:
    columns = [column.name for column in rows.selected_columns]
    return insert_new(session, _delivery, columns, rows)


def sweep_rows(session: Session, now: datetime) -> Tally:
    """Settle what nobody holds any more; return the rows moved, by the state they moved to.

    A lease that ran out before the intent gives the delivery back; one that ran out after it leaves
    the delivery unknown, for an admin to decide. What waited beyond its time has expired.
    """
    gone = {"claimed_by": "", "lease_until": None}
    ended = _delivery.c.lease_until <= now
    state = _delivery.c.state
    # First what is being sent: a worker locks that row before the claimed one that follows it.
    doubt = changed(
        session,
        update(_delivery)
        .where(state == DeliveryState.SENDING, ended)
        .values(state=DeliveryState.UNKNOWN, reason=NotSent.LEASE_LOST, settled_at=now, **gone),
    )
    back = changed(
        session,
        update(_delivery).where(state == DeliveryState.CLAIMED, ended).values(state=DeliveryState.PENDING, **gone),
    )
    late = changed(
        session,
        update(_delivery)
        .where(state.in_((DeliveryState.PENDING, DeliveryState.DEFERRED)), _delivery.c.expires_at <= now)
        .values(state=DeliveryState.EXPIRED, reason=NotSent.TOO_LATE, settled_at=now),
    )
    moved = {DeliveryState.PENDING: back, DeliveryState.UNKNOWN: doubt, DeliveryState.EXPIRED: late}
    return Tally(counts={to: count for to, count in moved.items() if count})


def complete_issues(session: Session) -> int:
    """Mark as complete the issues all of whose digests are settled; one that waits to be queued is not."""
    mine = [_delivery.c.issue_id == _issue.c.id, _delivery.c.kind == DeliveryKind.DIGEST]
    return changed(
        session,
        update(_issue)
        .where(
            _issue.c.state.in_(("frozen", "sending")),
            or_(_issue.c.queued_at.is_not(None), exists().where(*mine)),
            ~exists().where(*mine, _delivery.c.state.in_(UNSETTLED)),
        )
        .values(state="complete"),
    )


def tally(session: Session, issue_id: int) -> Tally:
    """Count an issue's digests by state; they add up to its audience."""
    rows = session.connection().execute(
        select(_delivery.c.state, func.count())
        .where(_delivery.c.issue_id == issue_id, _delivery.c.kind == DeliveryKind.DIGEST)
        .group_by(_delivery.c.state)
    )
    return Tally(counts={DeliveryState(state): count for state, count in rows})


def resend_rows(session: Session, ids: Iterable[int], now: datetime) -> int:
    """Queue again deliveries whose fate is unknown and whose time is not over; return how many.

    The fence rises, so that a worker that comes back late with the relay's reply is not believed.
    """
    return changed(
        session,
        update(_delivery)
        .where(
            _delivery.c.id.in_(list(ids)),
            _delivery.c.state == DeliveryState.UNKNOWN,
            _delivery.c.reason != NotSent.ERASED,
            _delivery.c.expires_at > now,
        )
        .values(state=DeliveryState.PENDING, reason="", settled_at=None, due_at=now, fence=_delivery.c.fence + 1),
    )


def hold_issue(session: Session, issue_id: int) -> bool:
    """Hold an issue: nothing more of it is sent until somebody lets it go."""
    return changed(session, update(_issue).where(_issue.c.id == issue_id).values(state="held")) == 1


def cancel_waiting(session: Session, issue_id: int, now: datetime) -> int:
    """Settle the digests of an issue that have not left as skipped; return how many.

    A worker that holds one of them finds its claim lost when it commits its intent.
    """
    waiting = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.DEFERRED)
    return changed(
        session,
        update(_delivery)
        .where(
            _delivery.c.issue_id == issue_id,
            _delivery.c.kind == DeliveryKind.DIGEST,
            _delivery.c.state.in_(waiting),
        )
        .values(state=DeliveryState.SKIPPED, reason=NotSent.CANCELLED, claimed_by="", lease_until=None, settled_at=now),
    )


def mark_queued(session: Session, issue_id: int, now: datetime) -> None:
    """Note that every delivery of an issue has been made, so that no tick makes them again."""
    changed(session, update(_issue).where(_issue.c.id == issue_id, _issue.c.queued_at.is_(None)).values(queued_at=now))


def issue_window(session: Session, issue_id: int) -> tuple[datetime, date] | None:
    """Return when an issue was frozen and the date it bears, or None."""
    row = session.connection().execute(select(_issue.c.frozen_at, _issue.c.issued_on).where(_issue.c.id == issue_id))
    found = row.one_or_none()
    return (found.frozen_at, found.issued_on) if found else None


def issues_between(session: Session, first: date, last: date) -> list[int]:
    """List the ids of the issues dated from `first` to `last` that may be sent, newest first."""
    rows = session.connection().scalars(
        select(_issue.c.id)
        .where(_issue.c.issued_on.between(first, last), _issue.c.state != "held")
        .order_by(_issue.c.issued_on.desc())
    )
    return list(rows)
