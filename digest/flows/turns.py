"""Whose turn it is: asks the pace of each domain, lets claims wait for a moment, puts back those that wait longer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from digest.core.delivery import PROMPT, DeliveryState
from digest.core.pace import Pace, Wait, Why
from digest.flows.moves import Move
from digest.mail.smtp import Reply
from digest.store.deliveries import Claim

_MOMENT = timedelta(seconds=5)  # who waits longer is put back into the database
_LAST_TRY = timedelta(minutes=1)  # before it expires
_GLANCE = timedelta(milliseconds=50)  # between two looks at all who wait here
_OF_A_DOMAIN = 50  # claims that wait here
_IN_ALL = 250
_log = structlog.get_logger(__name__)


@dataclass
class Turns:
    """What one run has under way for each domain, and the claims that wait for theirs.

    A claim whose domain takes no more for a moment is parked, and others go past it. It is put back with a later
    instant, before its letter is made, where the wait is longer or too many are parked; `decided` is then told.
    """

    pace: Pace
    decided: Callable[[Move], None]
    _parked: dict[str, deque[Claim]] = field(default_factory=dict)
    _number: int = 0
    _under_way: dict[int, str] = field(default_factory=dict)
    _to_look_at: set[str] = field(default_factory=set)
    _looked_at: datetime | None = None
    _told: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return self._number

    def its_turn(self, claimed: Claim, address: str, now: datetime) -> bool:
        """Say whether a claim may go on; it is parked or put back where it may not."""
        domain = _domain_of(address)
        waiting = self.pace.wait(domain, now, prompt=claimed.kind in PROMPT)
        mates = self._parked.get(domain)
        if waiting is None and (not mates or claimed.kind in PROMPT):
            return True
        waiting = waiting or Wait(now, Why.FULL)
        room = self._number < _IN_ALL and len(mates or ()) < _OF_A_DOMAIN
        if waiting.why is not Why.BACK_OFF and waiting.until - now <= _MOMENT and room:
            self._parked.setdefault(domain, deque()).append(claimed)
            self._number += 1
            return False
        self._put_back(claimed, domain, waiting, now)
        return False

    def wake(self, now: datetime) -> Claim | None:
        """Return a parked claim whose domain takes one again; those of a domain that backs off are put back."""
        if self._looked_at is None or not timedelta(0) <= now - self._looked_at < _GLANCE:
            self._looked_at = now
            self._to_look_at.update(self._parked)
        while self._to_look_at:
            domain = next(iter(self._to_look_at))
            waiting = self.pace.wait(domain, now)
            if waiting is None and (claims := self._parked.get(domain)):
                self._number -= 1
                return claims.popleft()
            self._to_look_at.discard(domain)
            if not self._parked.get(domain):
                self._parked.pop(domain, None)
            elif waiting is not None and waiting.why is Why.BACK_OFF:
                for claimed in self._take_out(domain):
                    self._put_back(claimed, domain, waiting, now)
        return None

    def give_up(self, now: datetime) -> None:
        """Put back all that are parked."""
        for domain in list(self._parked):
            waiting = self.pace.wait(domain, now) or Wait(now, Why.FULL)
            for claimed in self._take_out(domain):
                self._put_back(claimed, domain, waiting, now)

    def begun(self, claimed: Claim, address: str, now: datetime) -> None:
        """Note that a letter was made, and will go next."""
        domain = self._under_way[claimed.id] = _domain_of(address)
        self.pace.begun(domain, now)

    def overtaken(self, claimed: Claim, now: datetime) -> bool:
        """Put back a claim whose letter is made already where its domain has asked for less mail meanwhile."""
        if not self.pace.backs_off(now):
            return False
        domain = self._under_way[claimed.id]
        waiting = self.pace.wait(domain, now, prompt=True)
        if waiting is None:
            return False
        self.ended(claimed.id, None, now)
        self._put_back(claimed, domain, waiting, now)
        return True

    def ended(self, key: int, reply: Reply | None, now: datetime) -> None:
        """Note what the relay has said of a delivery, or that nothing was said of it."""
        domain = self._under_way.pop(key)
        if reply is None:
            self.pace.ended(domain, now, code=0)
        else:
            enhanced = reply.enhanced if reply.code // 100 == 4 else ""
            self.pace.ended(domain, now, code=reply.code, enhanced=enhanced, text=reply.text)
        if domain in self._parked:
            self._to_look_at.add(domain)

    def close(self, now: datetime) -> list[Claim]:
        """Forget what was not handed over, and return the claims that are still parked."""
        for key in list(self._under_way):
            self.ended(key, None, now)
        return [claimed for domain in list(self._parked) for claimed in self._take_out(domain)]

    def _take_out(self, domain: str) -> deque[Claim]:
        claims = self._parked.pop(domain)
        self._number -= len(claims)
        return claims

    def _put_back(self, claimed: Claim, domain: str, waiting: Wait, now: datetime) -> None:
        # Somebody waits for a prompt one: it does not queue behind the digests.
        at = waiting.until if claimed.kind in PROMPT else self.pace.later(domain, now)
        last = claimed.expires_at - _LAST_TRY
        due_at = min(at, last if last > now else claimed.expires_at)
        reason = f"{domain[:200]} {waiting.why}"
        self.decided(Move(claimed=claimed, to=DeliveryState.PENDING, reason=reason, due_at=due_at))
        if domain not in self._told:
            self._told.add(domain)
            _log.warning("domain_waits", domain=domain, why=str(waiting.why), until=waiting.until.isoformat())


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()
