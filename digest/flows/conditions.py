"""How the services stand that are asked for signals, when each is asked next, and what an issue went without."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from digest.core.capture import RunStatus
from digest.core.plan import LastRun, next_run_at
from digest.core.refresh import SCOPE
from digest.store.conditions import Condition, conditions
from digest.store.due import last_runs
from digest.store.engine import reading
from digest.store.runs import standing_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """One service as the admin is told of it; `next_at` is never in the past."""

    condition: Condition
    last: LastRun | None
    next_at: datetime

    @property
    def status(self) -> str:
        """How its newest run ended; `never` where there was none."""
        return str(self.last.status) if self.last else "never"

    @property
    def budget(self) -> str:
        """What the service says is left of its budget, in words; empty where it says nothing."""
        row = self.condition.row
        if row is None or row.budget_left is None:
            return ""
        of = f" of {row.budget_of:,}" if row.budget_of is not None else ""
        until = f", anew at {row.budget_resets_at:%H:%M} UTC" if row.budget_resets_at else ""
        return f"{row.budget_left:,}{of} left{until}"

    def as_plain(self) -> dict[str, Any]:
        """Return the line as plain values for JSON."""
        row = self.condition.row

        def iso(at: datetime | None) -> str | None:
            return at.isoformat() if at else None

        return {
            "service": self.condition.service,
            "status": self.status,
            "papers": self.condition.papers,
            "answered_at": iso(row.answered_at) if row else None,
            "http_status": row.status if row else None,
            "requests_today": row.requests if row else 0,
            "refused_today": row.refused if row else 0,
            "budget_left": row.budget_left if row else None,
            "budget_of": row.budget_of if row else None,
            "budget_resets_at": iso(row.budget_resets_at) if row else None,
            "refused_at": iso(row.refused_at) if row else None,
            "refusal": row.refusal if row else "",
            "next_at": iso(self.next_at),
        }


def service_lines(engine: Engine, services: Iterable[str], now: datetime) -> list[ServiceLine]:
    """Tell how each service stands, in the order given; yesterday's counts are not today's."""
    with reading(engine) as session:
        found = conditions(session, services)
        runs = last_runs(session, [(one.service, SCOPE) for one in found])
    lines = []
    for one in found:
        if one.row is not None and one.row.counted_on != now.date():
            one.row.requests = one.row.refused = 0  # shown, never stored: the session is closed
        last = runs.get((one.service, SCOPE))
        planned = next_run_at(one.service, last, one.row.held_until if one.row else None)
        lines.append(ServiceLine(condition=one, last=last, next_at=max(planned or now, now)))
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A source that had not reported when an issue was composed: late, failed, or silent for a day."""

    source: str
    scope: str
    status: str
    reason: str


def missing_at(engine: Engine, scopes: Iterable[tuple[str, str]], cut_off: datetime) -> list[Missing]:
    """Name the sources that had not reported at a cut-off; a quiet day is a report.

    What they bring later is read from their cursor, and is in the next issue.
    """
    with reading(engine) as session:
        stood = standing_at(session, list(scopes), cut_off)
    reported = (RunStatus.OK, RunStatus.QUIET)
    return [
        Missing(source=source, scope=scope, status=status, reason=reason)
        for source, scope, status, reason in stood
        if status not in reported
    ]
