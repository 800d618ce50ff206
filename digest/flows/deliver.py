"""Hand over what is due: claim a chunk, commit each intent, send, commit each outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.delivery import DeliveryState, NotSent, Tally
from digest.errors import CorruptState, LostInDoubt, MessageRefused, RelayUnavailable, TemplateFault
from digest.flows.audience import materialise, resend_unknown, sweep
from digest.flows.letters import Channel, Courier, Letter, edition_for, prompt_letter, reader_letter
from digest.flows.moves import Move, broken_off, decide, outcome_of, refused_here, unrenderable, write_moves
from digest.flows.shelf import IssueShelf, proof
from digest.store import audience
from digest.store.addressees import Reader, already_sent, last_look, readers_of
from digest.store.deliveries import Claim, claim, intend, release
from digest.store.engine import reading, writing
from digest.store.subscribers import suppressed

__all__ = ["Courier", "deliver_due", "materialise", "resend_unknown", "sweep"]

MEMORY = timedelta(days=90)  # how long a paper once sent is not sent again
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
    stopping: Callable[[], bool] = _go_on,
    checkpoint: Callable[[str], None] = _pass,
) -> Tally:
    """Claim up to `limit` deliveries that are due, send them, and count them by the state they reached.

    An intent is committed before a message is handed over and its outcome together with the next
    intent, so at most one message is ever in doubt. Where the relay cannot be reached the rest is given
    back and `trouble` says so; `stopping` is asked between messages. `checkpoint` is told "claimed",
    "intended", "answered" and "settled" as they happen, for tests that stop the process there.
    """
    with writing(engine) as session:
        claims = claim(session, worker=worker, now=clock(), limit=limit)
    checkpoint("claimed")
    if not claims:
        return Tally()
    run = _Run(engine, courier, clock, stopping, checkpoint, deque(claims))
    run.deliver()
    return Tally.of(run.reached, lost=run.lost, trouble=run.trouble or run.held)


@dataclass
class _Run:
    """One chunk on its way; every claim ends in `reached`, in `lost`, or given back."""

    engine: Engine
    courier: Courier
    clock: Callable[[], datetime]
    stopping: Callable[[], bool]
    checkpoint: Callable[[str], None]
    waiting: deque[Claim]
    moves: list[Move] = field(default_factory=list)  # decided, and committed with the next intent
    aside: list[Claim] = field(default_factory=list)  # given back at the end
    reached: list[DeliveryState] = field(default_factory=list)
    lost: int = 0
    trouble: str = ""
    held: str = ""
    readers: dict[int, Reader] = field(default_factory=dict)
    hashes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    banned: set[str] = field(default_factory=set)
    sent: dict[int, frozenset[int]] = field(default_factory=dict)
    shelf: IssueShelf = field(default_factory=IssueShelf)
    broken: set[int] = field(default_factory=set)

    def deliver(self) -> None:
        """Take every claim as far as it goes; what was not begun is given back, whatever happens."""
        try:
            self._look_up()
            self._prove_issues()
            if self.waiting:
                with self.courier.relay() as channel:
                    while self.waiting and not self.trouble:
                        if self.stopping():
                            self.trouble = "asked to stop"
                            break
                        self._next(channel)
        except RelayUnavailable as error:
            self.trouble = str(error)
        finally:
            self._wind_up()
        if self.trouble:
            _log.warning("delivery_stopped", trouble=self.trouble, given_back=len(self.waiting) + len(self.aside))

    def _look_up(self) -> None:
        with reading(self.engine) as session:
            self.readers = readers_of(session, self.waiting)
            erased = [claimed for claimed in self.waiting if claimed.id not in self.readers]
            self.lost += len(erased)
            self.waiting = deque(claimed for claimed in self.waiting if claimed.id in self.readers)
            tokens = self.courier.tokens
            self.hashes = {key: tokens.address_hashes(reader.address) for key, reader in self.readers.items()}
            self.banned = suppressed(session, [one for several in self.hashes.values() for one in several])
            self.sent = already_sent(session, self.waiting, since=(self.clock() - MEMORY).date())
            for claimed in self.waiting:
                if claimed.issue_id is not None and claimed.issue_id not in self.broken:
                    self._fetch(session, claimed.issue_id, self.readers[claimed.id].cadence)

    def _fetch(self, session: Session, issue_id: int, cadence: str) -> None:
        try:
            self.shelf.fetch(session, issue_id, cadence)
        except CorruptState as error:
            # One issue that is not what was frozen must not keep the others, and the mail of the hour, waiting.
            self.held = f"it is held: {error}"
            _log.exception("issue_held", issue_id=issue_id)
            self.broken.add(issue_id)

    def _prove_issues(self) -> None:
        """Hold an issue that was tampered with or whose template is broken, before anybody is mailed with it."""
        broken = self.broken
        for issue_id, issue in self.shelf.daily():
            if issue_id in broken:
                continue
            try:
                proof(self.courier, issue, self.clock())
            except TemplateFault as error:
                self.held = f"issue {issue.issued_on} is held, it cannot be rendered: {error}"
                _log.exception("issue_held", issue=issue.issued_on.isoformat())
                broken.add(issue_id)
        if not broken:
            return
        with writing(self.engine) as session:
            for issue_id in broken:
                audience.hold_issue(session, issue_id)
        self.aside += [claimed for claimed in self.waiting if claimed.issue_id in broken]
        self.waiting = deque(claimed for claimed in self.waiting if claimed.issue_id not in broken)

    def _next(self, channel: Channel) -> None:
        claimed = self.waiting[0]
        now = self.clock()
        letter = self._letter(claimed, now)
        if letter is None:
            self.waiting.popleft()
            return
        with writing(self.engine) as session:
            states = write_moves(session, self.moves, self.clock(), tokens=self.courier.tokens)
            refused = self._refuse(session, claimed, now)
            mine = refused is None and intend(
                session, claimed, message_id=letter.message_id, paper_ids=letter.paper_ids, now=now
            )
        self._moves_written(states)
        self.waiting.popleft()
        if refused is not None:
            self.moves.append(refused)
        elif not mine:
            self.lost += 1
        else:
            self._send(channel, claimed, letter)

    def _send(self, channel: Channel, claimed: Claim, letter: Letter) -> None:
        self.checkpoint("intended")
        if claimed.subscriber_id is not None:
            known = self.sent.get(claimed.subscriber_id, frozenset())
            self.sent[claimed.subscriber_id] = known | set(letter.paper_ids)
        try:
            outcome = outcome_of(claimed, channel.send(letter.envelope, letter.message), self.clock())
            self.checkpoint("answered")
        except (RelayUnavailable, LostInDoubt) as error:
            # The next connection may end the same way: one message in doubt is enough for one run.
            self.trouble = str(error)
            outcome = broken_off(claimed, error, self.clock())
        except MessageRefused as error:
            _log.exception("message_refused", delivery=claimed.id, kind=claimed.kind)
            outcome = refused_here(claimed, error)
        self.moves.append(outcome)

    def _letter(self, claimed: Claim, now: datetime) -> Letter | None:
        """Make the message, or decide without one."""
        reader = self.readers[claimed.id]
        decided = decide(claimed, reader, now, banned=not self.banned.isdisjoint(self.hashes[claimed.id]))
        if decided is not None:
            self.moves.append(decided)
            return None
        try:
            if claimed.issue_id is None:
                return prompt_letter(self.courier, claimed, reader, now)
            issue = self.shelf.take(claimed.issue_id, reader.cadence)
            edition = edition_for(reader, issue, self.sent.get(claimed.subscriber_id or 0, frozenset()))
            if edition.picks:
                return reader_letter(self.courier, claimed, reader, edition, now)
            self.moves.append(Move(claimed=claimed, to=DeliveryState.SKIPPED, reason=NotSent.NOTHING_NEW))
        except Exception as error:  # noqa: BLE001  # one reader's message must not stop the others', whatever it is
            _log.exception("message_unrenderable", delivery=claimed.id, kind=claimed.kind)
            self.moves.append(unrenderable(claimed, error, now))
        return None

    def _refuse(self, session: Session, claimed: Claim, now: datetime) -> Move | None:
        """Look once more, inside the transaction of the intent, at what may have changed since."""
        reader, banned = last_look(session, claimed, self.hashes[claimed.id])
        if reader is None:
            return None  # the row is gone, and the intent will find that out
        if reader.issue_held:
            return Move(claimed=claimed, to=DeliveryState.PENDING)
        return decide(claimed, reader, now, banned=banned)

    def _moves_written(self, states: Iterable[DeliveryState | None]) -> None:
        for state in states:
            if state is None:
                self.lost += 1
            else:
                self.reached.append(state)
        if self.moves:
            self.moves.clear()
            self.checkpoint("settled")

    def _wind_up(self) -> None:
        back = [*self.waiting, *self.aside]
        with writing(self.engine) as session:
            states = write_moves(session, self.moves, self.clock(), tokens=self.courier.tokens)
            given_back = release(session, back)
        self._moves_written(states)
        self.reached += [DeliveryState.PENDING] * given_back
        self.lost += len(back) - given_back
        self.waiting.clear()
        self.aside.clear()
