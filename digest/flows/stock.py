"""What a run has claimed and not begun: claims, what is known of their readers, and the letters made of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.delivery import DeliveryKind, DeliveryState, NotSent
from digest.errors import CorruptState, TemplateFault
from digest.flows.cuts import Cuts
from digest.flows.letters import Courier, Letter, reader_letter
from digest.flows.moves import Move, decide, unrenderable
from digest.flows.prompt_letters import alert_letter, prompt_letter, specimen_letter
from digest.flows.shelf import IssueShelf, proof
from digest.flows.turns import Turns
from digest.store import audience
from digest.store.addressees import Reader, already_sent, readers_of
from digest.store.batches import banned_now
from digest.store.deliveries import Claim, Place, claim
from digest.store.engine import reading, writing
from digest.store.notices import Notice, notices_of
from digest.store.specimens import Kept, specimen_letters
from digest.store.warm_up import within_the_cap

_NONE: frozenset[int] = frozenset()
MEMORY = timedelta(days=90)  # how long a paper once sent is not sent again
_log = structlog.get_logger(__name__)


class Ready(NamedTuple):
    """A letter that may be begun, and the hashes under which its address would be banned."""

    claimed: Claim
    letter: Letter
    hashes: tuple[str, ...]


@dataclass
class Stock:
    """Claims chunk by chunk; whatever their number in all, no more than a chunk of them is in memory."""

    engine: Engine
    courier: Courier
    clock: Callable[[], datetime]
    worker: str
    decided: Callable[[Move], None]  # is told of the claims for which no letter is made
    left: int  # how many may still be claimed
    waiting: deque[Claim] = field(default_factory=deque)
    aside: list[Claim] = field(default_factory=list)  # of held issues; given back at the end
    lost: int = 0
    held: str = ""
    turns: Turns = field(init=False)
    _past: Place | None = None
    _readers: dict[int, Reader] = field(default_factory=dict)
    _hashes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _banned: set[str] = field(default_factory=set)
    _sent: dict[int, frozenset[int]] = field(default_factory=dict)
    _specimens: dict[int, Kept] = field(default_factory=dict)
    _made: dict[int, frozenset[int]] = field(default_factory=dict)
    _made_before: dict[int, frozenset[int]] = field(default_factory=dict)
    _shelf: IssueShelf = field(init=False)
    _cuts: Cuts = field(default_factory=Cuts)
    _proven: set[int] = field(default_factory=set)
    _broken: set[int] = field(default_factory=set)
    _notices: dict[int, Notice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.turns = Turns(self.courier.pace, self._put_back)
        self._shelf = IssueShelf(self.courier.lately)

    def claim_more(self, chunk: int) -> int:
        """Claim up to a chunk more and look up what its letters need; return how many were claimed."""
        with writing(self.engine) as session:
            now, limit = self.clock(), min(chunk, self.left)
            claiming = partial(claim, session, worker=self.worker, now=now, limit=limit, past=self._past)
            claims = within_the_cap(session, self.courier.warm_up, now, lambda room: claiming(room=room))
        self.left = self.left - len(claims) if len(claims) == min(chunk, self.left) else 0
        digests = (Place(one.due_at, one.id) for one in reversed(claims) if one.kind is DeliveryKind.DIGEST)
        self._past = next(digests, self._past)
        self.waiting.extend(claims)
        _log.debug("claimed", deliveries=len(claims), worker=self.worker, first=claims[0].id if claims else None)
        return len(claims)

    def look_up(self) -> None:
        """Look up what the letters of the last chunk need, and hold the issues that cannot be sent."""
        fresh = [claimed for claimed in self.waiting if claimed.id not in self._readers]
        if not fresh:
            return
        with reading(self.engine) as session:
            readers = readers_of(session, fresh)
            self._readers.update(readers)
            erased = [claimed for claimed in fresh if claimed.id not in readers]
            self.lost += len(erased)
            fresh = [claimed for claimed in fresh if claimed.id in readers]
            self._keep(claimed for claimed in self.waiting if claimed.id in self._readers)
            hashes = {key: self.courier.tokens.address_hashes(reader.address) for key, reader in readers.items()}
            self._hashes.update(hashes)
            self._banned |= banned_now(session, [one for several in hashes.values() for one in several])
            alerts = [claimed.id for claimed in fresh if claimed.kind is DeliveryKind.ALERT]
            if alerts:
                self._notices.update(notices_of(session, alerts))
            self._sent = already_sent(session, fresh, since=(self.clock() - MEMORY).date())
            self._specimens |= specimen_letters(session, [one.id for one in fresh if one.kind is DeliveryKind.SPECIMEN])
            # A message of the chunk before may not have been handed over yet.
            self._made, self._made_before = {}, self._made
            for claimed in fresh:
                if claimed.issue_id is not None and claimed.issue_id not in self._broken:
                    self._fetch(session, claimed.issue_id, readers[claimed.id].cadence)
            sound = [one for one in fresh if one.issue_id is not None and one.issue_id not in self._broken]
            self._cuts.look_up(session, self._shelf, sound, readers, self._had)
        self._cuts.cut()
        self._prove_issues()

    def next_letter(self) -> Ready | None:
        """Make the letter of the next claim that gets one; None when nothing waits any more."""
        while (claimed := self._whose_turn()) is not None:
            now = self.clock()
            letter = self._letter(claimed, now)
            hashes = self._hashes.pop(claimed.id)
            address = self._readers.pop(claimed.id).address
            self._cuts.drop(claimed)
            if letter is None:
                continue
            self.turns.begun(claimed, address, now)
            if claimed.subscriber_id is not None:
                known = self._made.get(claimed.subscriber_id, frozenset())
                self._made[claimed.subscriber_id] = known | set(letter.paper_ids)
            return Ready(claimed, letter, hashes)
        return None

    def _whose_turn(self) -> Claim | None:
        """Take out the next claim whose domain takes a message now."""
        now = self.clock()
        if self.turns and (woken := self.turns.wake(now)) is not None:
            return woken
        while self.waiting:
            claimed = self.waiting.popleft()
            if self.turns.its_turn(claimed, self._readers[claimed.id].address, now):
                return claimed
        return None

    def _put_back(self, move: Move) -> None:
        self._readers.pop(move.claimed.id, None)
        self._hashes.pop(move.claimed.id, None)
        self._cuts.drop(move.claimed)
        self.decided(move)

    def _had(self, subscriber_id: int | None) -> frozenset[int]:
        """What a reader was sent, or is about to be."""
        key = subscriber_id or 0
        return self._sent.get(key, _NONE) | self._made.get(key, _NONE) | self._made_before.get(key, _NONE)

    def _keep(self, claims: Iterable[Claim]) -> None:
        self.waiting = deque(list(claims))

    def _fetch(self, session: Session, issue_id: int, cadence: str) -> None:
        try:
            self._shelf.fetch(session, issue_id, cadence)
        except CorruptState as error:
            # One issue that is not what was frozen must not keep the others, and the mail of the hour, waiting.
            self.held = f"it is held: {error}"
            _log.exception("issue_held", issue_id=issue_id)
            self._broken.add(issue_id)

    def _prove_issues(self) -> None:
        """Hold an issue that was tampered with or whose template is broken, before anybody is mailed with it."""
        broken = self._broken
        for issue_id, issue in self._shelf.daily():
            if issue_id in broken or issue_id in self._proven:
                continue
            try:
                proof(self.courier, issue, self.clock())
                self._proven.add(issue_id)
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
        self._keep(claimed for claimed in self.waiting if claimed.issue_id not in broken)

    def _letter(self, claimed: Claim, now: datetime) -> Letter | None:
        """Make the message, or decide without one."""
        reader = self._readers[claimed.id]
        decided = decide(claimed, reader, now, banned=not self._banned.isdisjoint(self._hashes[claimed.id]))
        if decided is not None:
            self.decided(decided)
            return None
        try:
            if claimed.kind is DeliveryKind.SPECIMEN:
                return self._specimen(claimed, now)
            if claimed.kind is DeliveryKind.ALERT:
                return alert_letter(self.courier, claimed, self._notices[claimed.id].body, reader.address, now)
            if claimed.issue_id is None:
                return prompt_letter(self.courier, claimed, reader, now)
            key = claimed.subscriber_id or 0
            made = self._made.get(key, _NONE) | self._made_before.get(key, _NONE)
            edition = self._cuts.take(claimed, made)
            if edition.picks or reader.when_empty:
                return reader_letter(self.courier, claimed, reader, edition, now)
            self.decided(Move(claimed=claimed, to=DeliveryState.SKIPPED, reason=NotSent.NOTHING_NEW))
        except Exception as error:  # noqa: BLE001  # one reader's message must not stop the others', whatever it is
            _log.exception("message_unrenderable", delivery=claimed.id, kind=claimed.kind)
            self.decided(unrenderable(claimed, error, now))
        return None

    def _specimen(self, claimed: Claim, now: datetime) -> Letter | None:
        kept = self._specimens.pop(claimed.id, None)
        if kept is None:  # the reader whose mail it showed was erased
            self.decided(Move(claimed=claimed, to=DeliveryState.SKIPPED, reason=NotSent.NO_LETTER))
            return None
        return specimen_letter(self.courier, claimed, kept, now)
