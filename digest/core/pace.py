"""How fast each recipient domain may be mailed: at once, per minute, and not at all while it asks for less."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_MOST_DOMAINS = 20_000
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(minutes=30)
_PATIENCE = 3  # deferrals in a row, of no named cause, before a domain is left alone: greylisting defers each once
_BURST = 6  # of a minute's messages this part may go at once


@dataclass(frozen=True, slots=True)
class Limit:
    """What a domain takes: messages under way at the same time, and messages a minute."""

    at_once: int = 10
    per_minute: int = 1_200


@dataclass(slots=True)
class _Domain:
    limit: Limit
    allowance: float
    refilled_at: datetime
    under_way: int = 0
    in_a_row: int = 0
    not_before: datetime | None = None
    waits: int = field(default=0)


class Pace:
    """Counts what goes to each domain of this process, and says who may be mailed now.

    Asking changes nothing. Whoever sends says `begun`, and `ended` with the relay's reply. Not for several threads at
    once: one sender asks. Domains are compared in lower case; the least lately used beyond 20,000 are forgotten.
    """

    def __init__(self, default: Limit | None = None, limits: Mapping[str, Limit] | None = None) -> None:
        self._default = default or Limit()
        self._limits = {name.lower(): limit for name, limit in (limits or {}).items()}
        self._domains: OrderedDict[str, _Domain] = OrderedDict()

    def may_go(self, domain: str, now: datetime) -> bool:
        """Say whether one more message to a domain may begin now."""
        return self.free_at(domain, now) <= now

    def free_at(self, domain: str, now: datetime) -> datetime:
        """Return when one more message may begin: now, or later; a second on where only another's end frees it."""
        its = self._domains.get(domain.lower())
        if its is None:
            return now
        at = now
        if its.not_before is not None and its.not_before > at:
            at = its.not_before
        missing = 1.0 - self._allowance(its, now)
        if missing > 0:
            at = max(at, now + timedelta(minutes=missing / its.limit.per_minute))
        if its.under_way >= its.limit.at_once:
            at = max(at, now + timedelta(seconds=1))
        return at

    def begun(self, domain: str, now: datetime) -> None:
        """Note that a message to a domain is under way."""
        its = self._of(domain, now)
        its.allowance = self._allowance(its, now) - 1.0
        its.refilled_at = max(now, its.refilled_at)
        its.under_way += 1

    def ended(self, domain: str, now: datetime, *, code: int, enhanced: str = "") -> None:
        """Note how a message ended, by the reply's digits and enhanced status; 0 where there was no reply.

        A deferral of the whole domain (421, 4.7.x, 4.3.x, 4.4.x) leaves it alone for a minute, and for twice as long
        each time it comes again, up to half an hour. One about a single mailbox (4.1.x, 4.2.x) does nothing.
        """
        its = self._of(domain, now)
        its.under_way = max(0, its.under_way - 1)
        if code // 100 != 4:
            if code // 100 == 2:
                its.in_a_row = its.waits = 0
            return
        if code != 421 and enhanced.startswith(("4.1.", "4.2.")):
            return
        its.in_a_row += 1
        if code == 421 or enhanced.startswith(("4.3.", "4.4.", "4.7.")) or its.in_a_row >= _PATIENCE:
            if its.not_before is not None and its.not_before > now:
                return  # several were under way when it began: that is one wait, not several
            its.not_before = now + min(_FIRST_WAIT * 2 ** min(its.waits, 10), _LONGEST_WAIT)
            its.waits += 1

    def waiting(self, now: datetime) -> dict[str, datetime]:
        """Return the domains that are left alone now, and until when."""
        found = {name: its.not_before for name, its in self._domains.items() if its.not_before is not None}
        return {name: until for name, until in found.items() if until > now}

    def _of(self, domain: str, now: datetime) -> _Domain:
        name = domain.lower()
        if name not in self._domains:
            limit = self._limits.get(name, self._default)
            self._domains[name] = _Domain(limit, self._most(limit), now)
            self._forget()
        self._domains.move_to_end(name)
        return self._domains[name]

    def _forget(self) -> None:
        for name in list(self._domains)[: max(0, len(self._domains) - _MOST_DOMAINS)]:
            if not self._domains[name].under_way:
                del self._domains[name]

    @staticmethod
    def _most(limit: Limit) -> float:
        return max(1.0, limit.per_minute / _BURST)

    def _allowance(self, its: _Domain, now: datetime) -> float:
        minutes = max(timedelta(0), now - its.refilled_at) / timedelta(minutes=1)
        return min(self._most(its.limit), its.allowance + minutes * its.limit.per_minute)
