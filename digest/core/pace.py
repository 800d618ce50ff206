"""How fast each recipient domain may be mailed: at once, per minute, and not at all while it asks for less."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

_MOST_DOMAINS = 20_000
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(minutes=30)
_PATIENCE = 3  # deferrals in a row, of no named cause, before a domain is left alone: greylisting defers each once
_BURST = 6  # of a minute's messages this part may go at once
_MOMENT = timedelta(seconds=1)
_SOONEST = timedelta(seconds=5)  # what is put back is not looked at again before
_LEAST_GAP = 0.01  # seconds between two that come back, so that a domain that deferred is not met by all of them
_MOST_GAP = 10.0
_GREYLISTED = re.compile(r"gr[ea]y-?\s?list", re.IGNORECASE)
_WRITTEN = re.compile(r"(?P<name>\*|[^\s=/*,@]+)=(?P<at_once>[1-9]\d{0,5})?(?:/(?P<per_minute>[1-9]\d{0,5}))?")


class Why(StrEnum):
    """Why a message has to wait; the first is over in a moment."""

    FULL = "is taking as many as it may at once"
    RATE = "has had its share of this minute"
    BACK_OFF = "asked for less mail and is left alone for a while"


class Wait(NamedTuple):
    """Until when a message waits at least, and why."""

    until: datetime
    why: Why


@dataclass(frozen=True, slots=True)
class Limit:
    """What a domain takes: messages under way at the same time, and messages a minute; None for any number."""

    at_once: int | None = None
    per_minute: int | None = None


NO_LIMIT = Limit()


def read_limits(words: Iterable[str]) -> dict[str, Limit]:
    """Read limits such as `example.org=20/600`, `example.net=20`, `*=/1200`; raises ValueError that says which is none.

    First the number at once, then behind a slash the number a minute, either of which may be left out; `*` stands for
    all domains that are not named.
    """
    limits: dict[str, Limit] = {}
    for word in words:
        read = _WRITTEN.fullmatch(word)
        if read is None or not (read["at_once"] or read["per_minute"]):
            raise ValueError(
                f"{word!r} is not a limit; write example.org=20/600 for 20 at once and 600 a minute, example.org=20 or "
                "example.org=/600 for one of them, with * instead of a name for all others"
            )
        name = read["name"].lower()
        if name in limits:
            raise ValueError(f"{read['name']!r} has two limits; keep one")
        at_once, per_minute = (int(read[part]) if read[part] else None for part in ("at_once", "per_minute"))
        limits[name] = Limit(at_once, per_minute)
    return limits


@dataclass(slots=True)
class _Domain:
    limit: Limit
    allowance: float
    refilled_at: datetime
    under_way: int = 0
    in_a_row: int = 0
    not_before: datetime | None = None
    waits: int = 0
    gap: float = 0.1  # seconds between two messages that end, lately
    ended_at: datetime | None = None
    promised: datetime | None = None


class Pace:
    """Counts what goes to each domain of this process, and says who may be mailed now.

    Asking changes nothing. Whoever sends says `begun`, and `ended` with the relay's reply. Not for several threads at
    once: one sender asks. Domains are compared in lower case; one without a limit is remembered only once it defers,
    and the least lately used beyond 20,000 are forgotten.
    """

    def __init__(self, default: Limit = NO_LIMIT, limits: Mapping[str, Limit] | None = None) -> None:
        self._default = default
        self._limits = {name.lower(): limit for name, limit in (limits or {}).items()}
        self._domains: OrderedDict[str, _Domain] = OrderedDict()
        self._backing_off_until: datetime | None = None

    def may_go(self, domain: str, now: datetime) -> bool:
        """Say whether one more message to a domain may begin now."""
        return self.wait(domain, now) is None

    def free_at(self, domain: str, now: datetime) -> datetime:
        """Return when one more message may begin: now, or later; a second on where only another's end frees it."""
        waiting = self.wait(domain, now)
        return waiting.until if waiting else now

    def wait(self, domain: str, now: datetime, *, prompt: bool = False) -> Wait | None:
        """Return how long a message must wait, None where it may begin now; a `prompt` one heeds a back-off only."""
        its = self._domains.get(domain.lower())
        if its is None:
            return None
        if its.not_before is not None and its.not_before > now:
            return Wait(its.not_before, Why.BACK_OFF)
        if prompt:
            return None
        if its.limit.per_minute is not None:
            missing = 1.0 - self._allowance(its, now)
            if missing > 0:
                return Wait(now + timedelta(minutes=missing / its.limit.per_minute), Why.RATE)
        if its.limit.at_once is not None and its.under_way >= its.limit.at_once:
            return Wait(now + _MOMENT, Why.FULL)
        return None

    def later(self, domain: str, now: datetime) -> datetime:
        """Promise an instant to a message that is put back: one for each, as fast as the domain takes them."""
        its = self._of(domain, now)
        waiting = self.wait(domain, now)
        at = max(now + _SOONEST, waiting.until if waiting else now, its.promised or now)
        per_minute = its.limit.per_minute
        gap = max(60 / per_minute if per_minute else 0.0, _LEAST_GAP, its.gap if its.limit.at_once else 0.0)
        its.promised = at + timedelta(seconds=gap)
        return at

    def begun(self, domain: str, now: datetime) -> None:
        """Note that a message to a domain is under way."""
        name = domain.lower()
        if name not in self._domains and self._limits.get(name, self._default) is NO_LIMIT:
            return
        its = self._of(name, now)
        its.under_way += 1
        if its.limit.per_minute is not None:
            its.allowance = self._allowance(its, now) - 1.0
            its.refilled_at = max(now, its.refilled_at)

    def ended(self, domain: str, now: datetime, *, code: int, enhanced: str = "", text: str = "") -> None:
        """Note how a message ended, by the reply's digits, enhanced status and words; 0 where there was no reply.

        A deferral of the whole domain (421, 4.7.x, 4.3.x, 4.4.x) leaves it alone for a minute, and for twice as long
        each time it comes again, up to half an hour. One about a single mailbox (4.1.x, 4.2.x), or that says it is
        greylisting, which defers everybody once, does nothing.
        """
        name = domain.lower()
        if code // 100 != 4 and name not in self._domains:
            return
        its = self._of(name, now)
        its.under_way = max(0, its.under_way - 1)
        if its.limit.at_once is not None:
            if its.ended_at is not None:
                its.gap += (min((now - its.ended_at).total_seconds(), _MOST_GAP) - its.gap) / 10
            its.ended_at = now
        if code // 100 != 4:
            if code // 100 == 2:
                its.in_a_row = its.waits = 0
            return
        if code != 421 and (enhanced.startswith(("4.1.", "4.2.")) or _GREYLISTED.search(text)):
            return
        its.in_a_row += 1
        if code == 421 or enhanced.startswith(("4.3.", "4.4.", "4.7.")) or its.in_a_row >= _PATIENCE:
            if its.not_before is not None and its.not_before > now:
                return  # several were under way when it began: that is one wait, not several
            its.not_before = now + min(_FIRST_WAIT * 2 ** min(its.waits, 10), _LONGEST_WAIT)
            its.waits += 1
            self._backing_off_until = max(its.not_before, self._backing_off_until or its.not_before)

    def backs_off(self, now: datetime) -> bool:
        """Say whether any domain is left alone now."""
        return self._backing_off_until is not None and self._backing_off_until > now

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
        return max(1.0, (limit.per_minute or 0) / _BURST)

    def _allowance(self, its: _Domain, now: datetime) -> float:
        seconds = max(0.0, (now - its.refilled_at).total_seconds())
        return min(self._most(its.limit), its.allowance + seconds / 60 * (its.limit.per_minute or 0))
