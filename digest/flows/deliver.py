"""Hand over what is due over many connections: claim, begin, commit the intents, let go, commit the outcomes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Engine

from digest.core.delivery import Tally
from digest.errors import MessageRefused, RelayUnavailable
from digest.flows.audience import materialise, resend_unknown, sweep
from digest.flows.ledger import Ledger
from digest.flows.letters import Courier, Lines
from digest.flows.moves import Move, broken_off, outcome_of, refused_here
from digest.flows.stock import Ready, Stock
from digest.mail.parcel import Answered, Failed, News, Unbegun, Wanted
from digest.store.deliveries import Claim

__all__ = ["Courier", "deliver_due", "materialise", "resend_unknown", "sweep"]

CHUNK = 250  # deliveries claimed at once
_PREPARED = 32  # letters made before there is a connection for them
_TOGETHER = 0.8  # of the messages under way: their intents are committed together, which costs as much as for one
_LINGER = 0.002  # seconds that intents wait for one another before they are committed
_PATIENCE = 0.5  # seconds between two questions whether to stop
_GLANCE = 0.05  # seconds between two looks whether a domain takes more
_GLANCES = 100  # that nobody is mailed in
_log = structlog.get_logger(__name__)


def _pass(_point: str) -> None:
    """Do nothing at a checkpoint."""


def _go_on() -> bool:
    return False


def deliver_due(
    engine: Engine,
    courier: Courier,
    *,
    worker: str,
    clock: Callable[[], datetime],
    limit: int = 200,
    chunk: int = CHUNK,
    stopping: Callable[[], bool] = _go_on,
    checkpoint: Callable[[str], None] = _pass,
) -> Tally:
    """Claim up to `limit` deliveries that are due, chunk by chunk, send them, and count them by the state reached.

    The intents of all connections are committed together before the final dots of their messages, with the outcomes
    of those before them, so at most one message for each connection is ever in doubt. Where the relay cannot be
    reached the rest is given back and `trouble` says so; `stopping` is asked all the time: what is past its intent
    is then finished, the rest given back. `checkpoint` is told "claimed", "intended", "dot", "answered" and
    "settled" as they happen, for tests that stop the process there.
    """
    ledger = Ledger(engine, clock, courier.tokens)
    stock = Stock(engine, courier, clock, worker, ledger.moves.append, limit)
    run = _Run(ledger, stock, courier, clock, stopping, checkpoint, chunk)
    run.deliver()
    lost = ledger.lost + stock.lost
    return Tally(counts=dict(ledger.reached), lost=lost, trouble=run.trouble or stock.held, relay=run.relay)


@dataclass
class _Run:
    """The letters of one run: ready, begun, wanted by the relay, or sealed, which is let go and not answered yet."""

    ledger: Ledger
    stock: Stock
    courier: Courier
    clock: Callable[[], datetime]
    stopping: Callable[[], bool]
    checkpoint: Callable[[str], None]
    chunk: int
    trouble: str = ""
    relay: str = ""
    ready: deque[Ready] = field(default_factory=deque)
    begun: dict[int, Ready] = field(default_factory=dict)
    wanted: dict[int, Ready] = field(default_factory=dict)
    sealed: dict[int, Ready] = field(default_factory=dict)

    def deliver(self) -> None:
        """Take every claim as far as it goes; what was not begun is given back, whatever happens."""
        try:
            if self._restock():
                with self.courier.relay() as lines:
                    self._work(lines)
        except RelayUnavailable as error:
            self.trouble = self.relay = str(error)
        finally:
            self._wind_up()
        if self.trouble:
            _log.warning("delivery_stopped", trouble=self.trouble)

    def _work(self, lines: Lines) -> None:
        while True:
            if not self.trouble and self.stopping():
                self._stop(lines)
            self._begin(lines)
            if not (self.begun or self.wanted or self.sealed):
                self.relay = lines.trouble
                self.trouble = self.trouble or self.relay
                if self.trouble or not (self.ready or self._restock() or self._wait_for_turns(lines)):
                    return
                continue
            try:
                patience = self._make_use_of_time()
            except Exception:  # a claim that the database refused
                self._drain(lines)
                raise
            heard = lines.listen(patience)
            self._hear(heard)
            if self._enough_wanted or (patience and not heard):
                self._commit(lines)

    @property
    def _enough_wanted(self) -> bool:
        """Whether so many wait for their intents that the others are not worth waiting for."""
        under_way = len(self.begun) + len(self.wanted) + len(self.sealed)
        return len(self.wanted) >= under_way * _TOGETHER > 0

    def _restock(self) -> bool:
        """Claim more and make the first letter of it; False where there is no more."""
        while self.stock.left > 0 and not self.trouble and not self.stopping():
            if len(self.ledger.moves) >= self.chunk:  # of a domain that takes nothing, chunk after chunk is put back
                self._settle()
            claimed = self.stock.claim_more(self.chunk)
            self.checkpoint("claimed")
            if claimed:
                self.stock.look_up()
                self._prepare(1)
                if self.ready:
                    return True
        return False

    def _settle(self) -> None:
        """Commit what was decided without any message."""
        if self.ledger.commit([])[1]:
            self.checkpoint("settled")

    def _wait_for_turns(self, lines: Lines) -> bool:
        """Wait some seconds for a domain to take more, with nothing under way; what waits longer is put back."""
        for _ in range(_GLANCES):
            if not self.stock.turns or self.stopping():
                return False
            self._settle()
            self._hear(lines.listen(_GLANCE))
            self._prepare(1)
            if self.ready:
                return True
        self.stock.turns.give_up(self.clock())
        return False

    def _prepare(self, number: int) -> None:
        for _ in range(number):
            one = self.stock.next_letter()
            if one is None:
                return
            self.ready.append(one)

    def _begin(self, lines: Lines) -> None:
        """Give the connections the letters that they have room for."""
        if self.trouble:
            return
        for _ in range(lines.room(self._to_begin)):
            if not self.ready:
                self._prepare(1)
            if not self.ready:
                return
            one = self.ready.popleft()
            if self.stock.turns.overtaken(one.claimed, self.clock()):
                continue
            try:
                lines.begin(one.claimed.id, one.letter.envelope, one.letter.message)
            except MessageRefused as error:
                _log.exception("message_refused", delivery=one.claimed.id, kind=one.claimed.kind)
                self.ledger.early.append((one, refused_here(one.claimed, error)))
                self.stock.turns.ended(one.claimed.id, None, self.clock())
            else:
                self.begun[one.claimed.id] = one

    @property
    def _to_begin(self) -> int:
        return len(self.ready) + len(self.stock.waiting) + len(self.stock.turns) + self.stock.left

    def _make_use_of_time(self) -> float:
        """Make letters ahead; return how many seconds to listen, 0 where there are still more to be made."""
        if len(self.ready) < _PREPARED and not self.trouble:
            if self.stock.waiting:
                self._prepare(4)
                return 0.0
            if self._restock():
                return 0.0
        if self.wanted or self.ledger.behind:
            return _LINGER
        return _GLANCE if self.stock.turns else _PATIENCE

    def _hear(self, heard: Sequence[News]) -> None:
        now = self.clock()
        for news in heard:
            match news:
                case Wanted(key):
                    self.wanted[key] = self.begun.pop(key)
                case Unbegun(key):
                    one = self.begun.pop(key, None) or self.wanted.pop(key)
                    self.ready.appendleft(one)
                case Answered(key, reply):
                    self.stock.turns.ended(key, reply, now)
                    self._end(key, partial(outcome_of, reply=reply, now=now))
                case Failed(key, error):
                    self.stock.turns.ended(key, None, now)
                    self._end(key, partial(broken_off, error=error, now=now))

    def _end(self, key: int, decided: Callable[[Claim], Move]) -> None:
        one = self.sealed.pop(key, None)
        if one is not None:
            self.ledger.moves.append(decided(one.claimed))
            self.checkpoint("answered")
            return
        one = self.begun.pop(key, None) or self.wanted.pop(key)
        self.ledger.early.append((one, decided(one.claimed)))

    def _commit(self, lines: Lines) -> None:
        """Commit intents and outcomes, and let those go whose intent is committed."""
        wanted = list(self.wanted.values())
        if not wanted and not self.ledger.behind:
            return
        try:
            may_go, settled = self.ledger.commit(wanted)
        except Exception:
            self._drain(lines)
            raise
        if settled:
            self.checkpoint("settled")
        self.wanted.clear()
        for one in wanted:
            key = one.claimed.id
            if key in may_go:
                self.checkpoint("intended")
                self.sealed[key] = one
                lines.seal(key)
            else:
                lines.recall(key)
                self.stock.turns.ended(key, None, self.clock())
        if self.ready:
            self._begin(lines)  # an envelope behind each final dot, in the same write
        lines.flush()
        for _ in may_go:
            self.checkpoint("dot")

    def _drain(self, lines: Lines) -> None:
        """Hear what becomes of the messages that were let go."""
        while self.sealed:
            self._hear(lines.listen(_PATIENCE))

    def _stop(self, lines: Lines) -> None:
        self.trouble = "asked to stop"
        for letters in (self.begun, self.wanted):
            for key, one in letters.items():
                lines.recall(key)
                self.ready.append(one)
            letters.clear()

    def _wind_up(self) -> None:
        begun = [one.claimed for one in (*self.ready, *self.begun.values(), *self.wanted.values())]
        parked = self.stock.turns.close(self.clock())
        _, settled = self.ledger.commit([], give_back=[*begun, *parked, *self.stock.waiting, *self.stock.aside])
        if settled:
            self.checkpoint("settled")
