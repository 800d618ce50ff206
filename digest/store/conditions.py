"""How the services stand that are asked for signals: what the admin is shown, and what the plan must know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, select
from sqlmodel import Session
from sqlmodel import select as select_rows

from digest.core.budget import Budget
from digest.core.merge import storable
from digest.core.refresh import Finding
from digest.store.dialects import insert_row, table_of
from digest.store.tables import ServiceCondition, SignalCheck

_check = table_of(SignalCheck)
_condition = table_of(ServiceCondition)


def record_traffic(
    session: Session,
    service: str,
    *,
    requests: int,
    refused: int,
    status: int | None,
    budget: Budget | None,
    now: datetime,
) -> None:
    """Add requests to the day's, and store the newest answer's status and the budget that it named."""
    row = _row(session, service, now)
    if row.counted_on != now.date():
        row.counted_on, row.requests, row.refused = now.date(), 0, 0
    row.requests += requests
    row.refused += refused
    if requests and status is not None:
        row.answered_at, row.status = now, status
    if budget is not None:
        row.budget_left, row.budget_of, row.budget_resets_at = budget.left, budget.of, budget.resets_at
    session.add(row)


def record_refusal(session: Session, service: str, words: str, held_until: datetime | None, *, now: datetime) -> None:
    """Store why a service could not be used, and before which instant it is not to be asked again."""
    row = _row(session, service, now)
    row.refused_at, row.refusal, row.held_until = now, storable(words)[:500], held_until
    session.add(row)


def held_services(session: Session, now: datetime) -> dict[str, datetime]:
    """Return the services that want no request now, each with the instant from which they answer again."""
    rows = session.connection().execute(
        select(_condition.c.service, _condition.c.held_until).where(_condition.c.held_until > now)
    )
    return {row.service: row.held_until for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How one service stands: the papers it was asked for, by its answer, and what it last said of itself."""

    service: str
    papers: dict[str, int]
    row: ServiceCondition | None


def conditions(session: Session, services: Iterable[str]) -> list[Condition]:
    """Return how services stand, in their order; two queries in all."""
    rows = {row.service: row for row in session.exec(select_rows(ServiceCondition))}
    counted = session.connection().execute(
        select(_check.c.service, _check.c.answer, func.count()).group_by(_check.c.service, _check.c.answer)
    )
    papers: dict[str, dict[str, int]] = {}
    for service, answer, number in counted:
        papers.setdefault(service, {})[answer] = number
    return [
        Condition(
            service=name,
            papers={str(finding): papers.get(name, {}).get(finding, 0) for finding in Finding},
            row=rows.get(name),
        )
        for name in services
    ]


def _row(session: Session, service: str, now: datetime) -> ServiceCondition:
    # Two readings of one source may begin its row, and count in it, at the same time.
    blank = {"service": service, "counted_on": now.date(), "requests": 0, "refused": 0, "refusal": ""}
    insert_row(session, _condition, blank, literal(True))
    return session.get_one(ServiceCondition, service, with_for_update=True)
