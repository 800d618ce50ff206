"""How the sources stand that list papers: how each newest run ended, and how far each was read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from digest.core.capture import RunStatus
from digest.store.engine import reading
from digest.store.runs import SILENT, SourceHealth, load_cursor, source_overview


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """One source in one scope as the admin is told of it; `health` is None where it was never run."""

    source: str
    scope: str
    health: SourceHealth | None
    cursor: str
    silent: bool  # is read by itself, and did not end well for longer than its interval

    @property
    def status(self) -> str:
        """How its newest run ended; `silent` where that was well, but long ago; `never` where there was none."""
        if self.health is None:
            return "never"
        well = self.health.status in (RunStatus.OK, RunStatus.QUIET)
        return "silent" if self.silent and well else self.health.status

    def as_plain(self) -> dict[str, Any]:
        """Return the line as plain values for JSON."""
        health = self.health

        def iso(at: datetime | None) -> str | None:
            return at.isoformat() if at else None

        return {
            "source": self.source,
            "scope": self.scope,
            "status": self.status,
            "reason": health.reason if health else "",
            "started_at": iso(health.started_at) if health else None,
            "last_ok": iso(health.last_ok) if health else None,
            "listings": health.listings if health else 0,
            "papers_new": health.papers_new if health else 0,
            "rejected": health.rejected if health else 0,
            "cursor": self.cursor,
        }


def source_lines(
    engine: Engine,
    scopes: Iterable[tuple[str, str]],
    now: datetime,
    *,
    polled: Collection[tuple[str, str]],
    apart: Collection[str] = (),
) -> list[SourceLine]:
    """Tell how each (source, scope) stands, those that are set up first; then what else was ever run, by name.

    Those of `polled` are read by themselves, so that they can be silent; sources of `apart` are left out.
    """
    with reading(engine) as session:
        found = {(one.source, one.scope): one for one in source_overview(session, now)}
        known = dict.fromkeys([*scopes, *(key for key in found if key[0] not in apart)])
        return [
            SourceLine(
                source=source,
                scope=scope,
                health=found.get((source, scope)),
                cursor=load_cursor(session, source, scope).position,
                silent=(source, scope) in polled and long_silent(found.get((source, scope)), now),
            )
            for source, scope in known
        ]


def long_silent(health: SourceHealth | None, now: datetime) -> bool:
    """Tell whether a source that is read by itself has not ended well for longer than its interval."""
    return health is None or health.last_ok is None or now - health.last_ok > SILENT
