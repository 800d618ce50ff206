"""Lead the schedule: of several schedulers one ticks, and another takes over when it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from digest.core.lead import tick_due
from digest.core.plan import Work, work_of
from digest.store import lead as store
from digest.store.engine import reading, writing
from digest.store.lead import Lead


@dataclass
class Seat:
    """One scheduler's place at the wheel; `fence` is the number of its lead, 0 while another leads."""

    engine: Engine
    holder: str
    fence: int = 0

    def take(self, now: datetime) -> bool:
        """Keep the lead, or take it where it is free; say whether this one leads."""
        with writing(self.engine) as session:
            if self.fence and store.renew_lead(session, self.fence, now):
                return True
            self.fence = store.take_lead(session, self.holder, now) or 0
        return self.fence > 0

    def still_leads(self, now: datetime) -> bool:
        """Tell whether the lead still holds: to be asked before each thing that is done."""
        with reading(self.engine) as session:
            return store.leads(session, self.fence, now)

    def begin_tick(self, now: datetime) -> dict[Work, datetime] | None:
        """Return what was asked for lately if a tick is due now and this one leads; otherwise None."""
        with reading(self.engine) as session:
            state = store.tick_state(session, self.fence, now)
        if state is None or not tick_due(state[0], now):
            return None
        return {work_of(words): datetime.fromisoformat(at) for words, at in state[1].items()}

    def end_tick(self, now: datetime, asked: Mapping[Work, datetime]) -> bool:
        """Note that the tick came to its end; False where the lead was lost meanwhile: then another ticks again."""
        plain = {work.key: at.isoformat() for work, at in asked.items()}
        with writing(self.engine) as session:
            return store.end_tick(session, self.fence, now, plain)

    def leave(self, now: datetime) -> None:
        """Give the lead up at an orderly end."""
        if self.fence:
            with writing(self.engine) as session:
                store.leave_lead(session, self.fence, now)
            self.fence = 0


def who_leads(engine: Engine) -> Lead | None:
    """Return who leads the schedule and since when; None where no scheduler ever ran. A lease may have run out."""
    with reading(engine) as session:
        return store.lead(session)
